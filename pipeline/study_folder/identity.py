"""The identity of a study: `study.json` binds a folder to one data set and one protocol by a fingerprint."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from pipeline import tasks
from pipeline.errors import DamagedFile, StudyMismatch, UserError
from pipeline.storage import atomic, untrusted
from pipeline.storage.sealed_json import SEAL, fits_text, with_text_seal
from pipeline.study_folder.layout import StudyFolder
from pipeline.tasks import Task

FORMAT: Final = 1
ON_ONE_THREAD: Final = {"proposals": "on one thread"}  # what study.json says beside the settings of a run
_KEYS: Final = frozenset({"format", "fingerprint", "settings", "versions", SEAL})
_HINT: Final = "restore it, or use another --study"
_LARGEST: Final = 4 << 20  # bytes of study.json, which has a few thousand
# The values of fields that old fingerprints do not have, because there was no choice then.
_DEFAULTS: Final[Mapping[str, Any]] = {
    **tasks.UNSAID,
    "folds": 0,
    "reading": 1,
    "split": None,
    "times": {},
    "objective": "auto",
    "target_transform": {},
    "judge_on": "transformed",
    "target_weights": {},
    "tolerance": {},
    "validation_data": None,
    "test_data": None,
    "cost": {},
}
_PACKAGES: Final = (
    "tensorflow",
    "keras",
    "numpy",
    "scipy",
    "scikit-learn",
    "scikit-optimize",
    "skops",
    "joblib",
    "pandas",
)


def versions() -> dict[str, str]:
    """The versions of Python and the packages that a result depends on. Imports none of them."""
    return dict(_versions())


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    """Cached: the versions in a process do not change."""
    return (("python", platform.python_version()), *((name, version(name)) for name in _PACKAGES))


@dataclass(frozen=True, slots=True)
class Stored:
    """The contents of `study.json`."""

    fingerprint: Mapping[str, Any]
    settings: Mapping[str, Any]
    versions: Mapping[str, Any]

    @property
    def calibration(self) -> str:
        """Whether probabilities are calibrated, in the word of the setting; those of earlier versions are not."""
        return tasks.FITTED if self.settings.get("calibration") == tasks.FITTED else tasks.UNCALIBRATED

    @property
    def facts(self) -> dict[str, Any]:
        """All of it by name, as the sheet *Study* of the workbook shows it."""
        return {**self.settings, **self.fingerprint, **self.versions}


def read(path: Path) -> Stored:
    """Read `study.json`. Raise DamagedFile if it was altered, and UserError for a newer format."""
    data = untrusted.content(path, _LARGEST, _HINT)
    try:
        content = untrusted.json_object(data)
        if not content.keys() <= _KEYS or not fits_text(data, content):
            raise untrusted.Damage("its text is not what was written")  # noqa: TRY301 - all damage takes one way out
        parts = [content[name] for name in ("fingerprint", "settings", "versions")]
        written = content["format"]
    except (untrusted.Damage, KeyError) as error:
        raise DamagedFile(f"{path} cannot be read", got=untrusted.shown(str(error)), hint=_HINT) from error
    if written != FORMAT:
        raise UserError(
            f"{path} was written in format {untrusted.shown(written)}",
            expected=f"format {FORMAT}, the one that this version reads and writes",
            hint="use the version of the program that wrote it, or another --study",
        )
    if not all(isinstance(part, dict) for part in parts):
        raise DamagedFile(f"{path} does not hold the identity of a study", hint=_HINT)
    return Stored(*parts)


def task_of(fingerprint: Mapping[str, Any]) -> Task:
    """The task of a study, judged by its objective; the first one if its fingerprint does not name one.

    Raise UserError for a task of the user's own that the user did not name, and for an unknown objective.
    """
    name = fingerprint.get("task", _DEFAULTS["task"])
    if name not in list(tasks.TASKS) and not tasks.is_own(name):
        raise UserError(
            f"The task of the study is unknown: {untrusted.shown(name)}",
            expected=" or ".join(tasks.TASKS),
            hint="use the version of the program that wrote it",
        )
    task, objective = tasks.load(name), fingerprint.get("objective", _DEFAULTS["objective"])
    if objective == _DEFAULTS["objective"]:
        return task
    if not isinstance(objective, str) or objective not in task.measures:
        raise UserError(
            f"The objective of the study is unknown: {untrusted.shown(objective)}",
            expected=" or ".join(("auto", *task.measures)),
            hint="use the version of the program that wrote it",
        )
    return task.judged_by(task.measures[objective])


def reading_of(study: Path) -> int | None:
    """The number of the rules by which the study reads its table; None for a folder that is no study yet."""
    path = StudyFolder(study).identity
    if not path.exists():
        return None
    found = read(path).fingerprint.get("reading", _DEFAULTS["reading"])
    return found if type(found) is int else None


def calibration_of(study: Path) -> str | None:
    """Whether the probabilities of the study are calibrated, in the word of the setting; None for no study yet.

    Those of an earlier version are not, and say nothing of it.
    """
    path = StudyFolder(study).identity
    return read(path).calibration if path.exists() else None


def one_thread_of(study: Path) -> bool:
    """True if proposals of the study are computed on one thread, and for a folder that is no study yet.

    Those of an earlier version were computed on all cores. They still are: with other last bits a rerun would propose,
    and train, other configurations than the ones that it has.
    """
    path = StudyFolder(study).identity
    return not path.exists() or all(read(path).settings.get(name) == said for name, said in ON_ONE_THREAD.items())


def check(study: Path, fingerprint: Mapping[str, Any]) -> None:
    """Raise StudyMismatch, naming every field that differs, unless the folder is new or has this fingerprint.

    Raise UserError for a folder without a study in which a new one would overwrite something.
    """
    path = StudyFolder(study).identity
    if study.exists() and not study.is_dir():
        raise UserError(f"{study} is not a folder", hint="give --study another name")
    if not path.exists():
        if StudyFolder(study).journal.exists():
            raise DamagedFile(
                f"{study} has a ledger but no study.json", hint="restore study.json, or use another --study"
            )
        StudyFolder(study).check_free()
        return
    stored = read(path).fingerprint
    differing = differences(stored, fingerprint)
    if differing:
        ours = fingerprint.keys() | _DEFAULTS.keys()
        named = [name if name in ours else untrusted.shown(name) for name in differing]
        lines = "; ".join(
            f"{title}: {untrusted.shown(stored.get(name, _DEFAULTS.get(name)))} there,"
            f" {untrusted.shown(fingerprint.get(name, _DEFAULTS.get(name)))} now"
            for name, title in zip(differing, named, strict=True)
        )
        raise StudyMismatch(
            f"The study {study} was made with other data or another protocol",
            expected="the same " + ", ".join(named),
            got=lines,
            hint="use another --study, or the settings of that study",
        )


def differences(stored: Mapping[str, Any], fingerprint: Mapping[str, Any]) -> list[str]:
    """The names of the fields in which two fingerprints differ, sorted."""
    before, now = {**_DEFAULTS, **stored}, {**_DEFAULTS, **fingerprint}
    return [name for name in sorted(before.keys() | now.keys()) if before.get(name) != _plain(now.get(name))]


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def write(study: Path, stored: Stored) -> None:
    """Write `study.json`: the fingerprint of the study, and the settings and versions of one run."""
    content = {
        "format": FORMAT,
        "fingerprint": stored.fingerprint,
        "settings": stored.settings,
        "versions": stored.versions,
    }
    atomic.replace(StudyFolder(study).identity, with_text_seal(content))
