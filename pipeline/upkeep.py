"""A study's workbook drawn from its journal, and a colleague's results taken into the journal; no training, no data."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline import folder
from pipeline.analysis import front
from pipeline.analysis.group import Group, group_of, objectives_of
from pipeline.errors import StudyMismatch, UserError
from pipeline.evaluate import summaries
from pipeline.ledger import journal, package, workbook
from pipeline.ledger.columns import CONFIGURATIONS, KEY, STUDY, TEST, headed
from pipeline.ledger.merge import written
from pipeline.ledger.style import text
from pipeline.ledger.taking import records
from pipeline.room import FAILING
from pipeline.search.racing import standing
from pipeline.tasks import Task
from pipeline.trial import Imported, Summary

REFRESH_SECONDS: Final = 10.0  # the workbook is drawn anew at most so often while training goes on,
REFRESH_RATIO: Final = 20.0  # and at most every so many times the last drawing took
LARGEST: Final = 1 << 28  # bytes of a journal from elsewhere: 100,000 trainings have a tenth of it


def ranking(contents: journal.Contents, epochs: int) -> tuple[Summary, ...]:
    """Everything that a journal knows of trainings with that limit of epochs, best first, the baseline among them."""
    return standing(each for each in summaries(contents.repeats, contents.imported) if each.epochs == epochs)


def best_group(contents: journal.Contents, epochs: int) -> Group:
    """The best configuration that a journal knows, and those that cannot be told apart from it."""
    searched = [each for each in ranking(contents, epochs) if each.stage != "baseline"]
    return group_of(searched, objectives_of(contents.repeats, epochs))


def group_in(study: Path) -> Group:
    """The best configuration of a study folder, and those that cannot be told apart from it."""
    stored = _stored(study)
    return best_group(journal.read(study / "ledger.jsonl"), stored.fingerprint["epochs"])


def front_in(study: Path, cost: str) -> tuple[Summary, ...]:
    """The configurations of a study folder of which every better one costs more, best first; see `analysis.front`."""
    if cost not in front.COSTS:
        raise UserError(f"There is no cost {cost!r}", expected=" or ".join(front.COSTS))
    stored = _stored(study)
    everything = ranking(journal.read(study / "ledger.jsonl"), stored.fingerprint["epochs"])
    return front.front_of([each for each in everything if each.stage != "baseline"], cost)


def view_of(
    contents: journal.Contents,
    *,
    epochs: int,
    outputs: tuple[str, ...],
    task: Task,
    facts: Mapping[str, object],
    elite: frozenset[str],
    test: Mapping[str, float],
) -> workbook.View:
    """What the workbook of a study shows; `facts` are its settings, fingerprint and versions."""
    everything = ranking(contents, epochs)
    searched = tuple(each for each in everything if each.stage != "baseline")
    return workbook.View(
        ranking=searched,
        baseline=next((each for each in everything if each.stage == "baseline"), None),
        repeats=contents.repeats,
        elite=elite,
        outputs=outputs,
        task=task,
        study=tuple((name, _shown(value)) for name, value in facts.items()),
        test=test,
        group=best_group(contents, epochs).marks,
        front=front.marks(searched),
    )


def _shown(value: object) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, list | tuple) else str(value)


class Book:
    """The workbook of a run: drawn from the journal now and then while training goes on, and whenever asked."""

    def __init__(
        self,
        path: Path,
        view: Callable[[frozenset[str], Mapping[str, float]], workbook.View],
        say: Callable[[str], None],
    ) -> None:
        self._path = path
        self._view = view  # of the keys of the elite, and of the objectives on the test rows by key
        self._say = say
        self._next = time.monotonic() + REFRESH_SECONDS
        self._said: set[str] = set()

    def refresh(self) -> None:
        """Draw it when the last time is long enough ago; a disk that refuses it is told of, and the run goes on."""
        if time.monotonic() > self._next:
            try:
                self.write()
            except OSError as error:
                self._failed(error)

    def write(self, elite: frozenset[str] = frozenset(), test: Mapping[str, float] | None = None) -> Path:
        """Draw it now; returns where it was written, which is beside the workbook while somebody has that open.

        Raises OSError where the disk is full or broken.
        """
        began = time.monotonic()
        try:
            return workbook.write(self._path, self._view(elite, test or {}), self._once)
        except OSError as error:
            if error.errno in FAILING:
                raise
            self._failed(error)
            return self._path
        finally:
            self._next = time.monotonic() + max(REFRESH_SECONDS, REFRESH_RATIO * (time.monotonic() - began))

    def _failed(self, error: OSError) -> None:
        self._once(f"{self._path} cannot be written ({error.strerror or error}): the results are safe in the journal.")

    def _once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._say(text)


def elite_of(contents: journal.Contents) -> frozenset[str]:
    """The keys of the elite that the latest stage 2 set out from; none where it was never begun."""
    begun = [stage for stage in contents.stages if stage.stage == "refine"]
    return frozenset(str(key) for key in begun[-1].facts.get("elite", ())) if begun else frozenset()


# ------------------------------------------------------------------------------------------------------------ rebuild


def rebuild(study: Path) -> Path:
    """Draw the workbook from the journal and return where it was written; what users made of the old one is kept.

    Raises UserError where the folder is no study or a run holds it, DamagedFile where the journal is damaged.
    """
    stored = _stored(study)
    with folder.held(study):
        return _redraw(study, stored, journal.read(study / "ledger.jsonl"))


def _stored(study: Path) -> folder.Stored:
    if not (study / "ledger.jsonl").is_file():
        raise UserError(f"{study} is no study folder", expected="a folder with ledger.jsonl", todo="check the path")
    stored = folder.read(study / "study.json")
    if not isinstance(stored.fingerprint.get("epochs"), int):
        raise UserError(f"{study / 'study.json'} does not say how many epochs the study has", todo="restore it")
    return stored


def _redraw(study: Path, stored: folder.Stored, contents: journal.Contents) -> Path:
    path, task = study / "ledger.xlsx", folder.task_of(stored.fingerprint)
    trained = next((repeat for repeat in contents.repeats if repeat.scores), None)
    view = view_of(
        contents,
        epochs=stored.fingerprint["epochs"],
        outputs=tuple(trained.scores) if trained else (),
        task=task,
        facts={**stored.settings, **stored.fingerprint, **stored.versions},
        elite=elite_of(contents),
        test=_tested(path, headed(TEST, task)),
    )
    return workbook.write(path, view)


def _tested(path: Path, header: str) -> dict[str, float]:
    """The objectives on the test rows: the old workbook alone has them in numbers."""
    found = {}
    for cells in _rows(path, CONFIGURATIONS, (KEY, header)):
        value = cells.get(header)
        if isinstance(value, float):
            found[written(cells.get(KEY))] = value
    return found


def _rows(path: Path, sheet: str, names: tuple[str, ...]) -> list[Mapping[str, object]]:
    """The rows of a sheet below the headers that are asked for; nothing of what is no such workbook."""
    with suppress(OSError, *workbook.BROKEN):
        values = package.values(path, sheet) if path.is_file() else []
        for number, row in enumerate(values[:20], 1):
            if set(names) <= {written(value) for value in row}:
                return [cells for _, cells in records(values, number)]
    return []


# ------------------------------------------------------------------------------------------------------------- import


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the configurations of another ledger."""

    taken: int
    known: int  # the journal had them before, in whatever number of repeats
    unusable: int  # with a failed repeat, or trained with another limit of epochs
    workbook: Path


