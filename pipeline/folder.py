"""The study folder: held by one run at a time, and bound to one data set and one protocol by its fingerprint."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import platform
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psutil
from filelock import FileLock, Timeout

from pipeline import files, reading, room, tasks
from pipeline.errors import DamagedFile, StudyMismatch, UserError
from pipeline.tasks import Task

FORMAT: Final = 1
_SEAL: Final = "sha256"
_BLANK: Final = "0" * 64
_KEYS: Final = frozenset({"format", "fingerprint", "settings", "versions", _SEAL})
_TODO: Final = "restore it, or use another --study"
_LARGEST: Final = 4 << 20  # bytes of study.json, which has a few thousand
# What fingerprints leave out where it is as it always was before there was a choice.
_UNSAID: Final[Mapping[str, Any]] = {"task": "regression", "class_weights": "none", "folds": 0}
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
    """The versions that a result depends on; nothing is imported for it."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}


@dataclass(frozen=True, slots=True)
class Stored:
    """What `study.json` holds."""

    fingerprint: Mapping[str, Any]
    settings: Mapping[str, Any]
    versions: Mapping[str, Any]


def read(path: Path) -> Stored:
    """What `study.json` holds; DamagedFile where it is not what was written, UserError for a newer format."""
    data = reading.content(path, _LARGEST, _TODO)
    try:
        content = reading.json_object(data)
        seal = content.get(_SEAL, _BLANK)  # the first versions had none
        if not content.keys() <= _KEYS or not isinstance(seal, str) or (_SEAL in content and _seal(data, seal) != seal):
            raise ValueError("its text is not what was written")  # noqa: TRY301 - one kind of error for all damage
        parts = [content[name] for name in ("fingerprint", "settings", "versions")]
        written = content["format"]
    except (ValueError, KeyError) as error:
        raise DamagedFile(f"{path} cannot be read", came=reading.shown(str(error)), todo=_TODO) from error
    if written != FORMAT:
        raise UserError(
            f"{path} was written in format {reading.shown(written)}",
            expected=f"format {FORMAT}, the one that this version reads and writes",
            todo="use the version of the program that wrote it, or another --study",
        )
    if not all(isinstance(part, dict) for part in parts):
        raise DamagedFile(f"{path} does not hold what it should", todo=_TODO)
    return Stored(*parts)


def task_of(fingerprint: Mapping[str, Any]) -> Task:
    """The task of a study with that fingerprint, which says nothing where it is regression."""
    name = fingerprint.get("task", _UNSAID["task"])
    if name not in tasks.TASKS:
        raise UserError(
            f"The study is of the task {reading.shown(name)}",
            expected=" or ".join(tasks.TASKS),
            todo="use the version of the program that wrote it",
        )
    return tasks.load(name)


def check(study: Path, fingerprint: Mapping[str, Any]) -> None:
    """Nothing happens for a new folder or one of the same fingerprint; StudyMismatch names every field that differs."""
    path = study / "study.json"
    if study.exists() and not study.is_dir():
        raise UserError(f"{study} is not a folder", todo="give --study another name")
    if not path.exists():
        if (study / "ledger.jsonl").exists():
            raise DamagedFile(
                f"{study} has a ledger but no study.json", todo="restore study.json, or use another --study"
            )
        return
    stored = read(path).fingerprint
    differing = differences(stored, fingerprint)
    if differing:
        shown, named = (
            reading.shown,
            [name if name in fingerprint or name in _UNSAID else reading.shown(name) for name in differing],
        )
        lines = "; ".join(
            f"{title}: {shown(stored.get(name, _UNSAID.get(name)))} there,"
            f" {shown(fingerprint.get(name, _UNSAID.get(name)))} now"
            for name, title in zip(differing, named, strict=True)
        )
        raise StudyMismatch(
            f"The study {study} was made with other data or another protocol",
            expected="the same " + ", ".join(named),
            came=lines,
            todo="use another --study, or the settings of that study",
        )


def differences(stored: Mapping[str, Any], fingerprint: Mapping[str, Any]) -> list[str]:
    """The names of the fields in which two fingerprints differ, sorted."""
    before, now = {**_UNSAID, **stored}, {**_UNSAID, **fingerprint}
    return [name for name in sorted(before.keys() | now.keys()) if before.get(name) != _plain(now.get(name))]


def temporaries(study: Path) -> Iterator[Path]:
    """The files of the study folder that a writer was killed over: worth nothing, whatever they hold."""
    models = study / "models"
    kept = sorted(models.iterdir()) if models.is_dir() else []
    for each in (study, study / "figures", models, *(folder for folder in kept if not folder.is_symlink())):
        yield from files.temporaries(each)


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def write(study: Path, fingerprint: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Store the fingerprint, and the settings and versions of this run."""
    content = {"format": FORMAT, "fingerprint": fingerprint, "settings": settings, "versions": versions()}
    text = json.dumps({**content, _SEAL: _BLANK}, indent=1, default=str)
    head, _, tail = text.rpartition(_BLANK)
    files.replace(study / "study.json", f"{head}{_seal(text.encode(), _BLANK)}{tail}".encode())


def _seal(data: bytes, seal: str) -> str:
    """The SHA-256 of the text with a blank in the place of the seal, which stands last."""
    head, _, tail = data.rpartition(seal.encode() or b"?")
    return hashlib.sha256(head + _BLANK.encode() + tail).hexdigest()


def _sign(study: Path) -> None:
    since = dt.datetime.now().astimezone().isoformat(" ", "seconds")
    (study / ".holder").write_text(f"process {os.getpid()} on {platform.node()}, since {since}", encoding="utf-8")


def _holder(study: Path) -> str:
    """Who holds the folder; a name that a killed run left there is not believed."""
    for _ in range(20):
        try:
            text = (study / ".holder").read_text(encoding="utf-8")
        except OSError:
            text = ""
        found = re.match(r"process (\d+) on (.*), since ", text)
        if found and (found[2] != platform.node() or psutil.pid_exists(int(found[1]))):
            return text
        time.sleep(0.05)  # it has the lock, and is about to sign
    return "another process"


@contextlib.contextmanager
def held(study: Path) -> Iterator[None]:
    """Hold the folder for this run, creating it; UserError says which process has it. A killed run lets go at once."""
    try:
        files.make_folder(study)
        reading.plain(study)  # before the lock: a link in its place would be followed
        lock = FileLock(study / ".lock")
        with lock.acquire(timeout=0):
            _sign(study)
            for left in temporaries(study):
                left.unlink()
            try:
                yield
            finally:
                (study / ".holder").unlink(missing_ok=True)
    except Timeout:
        who = _holder(study)
        raise UserError(
            f"The study {study} is being worked on by {who}", todo="wait for it, or use another --study"
        ) from None
    except OSError as error:
        raise room.refused(study, error) from error
