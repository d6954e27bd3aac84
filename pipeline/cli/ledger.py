"""The `ledger` commands: they work on a study folder without a run, and print what they did."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pipeline import tasks
from pipeline.cli.console import line, standard
from pipeline.errors import UserError
from pipeline.maintenance import audit, import_results
from pipeline.maintenance import rebuild as redrawing
from pipeline.plugins import load_object
from pipeline.study_folder.layout import IDENTITY, JOURNAL, StudyFolder


def _use(task: str) -> None:
    """Import the task that the user names; the study folder itself never causes an import."""
    if task:
        tasks.use(task, load_object)


def verify(folder: Path, task: str) -> int:
    """Check the folder; return 1 and print a line for each problem, if there are any.

    Raise UserError for a folder that is not a study at all: nothing of it can be checked.
    """
    if not StudyFolder(folder).exists:
        raise UserError(
            f"{folder} is not a study folder", expected=f"a folder with {IDENTITY} or {JOURNAL}", hint="check the path"
        )
    _use(task)
    console = standard()
    found = audit.audit(folder)
    for finding in found:
        line(console, str(finding))
    if found:
        return 1
    left = len(audit.leftovers(folder))
    models = "1 saved model is" if left == 1 else f"{left} saved models are"
    remark = f" ({models} not in the journal; the next run trains them again)" if left else ""
    line(console, f"{folder} is sound.{remark}")
    return 0


def rebuild(folder: Path, task: str) -> int:
    """Draw the workbook from the journal."""
    _use(task)
    console = standard()
    line(console, f"Ledger: {redrawing.rebuild(folder, partial(line, console))}")
    return 0


def import_(folder: Path, other: Path, task: str) -> int:
    """Import the results of another ledger of the same study."""
    _use(task)
    console = standard()
    found = import_results.import_ledger(folder, other, partial(line, console))
    line(
        console,
        f"{found.imported} configurations imported, {found.known} already known, {found.skipped} skipped."
        f" Ledger: {found.workbook}",
    )
    return 0
