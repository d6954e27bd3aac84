"""Check a study folder: everything that must always be true of it, without writing anything.

Two things are harmless and not reported: an incomplete last line of the journal, which does not count, and models that
are not in the journal (`leftovers`). They are left by a run that was killed between saving a model and writing its
line; the next run trains them again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline import saved_models
from pipeline.errors import UserError
from pipeline.ledger import journal
from pipeline.ledger.records import FENCE, unframe
from pipeline.ranking.summaries import summaries
from pipeline.saved_models import decisions, ensembles
from pipeline.saved_models.agreement import Agreement
from pipeline.storage import untrusted
from pipeline.study_folder import identity, lock
from pipeline.study_folder.layout import ModelFolder, StudyFolder, weights_index
from pipeline.tasks import FIRST, Task
from pipeline.trial import Repeat
from pipeline.workbook.columns import CONFIGURATIONS, INDEX, KEY, LIMIT, MEAN, REPEATS, headed
from pipeline.workbook.ooxml import BROKEN
from pipeline.workbook.read import Cells, rows_of_sheets, written

_IDENTITIES: Final = {REPEATS: (KEY, LIMIT, INDEX), CONFIGURATIONS: (KEY,)}  # sheets, and what names their rows
_CLOSE: Final = 1e-9  # a workbook's numbers have 15 digits, relative to their size


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem: the file, and a sentence that says what is wrong with it."""

    file: Path
    what: str

    def __str__(self) -> str:
        """The file and the sentence."""
        return f"{self.file}: {self.what}"


def audit(study: Path) -> tuple[Finding, ...]:
    """Find every problem of a study folder; empty if it is sound. Never writes and never raises."""
    if not study.is_dir():
        return (Finding(study, "This is not a study folder."),)
    try:
        untrusted.plain(study)
    except (UserError, OSError) as error:
        return (Finding(study, _sentence(error)),)
    found = [*_study(StudyFolder(study).identity), *_task(study), *_temporaries(study)]
    path = StudyFolder(study).journal
    try:
        contents = journal.read(path)
    except (UserError, OSError) as error:
        return (*found, Finding(path, _sentence(error)))
    if not path.exists():
        return (*found, Finding(path, "The journal is missing."))
    found += [*_repeated_lines(path), *_contradictions(path, contents.repeats, _limit(study))]
    found += [*_models(study, contents.repeats), *_unknown_entries(study), *_ensembles(study), *_decisions(study)]
    return tuple(found) if _task(study) else (*found, *_workbook(study, contents))


def _limit(study: Path) -> object:
    """The epoch limit of the study: configurations with another limit have no row in the workbook."""
    try:
        return identity.read(StudyFolder(study).identity).fingerprint.get("epochs")
    except UserError:
        return None  # reported by `_study`


def _judged(study: Path) -> Task:
    """The task of the study, whose objective its workbook shows."""
    try:
        return identity.task_of(identity.read(StudyFolder(study).identity).fingerprint)
    except UserError:
        return FIRST  # reported by `_study`


def _task(study: Path) -> tuple[Finding, ...]:
    """A problem if the program does not know the task: the user has to name it."""
    path = StudyFolder(study).identity
    try:
        fingerprint = identity.read(path).fingerprint
    except UserError:
        return ()  # reported by `_study`
    try:
        identity.task_of(fingerprint)
    except UserError as error:
        return (Finding(path, _sentence(error)),)
    return ()


def leftovers(study: Path) -> tuple[Finding, ...]:
    """Saved models without a line in the journal: harmless, trained again by the run that asks for them."""
    known: dict[str, set[str]] = {}
    for repeat in journal.read(StudyFolder(study).journal).repeats:
        known.setdefault(repeat.training.configuration.key, set()).add(_file(repeat))
    return tuple(
        Finding(path, "This model has no line in the journal.")
        for kept in StudyFolder(study).model_folders()
        for path in sorted(kept.path.glob("*.npz"))
        if weights_index(path.name) is not None and path.name not in known.get(kept.path.name, ())
    )


