"""How classes are decided, in a study folder: a sealed file with what was fitted for each predictor that can be loaded.

    decisions.json    for the best configurations, the best two and so on, and for the ensembles: the calibration of the
                      mean probabilities of exactly these networks, and the threshold of the second of two classes

It names the networks by a digest of the digests of their weights, so that nothing is used for others: those of a study
that was trained further, say. Costs are not in it: they are of the study, in study.json.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.data.rows import load_about, rows_file
from pipeline.errors import DamagedFile, UserError
from pipeline.storage import atomic, untrusted
from pipeline.storage.sealed_json import with_content_seal
from pipeline.storage.untrusted import Damage
from pipeline.study_folder.identity import Stored
from pipeline.study_folder.layout import StudyFolder
from pipeline.tasks import FITTED, Decision, Target
from pipeline.tasks.calibration import FARTHEST, LEAST, MOST, Calibration
from pipeline.tasks.decisions import THRESHOLDED, Costs, costs_of

FORMAT: Final = 1
LARGEST: Final = 4 << 20  # bytes of the file: 200 classes with long names, and a line for each of fifty predictors
_NAME: Final = 100  # characters of a predictor's name
_BEGINNING: Final = b'{\n "format": 1,\n "classes": ['
_HINT: Final = "run the study again: it decides anew from the saved models"

_LISTED: Final = 8  # predictors in a sentence
_RAW: Final = "probabilities as the networks give them"

Network = tuple[str, int, str, int]
"""A network of a predictor: key of the configuration, number of the repeat, digest of its weights, count in a mean."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was fitted for one predictor, on rows that its networks were not trained with."""

    name: str  # as people call it
    networks: str  # `digest_of` its networks
    rows: int  # on which it was fitted
    before: float  # log loss of the probabilities as they are
    after: float | None  # cross-fitted log loss of the best calibration; None where none could be fitted
    temperature: float | None  # None without calibration
    shift: float | None
    threshold: float | None  # None for the likeliest class, or the one of least cost

    @property
    def calibration(self) -> Calibration | None:
        """The calibration; None where the probabilities stay as they are."""
        if self.temperature is None or self.shift is None:
            return None
        return Calibration(self.temperature, self.shift)


def digest_of(networks: Iterable[Network]) -> str:
    """The SHA-256 of networks that predict together, in any order."""
    return hashlib.sha256(json.dumps(sorted(networks)).encode()).hexdigest()


def save(study: Path, labels: Sequence[str], fitted: Sequence[Fitted]) -> None:
    """Write what was fitted and fsync it; equal values give equal bytes."""
    atomic.replace(StudyFolder(study).decisions, _text(labels, fitted))


def remove(study: Path) -> None:
    """Delete the file, if the study has one; a file of the user's, of a name that was free once, is left alone."""
    path = StudyFolder(study).decisions
    if path.exists() and untrusted.content(path, LARGEST, _HINT).startswith(_BEGINNING):
        path.unlink()


def _text(labels: Sequence[str], fitted: Sequence[Fitted]) -> bytes:
    content = {"format": FORMAT, "classes": list(labels), "predictors": [asdict(each) for each in fitted]}
    return with_content_seal(content)


def read(path: Path) -> tuple[tuple[str, ...], tuple[Fitted, ...]]:
    """The classes, and what was fitted. Raise DamagedFile unless the file is exactly what `save` writes."""
    data = untrusted.content(path, LARGEST, _HINT)
    try:
        found = untrusted.json_object(data)
        labels = tuple(found["classes"])
        fitted = tuple(_fitted(each, len(labels)) for each in found["predictors"])
        if not all(isinstance(label, str) for label in labels) or len({*labels}) < len(labels):
            raise Damage("its classes are not distinct texts")  # noqa: TRY301 - all damage takes one way out
        if len({each.networks for each in fitted}) < len(fitted):
            raise Damage("it has two decisions for the same networks")  # noqa: TRY301
        if data != _text(labels, fitted):
            raise Damage("its text is not what was written")  # noqa: TRY301
    except (Damage, KeyError, TypeError) as error:
        raise DamagedFile(f"{path} does not hold decisions", got=untrusted.shown(str(error)), hint=_HINT) from error
    return labels, fitted


