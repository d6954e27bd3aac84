"""Launch or resume a search: the `run` command under the name that a script has. See --help."""

import typer

from pipeline.cli.commands import run

if __name__ == "__main__":
    typer.run(run)