def take_in(study: Path, other: Path) -> Taken:
    """Record a colleague's results of the same study as imported: they count, are not trained again, have no models.

    `other` is a workbook, or a journal with its study.json beside it, from anybody: nothing of it is executed. Raises
    StudyMismatch naming the fields in which the studies differ, DamagedFile, UserError; then nothing was taken.
    """
    stored = _stored(study)
    if not other.is_file() or other.suffix.lower() not in (".xlsx", ".jsonl"):
        raise UserError(
            f"{other} is no ledger", expected="a file named .xlsx or .jsonl", todo="name the ledger of a study"
        )
    _check_same(study, stored, other)
    epochs = stored.fingerprint["epochs"]
    with folder.held(study), journal.open_journal(study / "ledger.jsonl") as ours:
        known = {each.training.configuration.key for each in ours.repeats if each.training.epochs == epochs}
        known |= {row.configuration.key for row in ours.imported}
        offered, failed = _offered(other, epochs, folder.task_of(stored.fingerprint))
        usable = [row for row in offered if row.epochs == epochs]
        new = [row for row in usable if row.configuration.key not in known]
        for row in new:
            ours.append_imported(row)
        written_to = _redraw(study, stored, ours.contents)
    return Taken(len(new), len(usable) - len(new), failed + len(offered) - len(usable), written_to)


def _check_same(study: Path, stored: folder.Stored, other: Path) -> None:
    """Both ledgers are of one study, or StudyMismatch."""
    # A fingerprint without folds says nothing of them, but settings in a workbook do.
    ours = {"folds": "0", **{name: text(_shown(value)) for name, value in stored.fingerprint.items()}}
    if other.suffix.lower() == ".jsonl":
        beside = other.with_name("study.json")
        if not beside.is_file():
            raise UserError(
                f"The journal {other} does not say which study it is of",
                expected=f"{beside}, which does",
                todo="copy it together with the study.json of its folder, or import the workbook instead",
            )
        fingerprint = {"folds": 0, **folder.read(beside).fingerprint}
        theirs = {name: text(_shown(value)) for name, value in fingerprint.items()}
        names = sorted(set(ours) | set(theirs))
    else:
        rows = _rows(other, STUDY, ("name", "value"))
        theirs = {"folds": "0", **{written(cells.get("name")): written(cells.get("value")) for cells in rows}}
        names = sorted(ours)
    differing = [name for name in names if theirs.get(name, "") != ours.get(name, "").strip()]
    if differing:
        lines = (f"{name}: {theirs.get(name, '')!r:.80} there, {ours.get(name, '')!r:.80} here" for name in differing)
        raise StudyMismatch(
            f"{other} is not of the study {study}",
            expected="the same " + ", ".join(differing),
            came="; ".join(lines),
            todo="import a ledger of the same data and protocol",
        )


def _offered(other: Path, epochs: int, task: Task) -> tuple[tuple[Imported, ...], int]:
    """The results of another ledger, each configuration once, and how many had to be left out for a failed repeat."""
    if other.suffix.lower() == ".xlsx":
        return workbook.unknown(other, (), epochs, task), 0
    if other.stat().st_size > LARGEST:
        raise UserError(f"{other} is too large for a journal", expected=f"at most {LARGEST} bytes")
    contents = journal.read(other)
    everything = [each for each in summaries(contents.repeats, contents.imported) if each.stage != "baseline"]
    good = [each for each in everything if each.repeats and not each.failures]
    rows = (Imported(each.configuration, each.epochs, each.repeats, each.mean, each.std, other.name) for each in good)
    return tuple(rows), len(everything) - len(good)
