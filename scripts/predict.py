"""Predict new rows with a study's models: the `predict` command as a script. See --help."""

from pipeline.cli.commands import script

if __name__ == "__main__":
    script("predict")
