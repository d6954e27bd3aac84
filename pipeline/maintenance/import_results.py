"""Import a colleague's results of the same study into the journal, without training and without data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from pipeline import models, tasks
from pipeline.errors import DamagedFile, StudyMismatch, UserError
from pipeline.ledger import journal
from pipeline.ledger.imports import impossible, incomparable
from pipeline.ledger.known import stored_identity
from pipeline.maintenance.rebuild import Say, redraw
from pipeline.ranking.summaries import summaries
from pipeline.storage import untrusted
from pipeline.study_folder import identity, lock
from pipeline.study_folder.layout import IDENTITY, StudyFolder
from pipeline.trial import Imported
from pipeline.workbook import book
from pipeline.workbook.columns import STUDY
from pipeline.workbook.import_rows import Found
from pipeline.workbook.ooxml import BROKEN, text
from pipeline.workbook.read import Cells, rows_below, written
from pipeline.workbook.view import shown

# A fingerprint does not mention these where nothing was asked, but the settings in a workbook do.
_UNSAID: Final[Mapping[str, object]] = {
    "folds": 0,
    "split": "",
    "validation_data": None,
    "test_data": None,
    "objective": "auto",
    "target_transform": None,
    "judge_on": "transformed",
    "target_weights": None,
    "tolerance": None,
}
_USUAL: Final = [next(iter(task.measures)) for task in tasks.TASKS.values()]
LARGEST: Final = 1 << 28  # bytes of a journal from elsewhere: 100,000 trainings have a tenth of it


@dataclass(frozen=True, slots=True)
class Import:
    """How many configurations of another ledger were imported, and where the workbook was written."""

    imported: int
    known: int  # already in the journal, with any number of repeats
    skipped: int  # rows and configurations that were not taken
    workbook: Path
    remarks: tuple[str, ...] = ()  # what was skipped, and why: a sentence for each reason


def import_ledger(study: Path, other: Path, say: Say) -> Import:
    """Record a colleague's results of the same study: they count and are not trained again, but have no models here.

    `other` is a workbook, or a journal with its study.json beside it. It may come from anybody: nothing in it is
    executed. `say` is that of `rebuild`.

    Raise StudyMismatch, naming the fields in which the studies differ, DamagedFile or UserError; in these cases nothing
    was imported.
    """
    stored = stored_identity(study)
    if not other.is_file() or other.suffix.lower() not in (".xlsx", ".jsonl"):
        raise UserError(
            f"{other} is not a ledger", expected="a file named .xlsx or .jsonl", hint="name the ledger of a study"
        )
    _check_same(study, stored, other)
    epochs = stored.fingerprint["epochs"]
    with lock.held(study), journal.open_journal(StudyFolder(study).journal) as ours:
        known = {each.training.configuration.key for each in ours.repeats if each.training.epochs == epochs}
        known |= {row.configuration.key for row in ours.imported if row.epochs == epochs}
        offered = _offered(other, epochs, stored)
        new = [row for row in offered.results if row.configuration.key not in known]
        for row in new:
            ours.append_imported(row)
        for remark in offered.remarks:
            say(remark)
        written_to = redraw(study, stored, ours.contents, say)
    return Import(len(new), len(offered.results) - len(new), offered.skipped, written_to)


def _check_same(study: Path, stored: identity.Stored, other: Path) -> None:
    """Raise StudyMismatch unless both ledgers belong to one study."""
    ours = {name: text(shown(value)) for name, value in {**_UNSAID, **stored.fingerprint}.items()}
    if other.suffix.lower() == ".jsonl":
        beside = other.with_name(IDENTITY)
        if not beside.is_file():
            raise UserError(
                f"The journal {other} does not say which study it belongs to",
                expected=f"{beside}, which does",
                hint="copy it together with the study.json of its folder, or import the workbook instead",
            )
        fingerprint = {**_UNSAID, **identity.read(beside).fingerprint}
        theirs = {name: text(shown(value)) for name, value in fingerprint.items()}
        names = sorted(set(ours) | set(theirs))
    else:
        rows = _study_sheet(other)
        theirs = {name: shown(value) for name, value in _UNSAID.items()}
        theirs |= {written(cells.get("name")): written(cells.get("value")) for _, cells in rows}
        if theirs["objective"] in _USUAL:
            theirs["objective"] = "auto"
        names = sorted(ours)
    differing = [name for name in names if theirs.get(name, "") != ours.get(name, "").strip()]
    if differing:
        lines = (f"{name}: {theirs.get(name, '')!r:.80} there, {ours.get(name, '')!r:.80} here" for name in differing)
        raise StudyMismatch(
            f"{other} does not belong to the study {study}",
            expected="the same " + ", ".join(differing),
            got="; ".join(lines),
            hint="import a ledger of the same data and protocol",
        )


def _study_sheet(other: Path) -> list[tuple[int, Cells]]:
    """The rows of the sheet *Study*. Raise DamagedFile for a file that is not a workbook."""
    try:
        return rows_below(other, STUDY, ("name", "value"))
    except UserError:
        raise
    except (OSError, *BROKEN) as error:
        raise DamagedFile(
            f"{other} cannot be read as a workbook",
            expected="the ledger.xlsx of a study",
            got=untrusted.shown((str(error).splitlines() or [type(error).__name__])[0]),
            hint="import the ledger.jsonl beside it instead",
        ) from error


def _offered(other: Path, epochs: int, stored: identity.Stored) -> Found:
    """The results of another ledger, each configuration once."""
    if other.suffix.lower() == ".xlsx":
        possible = partial(models.impossible, str(stored.fingerprint.get("model")))
        return book.unknown(other, (), epochs, task=identity.task_of(stored.fingerprint), possible=possible)
    if other.stat().st_size > LARGEST:
        raise UserError(f"{other} is too large for a journal", expected=f"at most {LARGEST} bytes")
    contents, task = journal.read(other), identity.task_of(stored.fingerprint)
    everything = [each for each in summaries(contents.repeats, contents.imported) if each.stage != "baseline"]
    results, reasons = [], Counter[str]()
    for each in everything:
        row = Imported(each.configuration, each.epochs, each.repeats, each.mean, each.std, other.name)
        failed = "a training failed" if each.failures else ""
        why = failed or incomparable(row, epochs) or impossible(row, task.shown)
        reasons.update([why] if why else [])
        results += [] if why else [row]
    remarks = tuple(f"{count} of its configurations not imported: {why}." for why, count in reasons.items())
    return Found(tuple(results), reasons.total(), remarks)
