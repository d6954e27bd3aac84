"""What must hold of every study folder, checked without writing: what nobody may notice too late.

Harmless, and therefore no finding: a torn last line of the journal, which does not count, and models that the journal
does not know (`leftovers`): a run was killed between saving a model and its line, and trains it again when it goes on.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline import bundle, folder, reading
from pipeline.bundle import ensembles
from pipeline.errors import UserError
from pipeline.evaluate import summaries
from pipeline.ledger import journal, package
from pipeline.ledger.columns import CONFIGURATIONS, INDEX, KEY, LIMIT, MEAN, REPEATS, headed
from pipeline.ledger.merge import written
from pipeline.ledger.records import FENCE, unframe
from pipeline.ledger.taking import Cells, records
from pipeline.ledger.workbook import BROKEN
from pipeline.trial import Repeat

_KEY: Final = re.compile("[0-9a-f]{16}")
_CLOSE: Final = 1e-9  # a workbook's numbers have 15 digits, relative to their size


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold: in which file, and what, as a sentence."""

    file: Path
    what: str

    def __str__(self) -> str:
        """The file and the sentence."""
        return f"{self.file}: {self.what}"


def audit(study: Path) -> tuple[Finding, ...]:
    """Everything that does not hold of a study folder, empty for a sound one; it never writes and never raises."""
    if not study.is_dir():
        return (Finding(study, "This is no study folder."),)
    try:
        reading.plain(study)
    except (UserError, OSError) as error:
        return (Finding(study, _sentence(error)),)
    found = [*_study(study / "study.json"), *_temporaries(study)]
    path = study / "ledger.jsonl"
    try:
        contents = journal.read(path)
    except (UserError, OSError) as error:
        return (*found, Finding(path, _sentence(error)))
    if not path.exists():
        return (*found, Finding(path, "The journal is missing."))
    found += [*_doubled(path), *_contradictions(path, contents.repeats, _limit(study))]
    found += [*_models(study, contents.repeats), *_strangers(study), *_ensembles(study)]
    return (*found, *_workbook(study, contents))


def _limit(study: Path) -> object:
    """The epochs of the study's trainings: configurations of another limit have no row in the workbook."""
    try:
        return folder.read(study / "study.json").fingerprint.get("epochs")
    except UserError:
        return None  # a finding of its own


def _mean(study: Path) -> str:
    """The header of the mean objective in the study's workbook."""
    try:
        return headed(MEAN, folder.task_of(folder.read(study / "study.json").fingerprint))
    except UserError:
        return MEAN  # a finding of its own


def leftovers(study: Path) -> tuple[Finding, ...]:
    """Saved models without a line in the journal: harmless, trained again by the run that asks for them."""
    known: dict[str, set[str]] = {}
    for repeat in journal.read(study / "ledger.jsonl").repeats:
        known.setdefault(repeat.training.configuration.key, set()).add(_file(repeat))
    return tuple(
        Finding(path, "This model has no line in the journal.")
        for kept in sorted((study / "models").glob("*"))
        if _keeps_models(kept)
        for path in sorted(kept.glob("repeat-*.npz"))
        if path.name not in known.get(kept.name, ())
    )


def _sentence(error: Exception) -> str:
    text = str(error) if isinstance(error, UserError) else f"It cannot be read: {error}."
    return " ".join(text.split())


def _file(repeat: Repeat) -> str:
    return f"repeat-{repeat.training.index:03d}.npz"


def _study(path: Path) -> Iterator[Finding]:
    try:
        folder.read(path)
    except UserError as error:
        yield Finding(path, _sentence(error))


def _temporaries(study: Path) -> Iterator[Finding]:
    for path in folder.temporaries(study):
        yield Finding(path, "A run was killed while it wrote this file; the next run takes it away.")


# ------------------------------------------------------------------------------------------------------------ journal


def _doubled(path: Path) -> Iterator[Finding]:
    # Lines about one fact that differ are damage already: those that are left agree byte by byte.
    seen: dict[bytes, int] = {}
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            body = unframe(line)
            if body is not None and line != FENCE and seen.setdefault(body, number) != number:
                yield Finding(path, f"Line {number} says again what line {seen[body]} says.")


def _contradictions(path: Path, repeats: Collection[Repeat], limit: object) -> Iterator[Finding]:
    for repeat in repeats:
        if repeat.failed != bool(repeat.error):
            yield Finding(path, f"{_named(repeat)} has both an objective and an error, or neither.")
        elif limit not in (None, repeat.training.epochs):
            if repeat.model:  # it chose what was trained in full
                yield Finding(path, f"{_named(repeat)} has a model, and was not trained in full.")
        elif repeat.failed == bool(repeat.model):
            yield Finding(path, f"{_named(repeat)} has an objective without a model, or a model without an objective.")


def _named(repeat: Repeat) -> str:
    training = repeat.training
    return f"Repeat {training.index} of configuration {training.configuration.key} at {training.epochs} epochs"


# ------------------------------------------------------------------------------------------------------------- models


