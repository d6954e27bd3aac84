"""What `predict` does: rows from a file to predictions in another, in words on the terminal."""

from __future__ import annotations

import warnings
from pathlib import Path

from pipeline import load_ensemble, load_top_models
from pipeline.cli import outputs
from pipeline.cli.console import line, standard
from pipeline.data import new_rows, readers
from pipeline.data.part_files import below
from pipeline.data.unlike_words import sentences
from pipeline.errors import UnlikeTrainingWarning


def predict(source: Path, target: Path, study: Path, *, count: int, ensemble: str, model: str, task: str) -> int:
    """Predict the rows of `source` into the file `target`; raise UserError for what the user can fix.

    The file is what its ending says. The `count` best configurations of the study predict, or its `ensemble` where one
    is named; `model` names the function that makes the networks, and `task` the task, where they are the user's own.
    """
    console = standard()
    readers.check_exists(str(source))  # before the study is loaded, which says how its cells are read
    write = outputs.table_writer(target, source, study)
    top = load_ensemble(study, ensemble, model, task) if ensemble else load_top_models(study, count, model, task)
    columns = top.preprocessing.columns
    frame = readers.read_frame(str(source), columns.reading, texts=new_rows.texts_of(columns), named=columns.inputs)
    with below(frame, str(source)):
        told = sentences(top.unknown_categories(frame), top.unlike_training(frame))
    for each in told:
        line(console, each)
    if top.about:
        line(console, f"{top.about}.")
    with below(frame, str(source)), warnings.catch_warnings():
        warnings.simplefilter("ignore", UnlikeTrainingWarning)  # these sentences
        predicted = top.predict(frame)
    write(new_rows.labelled(predicted, frame, columns))
    for sentence in new_rows.about(predicted, frame, columns):
        line(console, sentence)
    count = int(predicted.notna().any(axis=1).sum())
    line(console, f"{count} rows predicted by {len(top.members)} networks: {target}")
    return 0