def _sentence(error: Exception) -> str:
    text = str(error) if isinstance(error, UserError) else f"It cannot be read: {error}."
    return " ".join(text.split())


def _file(repeat: Repeat) -> str:
    return ModelFolder(Path()).weights(repeat.training.index).name


def _study(path: Path) -> Iterator[Finding]:
    try:
        identity.read(path)
    except UserError as error:
        yield Finding(path, _sentence(error))


def _temporaries(study: Path) -> Iterator[Finding]:
    for path in lock.temporaries(study):
        yield Finding(path, "A run was killed while it wrote this file; the next run deletes it.")


# ------------------------------------------------------------------------------------------------------------ journal


def _repeated_lines(path: Path) -> Iterator[Finding]:
    # Different lines about one fact are damage, which `journal.read` reports: the others agree byte by byte.
    seen: dict[bytes, int] = {}
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            body = unframe(line)
            if body is not None and line != FENCE and seen.setdefault(body, number) != number:
                yield Finding(path, f"Line {number} repeats line {seen[body]}.")


def _contradictions(path: Path, repeats: Collection[Repeat], limit: object) -> Iterator[Finding]:
    for repeat in repeats:
        if repeat.failed != bool(repeat.error):
            yield Finding(path, f"{_named(repeat)} has both an objective and an error, or neither.")
        elif limit not in (None, repeat.training.epochs):
            if repeat.model:  # only full trainings have a model
                yield Finding(path, f"{_named(repeat)} has a model, and was not trained in full.")
        elif repeat.failed == bool(repeat.model):
            yield Finding(path, f"{_named(repeat)} has an objective without a model, or a model without an objective.")


def _named(repeat: Repeat) -> str:
    training = repeat.training
    return f"Repeat {training.index} of configuration {training.configuration.key} at {training.epochs} epochs"


# ------------------------------------------------------------------------------------------------------------- models


def _models(study: Path, repeats: Collection[Repeat]) -> Iterator[Finding]:
    """Problems of models in the journal: each has to match its digest, its folder the manifest and the study."""
    agreement = _agreement(study)
    kept: dict[str, list[Repeat]] = {}
    for repeat in repeats:
        if repeat.model:
            kept.setdefault(repeat.training.configuration.key, []).append(repeat)
    for key, each in kept.items():
        folder = StudyFolder(study).model(key)
        where = folder.path
        if where.is_symlink() or not where.is_dir():
            yield Finding(
                where, f"The journal has {len(each)} repeats of this configuration, but their models are missing."
            )
            continue
        try:
            hashes = saved_models.check(folder)
        except (UserError, OSError) as error:
            yield Finding(where, _sentence(error))
            continue
        for repeat in each:
            if hashes.get(_file(repeat)) != repeat.model:
                yield Finding(where / _file(repeat), f"{_named(repeat)} has another model in the journal.")
        try:
            if agreement is not None:
                agreement.add_folder(folder, hashes)
        except UserError as error:
            yield Finding(where, _sentence(error))


def _agreement(study: Path) -> Agreement | None:
    """What compares the models with the study; None if its identity is not known, which `_study` or `_task` reports."""
    try:
        fingerprint = identity.read(StudyFolder(study).identity).fingerprint
        identity.task_of(fingerprint)
    except UserError:
        return None
    return Agreement(fingerprint, StudyFolder(study).rows)


def _unknown_entries(study: Path) -> Iterator[Finding]:
    """Entries among the models that no run makes."""
    models = StudyFolder(study).models
    kept = {each.path for each in StudyFolder(study).model_folders()}
    for path in sorted(models.iterdir()) if models.is_dir() else ():
        if path not in kept and not path.name.startswith("."):
            yield Finding(path, "This is not the folder of a configuration.")


def _ensembles(study: Path) -> Iterator[Finding]:
    """Problems of the ensembles' files. Members that the journal lost are harmless: they are trained again."""
    folder = StudyFolder(study)
    for path in map(folder.ensemble, folder.ensembles()):
        try:
            ensembles.entries_of(path)
        except UserError as error:
            yield Finding(path, _sentence(error))


