"""Compare search strategies on a table: the `compare` command as a script. See --help."""

from pipeline.cli.commands import script

if __name__ == "__main__":
    script("compare")
