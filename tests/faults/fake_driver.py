"""The product's command line with the fake trainer: what `scripts/run_pipeline.py` is, in milliseconds a training."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import typer

from pipeline.cli.commands import run
from tests.plain_driver import install

if __name__ == "__main__":
    install()
    typer.run(run)