def _decisions(study: Path) -> Iterator[Finding]:
    """Problems of the decisions. Those for networks that the study no longer has are harmless: nothing uses them."""
    folder = StudyFolder(study)
    try:
        stored = identity.read(folder.identity)
    except UserError:
        return  # reported by `_study`
    if _task(study):
        return
    try:
        decisions.check(folder, stored)
    except UserError as error:
        yield Finding(folder.decisions, _sentence(error))


# ----------------------------------------------------------------------------------------------------------- workbook


def _workbook(study: Path, contents: journal.Contents) -> Iterator[Finding]:
    """Differences between journal and workbook; a workbook that was written beside it counts if it is up to date."""
    path = StudyFolder(study).workbook
    if not contents.repeats and not contents.imported:
        return
    workbooks = [path, *StudyFolder(study).workbooks_beside()]
    limit, task = _limit(study), _judged(study)
    differing = [_difference(each, contents, limit, task) for each in workbooks if each.exists()]
    if not differing:
        yield Finding(path, "The workbook is missing; `ledger rebuild` draws it.")
    elif all(differing):
        yield Finding(path, f"{differing[0]} `ledger rebuild` draws it anew.")


def _difference(path: Path, contents: journal.Contents, limit: object, task: Task) -> str:
    """How the workbook differs from the journal; empty if it does not."""
    try:
        sheets = rows_of_sheets(path, _IDENTITIES)
    except UserError as error:
        return _sentence(error)
    except (OSError, *BROKEN) as error:
        return f"It cannot be read as a workbook ({type(error).__name__})."
    trained, summarised = (_identified(sheets[each], _IDENTITIES[each]) for each in (REPEATS, CONFIGURATIONS))
    repeats = {
        (repeat.training.configuration.key, str(repeat.training.epochs), str(repeat.training.index)): _known(
            repeat.objective, task
        )
        for repeat in contents.repeats
    }
    own = Counter(name for name, _ in trained)
    lines = [
        _counted("repeats of the journal are missing", repeats.keys() - own.keys()),
        _counted("repeats are not in the journal", own.keys() - repeats.keys()),
        _counted("repeats occur more than once", {name for name, count in own.items() if count > 1}),
        _counted(
            "repeats have another objective",
            {name for name, cells in trained if name in repeats and not _equal(cells.get("objective"), repeats[name])},
        ),
        *_configurations(summarised, contents, limit, task),
    ]
    return " ".join(line for line in lines if line)


def _configurations(rows: list[_Named], contents: journal.Contents, limit: object, task: Task) -> Iterator[str]:
    # Rows that are not in the journal were added by the user: the next run imports them.
    means = {
        (summary.key,): task.shown(summary.mean) if math.isfinite(summary.mean) else None
        for summary in summaries(contents.repeats, contents.imported)
        if summary.epochs == limit
    }
    own, mean = Counter(name for name, _ in rows), headed(MEAN, task)
    yield _counted("configurations of the journal are missing", means.keys() - own.keys())
    yield _counted("configurations occur more than once", {name for name in means if own[name] > 1})
    yield _counted(
        "configurations have another mean",
        {name for name, cells in rows if name in means and not _equal(cells.get(mean), means[name])},
    )


_Named = tuple[tuple[str, ...], Cells]


def _identified(rows: Sequence[tuple[int, Cells]], identity: Sequence[str]) -> list[_Named]:
    """The rows with all identity cells filled in, in any order, without the user's own rows."""
    named = ((tuple(written(cells.get(each)) for each in identity), cells) for _, cells in rows)
    return [(name, cells) for name, cells in named if all(name)]


def _known(objective: float | None, task: Task) -> float | None:
    return None if objective is None else task.shown(objective)


def _equal(cell: object, value: float | None) -> bool:
    if value is None or not isinstance(cell, int | float):
        return value is None and cell is None
    return math.isclose(cell, value, rel_tol=_CLOSE)


def _counted(what: str, found: Collection[Any]) -> str:
    return f"{len(found)} {what}." if found else ""
