"""Run or resume a search: the `run` command as a script. See --help."""

from pipeline.cli.commands import script

if __name__ == "__main__":
    script("run")
