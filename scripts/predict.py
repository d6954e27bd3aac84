"""Predict new rows with the best models of a study: the `predict` command under the name that a script has."""

import typer

from pipeline.cli.commands import predict

if __name__ == "__main__":
    typer.run(predict)
