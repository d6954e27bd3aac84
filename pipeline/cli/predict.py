"""What `predict` does: rows from a file to predictions in another, in words on the terminal."""

from __future__ import annotations

from pathlib import Path

from pipeline import load_ensemble, load_top_models
from pipeline.cli.console import line, standard
from pipeline.data import readers
from pipeline.errors import UserError
from pipeline.storage.atomic import replace


def predict(source: Path, target: Path, study: Path, *, count: int, ensemble: str, model: str, task: str) -> int:
    """Predict the rows of `source` into the CSV file `target`; raise UserError for what the user can fix.

    With the `count` best configurations of the study, or with its `ensemble` where one is named; `model` names the
    function that makes the networks, and `task` the task, where they are the user's own.
    """
    console = standard()
    readers.check_exists(str(source))  # before the study is loaded, which says how its cells are read
    top = load_ensemble(study, ensemble, model, task) if ensemble else load_top_models(study, count, model, task)
    columns = top.preprocessing.columns
    frame = readers.read_frame(str(source), columns.reading, texts=columns.categories)
    for column, values in top.unknown_categories(frame).items():
        seen = ", ".join(values)
        line(console, f"{column}: never seen in training, treated as none of the known categories: {seen}")
    predicted = top.predict(frame)
    try:
        replace(target, predicted.to_csv(index=False).encode())
    except OSError as error:
        raise UserError(
            f"{target} cannot be written: {error.strerror}", hint="check its folder and permissions"
        ) from error
    line(console, f"{len(predicted)} rows predicted by {len(top.members)} networks: {target}")
    return 0
