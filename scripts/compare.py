"""Compare search strategies on a table: the `compare` command under the name that a script has. See --help."""

from pipeline.cli.commands import script

if __name__ == "__main__":
    script("compare")