def _fitted(found: Mapping[str, Any], classes: int) -> Fitted:
    each = Fitted(**found)
    if not isinstance(each.name, str) or not 0 < len(each.name) <= _NAME or not each.name.isprintable():
        raise Damage(f"{untrusted.shown(each.name)} is not the name of a predictor")
    if not isinstance(each.networks, str) or len(each.networks) != 64 or {*each.networks} - {*"0123456789abcdef"}:
        raise Damage(f"{untrusted.shown(each.networks)} is not a SHA-256")
    if type(each.rows) is not int or each.rows < 0:
        raise Damage("a number of rows is out of range")
    limits = {"before": (0, math.inf), "after": (0, math.inf), "temperature": (LEAST, MOST), "threshold": (0, 1)}
    for name, (low, high) in {**limits, "shift": (-FARTHEST, FARTHEST)}.items():
        value = getattr(each, name)
        if value is None and name != "before":
            continue
        if type(value) is not float or not low <= value <= high:
            raise Damage(f"the {name} {untrusted.shown(value)} is out of range")
    if (each.temperature is None) != (each.shift is None) or (each.shift and classes != 2):
        raise Damage("a calibration is incomplete, or not for so many classes")
    if each.threshold is not None and classes != 2:
        raise Damage(f"a threshold is for two classes, and there are {classes}")
    return each


# ------------------------------------------------------------------------------------------------------------- loading


def decision_of(
    folder: StudyFolder, stored: Stored, networks: Sequence[Network], target: Target
) -> tuple[Decision | None, str]:
    """How these networks of a study decide together, and a sentence about it.

    None and no sentence for a study that decides nothing beyond the likeliest class by the probabilities as they are:
    of numbers, and of earlier versions. What was fitted for other networks is never used, and the sentence says so.

    Raise DamagedFile for a file or costs that do not belong to the classes of the networks.
    """
    costs, fits = _costs(folder, stored.fingerprint, target), is_fitted(stored)
    if not (target.task.chances and (costs or fits)):
        return None, ""
    fitted = _read(folder, stored, target)
    found = {each.networks: each for each in fitted}.get(digest_of(networks))
    decision = Decision(
        labels=target.labels,
        calibration=found.calibration if found else None,
        costs=costs,
        threshold=found.threshold if found and costs is None else None,
    )
    about = _about(found, fitted) if fits else _RAW
    return decision, f"Predicted is {decision.rule}; {about}"


def check(folder: StudyFolder, stored: Stored) -> None:
    """Raise DamagedFile for decisions, or costs, that are not for the classes of the study, or are damaged."""
    try:
        target, _ = load_about(rows_file(folder.rows, int(bool(stored.fingerprint.get("folds"))), 0))
    except DamagedFile:
        target = None  # the next run writes that file: it says nothing of the decisions
    if target is None or target.task.chances:
        _read(folder, stored, target)
    if target is not None:
        _costs(folder, stored.fingerprint, target)


def _read(folder: StudyFolder, stored: Stored, target: Target | None) -> tuple[Fitted, ...]:
    """What was fitted, by a study that does so; of the classes of the target, where that is known."""
    path = folder.decisions
    if not (is_fitted(stored) and path.exists()):
        return ()
    labels, fitted = read(path)
    if target is not None and labels != target.labels:
        raise DamagedFile(
            f"{path} is for other classes than the networks have",
            expected=untrusted.shown(target.labels),
            got=untrusted.shown(labels),
            hint=_HINT,
        )
    return fitted


def is_fitted(stored: Stored) -> bool:
    """True for a study whose runs end with a file of decisions."""
    objective, costs = stored.fingerprint.get("objective"), stored.fingerprint.get("cost")
    return stored.calibration == FITTED or (objective in THRESHOLDED and not costs)


def _costs(folder: StudyFolder, fingerprint: Mapping[str, Any], target: Target) -> Costs | None:
    given = fingerprint.get("cost")
    if not given:
        return None
    try:
        return costs_of({str(truth): {**row} for truth, row in given.items()}, target.labels)
    except (UserError, TypeError, ValueError, AttributeError) as error:
        raise DamagedFile(
            f"{folder.identity} has costs that are not of the classes of the networks",
            expected=untrusted.shown(target.labels),
            got=untrusted.shown(given),
            hint="restore it",
        ) from error


def _about(found: Fitted | None, fitted: Sequence[Fitted]) -> str:
    """What the probabilities are."""
    if found is None:
        more = f" and {len(fitted) - _LISTED} more" if len(fitted) > _LISTED else ""
        names = ", ".join(each.name for each in fitted[:_LISTED]) + more or "no predictor yet"
        return f"{_RAW}, for nothing was fitted for exactly these networks (it was for: {names}); a finished run does"
    if found.after is None:
        return _RAW
    losses = f"log loss of {found.rows} held-out rows {found.before:.4g} as it is, {found.after:.4g} cross-fitted"
    if found.calibration:
        return f"probabilities calibrated by {found.calibration.words} ({losses})"
    return f"{_RAW}, for no calibration lowers their log loss ({losses})"
