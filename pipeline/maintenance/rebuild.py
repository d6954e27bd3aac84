"""A study's workbook drawn from its journal."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from pipeline import models
from pipeline.errors import UserError
from pipeline.ledger import journal
from pipeline.ledger.known import elite_of, stored_identity
from pipeline.models import LAYERS, Layers
from pipeline.study_folder import identity, lock
from pipeline.study_folder.layout import StudyFolder
from pipeline.workbook import book
from pipeline.workbook.columns import CONFIGURATIONS, KEY, TEST, headed
from pipeline.workbook.ooxml import BROKEN
from pipeline.workbook.read import Cells, rows_below, written
from pipeline.workbook.view import view_of

Say = Callable[[str], None]
"""Shows the user a sentence: what became of the workbook that was there."""


def rebuild(study: Path, say: Say) -> Path:
    """Draw the workbook from the journal, keeping the user's own changes, and return the path that was written.

    `say` gets a sentence where the workbook cannot be refreshed or was put aside, and why. Raise UserError if the
    folder is not a study or a run has locked it, and DamagedFile if the journal is damaged.
    """
    stored = stored_identity(study)
    with lock.held(study):
        return redraw(study, stored, journal.read(StudyFolder(study).journal), say)


def redraw(study: Path, stored: identity.Stored, contents: journal.Contents, say: Say) -> Path:
    """Draw the workbook of a study folder that the caller has locked."""
    path, task = StudyFolder(study).workbook, identity.task_of(stored.fingerprint)
    view = view_of(
        contents,
        epochs=stored.fingerprint["epochs"],
        outputs=(),
        task=task,
        facts=stored.facts,
        elite=elite_of(contents),
        layers=_layers(stored.fingerprint.get("model")),
        test={key: task.shown(value) for key, value in _tested(path, headed(TEST, task)).items()},
    )
    return book.write(path, view, say)


def _layers(model: object) -> Layers:
    """How the configurations of a model define layers; for a user-defined model, by the names used here."""
    return models.load(model).layers if isinstance(model, str) and model in models.MODELS else LAYERS


def _tested(path: Path, header: str) -> dict[str, float]:
    """The objectives on the test rows as people know them, by key: only the old workbook has them as numbers."""
    found: dict[str, float] = {}
    for _, cells in rows_if_readable(path, CONFIGURATIONS, (KEY, header)):
        value = cells.get(header)
        if isinstance(value, float):
            found[written(cells.get(KEY))] = value
    return found


def rows_if_readable(path: Path, sheet: str, headers: Collection[str]) -> list[tuple[int, Cells]]:
    """The rows of a sheet below these headers; none if the file is missing or not a workbook."""
    try:
        return rows_below(path, sheet, headers)
    except UserError:
        raise
    except (OSError, *BROKEN):
        return []
