"""What `predict` does: rows from a file to predictions in another, in words on the terminal."""

from __future__ import annotations

from pathlib import Path

from pipeline import load_ensemble, load_top_models
from pipeline.cli import outputs
from pipeline.cli.console import line, standard
from pipeline.data import tables


def predict(source: Path, target: Path, study: Path, *, count: int, ensemble: str, model: str, task: str) -> int:
    """Predict the rows of `source` into the file `target`; raise UserError for what the user can fix.

    The file is what its ending says. The `count` best configurations of the study predict, or its `ensemble` where one
    is named; `model` names the function that makes the networks, and `task` the task, where they are the user's own.
    """
    console = standard()
    write = outputs.table_writer(target, source, study)
    frame = tables.read_frame(str(source))
    top = load_ensemble(study, ensemble, model, task) if ensemble else load_top_models(study, count, model, task)
    for column, values in top.unknown_categories(frame).items():
        seen = ", ".join(values)
        line(console, f"{column}: never seen in training, treated as none of the known categories: {seen}")
    predicted = top.predict(frame)
    write(predicted)
    line(console, f"{len(predicted)} rows predicted by {len(top.members)} networks: {target}")
    return 0