def _models(study: Path, repeats: Collection[Repeat]) -> Iterator[Finding]:
    """Every model that the journal names is on the disk, bit by bit, and so is all else that its manifest names."""
    kept: dict[str, list[Repeat]] = {}
    for repeat in repeats:
        if repeat.model:
            kept.setdefault(repeat.training.configuration.key, []).append(repeat)
    for key, each in kept.items():
        where = bundle.folder_of(study, key)
        if where.is_symlink() or not where.is_dir():
            yield Finding(where, f"The journal has {len(each)} repeats of it, and their models are gone.")
            continue
        try:
            hashes = bundle.check(where)
        except (UserError, OSError) as error:
            yield Finding(where, _sentence(error))
            continue
        for repeat in each:
            if hashes.get(_file(repeat)) != repeat.model:
                yield Finding(where / _file(repeat), f"{_named(repeat)} has another model in the journal.")


def _strangers(study: Path) -> Iterator[Finding]:
    """Things among the models that no run puts there."""
    models = study / "models"
    for path in sorted(models.iterdir()) if models.is_dir() else ():
        if not _keeps_models(path) and not path.name.startswith("."):
            yield Finding(path, "This is not the folder of a configuration.")


def _ensembles(study: Path) -> Iterator[Finding]:
    """The files that name ensembles are what was written; members that the journal lost are trained again."""
    for name in ensembles.names(study):
        try:
            ensembles.entries_of(ensembles.path_of(study, name))
        except UserError as error:
            yield Finding(ensembles.path_of(study, name), _sentence(error))


def _keeps_models(path: Path) -> bool:
    return bool(_KEY.fullmatch(path.name)) and path.is_dir() and not path.is_symlink()


# ----------------------------------------------------------------------------------------------------------- workbook


def _workbook(study: Path, contents: journal.Contents) -> Iterator[Finding]:
    """The workbook has the journal's rows; the one beside it counts where the workbook itself could not be written."""
    path = study / "ledger.xlsx"
    if not contents.repeats and not contents.imported:
        return
    drawn = [path, *sorted(study.glob("ledger.pending*.xlsx")), study / "ledger.fresh.xlsx"]
    limit, mean = _limit(study), _mean(study)
    differing = [_difference(each, contents, limit, mean) for each in drawn if each.exists()]
    if not differing:
        yield Finding(path, "The workbook is missing; `ledger rebuild` draws it.")
    elif all(differing):
        yield Finding(path, f"{differing[0]} `ledger rebuild` draws it anew.")


def _difference(path: Path, contents: journal.Contents, limit: object, mean: str) -> str:
    """What the workbook has otherwise than the journal; empty when nothing."""
    try:
        trained = _rows(path, REPEATS, (KEY, LIMIT, INDEX))
        judged = _rows(path, CONFIGURATIONS, (KEY,))
    except (OSError, *BROKEN) as error:
        return f"It cannot be read as a workbook ({type(error).__name__})."
    repeats = {
        (repeat.training.configuration.key, str(repeat.training.epochs), str(repeat.training.index)): repeat.objective
        for repeat in contents.repeats
    }
    own = Counter(name for name, _ in trained)
    lines = [
        _counted("repeats of the journal are missing", repeats.keys() - own.keys()),
        _counted("repeats are not in the journal", own.keys() - repeats.keys()),
        _counted("repeats stand there more than once", {name for name, count in own.items() if count > 1}),
        _counted(
            "repeats have another objective",
            {name for name, cells in trained if name in repeats and not _equal(cells.get("objective"), repeats[name])},
        ),
        *_judged(judged, contents, limit, mean),
    ]
    return " ".join(line for line in lines if line)


def _judged(rows: list[_Named], contents: journal.Contents, limit: object, mean: str) -> Iterator[str]:
    # Rows that the journal does not know are a user's: the next run takes them in.
    means = {
        (summary.key,): summary.mean if math.isfinite(summary.mean) else None
        for summary in summaries(contents.repeats, contents.imported)
        if summary.epochs == limit
    }
    own = Counter(name for name, _ in rows)
    yield _counted("configurations of the journal are missing", means.keys() - own.keys())
    yield _counted("configurations stand there more than once", {name for name in means if own[name] > 1})
    yield _counted(
        "configurations have another mean",
        {name for name, cells in rows if name in means and not _equal(cells.get(mean), means[name])},
    )


_Named = tuple[tuple[str, ...], Cells]


def _rows(path: Path, sheet: str, identity: tuple[str, ...]) -> list[_Named]:
    """The rows of a sheet whose identity cells are filled in, whatever the user's order and own rows."""
    values = package.values(path, sheet)
    for number, row in enumerate(values[:20], 1):
        if set(identity) <= {written(value) for value in row}:
            below = records(values, number)
            named = ((tuple(written(cells.get(each)) for each in identity), cells) for _, cells in below)
            return [(name, cells) for name, cells in named if all(name)]
    return []


def _equal(cell: object, value: float | None) -> bool:
    if value is None or not isinstance(cell, int | float):
        return value is None and cell is None
    return math.isclose(cell, value, rel_tol=_CLOSE)


def _counted(what: str, found: Collection[Any]) -> str:
    return f"{len(found)} {what}." if found else ""
