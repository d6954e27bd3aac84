"""What `predict` does: rows from a file to predictions in another, in words on the terminal."""

from __future__ import annotations

from pathlib import Path

from pipeline import load_ensemble, load_top_models
from pipeline.cli.console import line, standard
from pipeline.cli.unlike_training import unlike_training
from pipeline.data import new_rows, readers
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
    frame = readers.read_frame(str(source), columns.reading, texts=new_rows.texts_of(columns))
    for each in unlike_training(top.unknown_categories(frame), top.unlike_training(frame)):
        line(console, each)
    predicted = top.predict(frame)
    try:
        replace(target, new_rows.labelled(predicted, frame, columns).to_csv(index=False).encode())
    except OSError as error:
        raise UserError(
            f"{target} cannot be written: {error.strerror}", hint="check its folder and permissions"
        ) from error
    for sentence in new_rows.about(predicted, frame, columns):
        line(console, sentence)
    count = int(predicted.notna().any(axis=1).sum())
    line(console, f"{count} rows predicted by {len(top.members)} networks: {target}")
    return 0
