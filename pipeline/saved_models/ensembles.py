"""Ensembles in a study folder: a sealed file names the members by digest, and reloads as one predictor.

    ensemble-mean.json      every repeat of the best configurations, each counted once
    ensemble-greedy.json    the selection on the validation rows, each member counted as often as it was selected

The networks are those of `models/`, and are checked like all saved models. In addition, the journal has to contain each
of them, and the seal has to match the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline import tasks
from pipeline.errors import DamagedFile, UserError
from pipeline.ledger.known import open_study
from pipeline.plugins import load_object
from pipeline.saved_models.decisions import decision_of
from pipeline.saved_models.member_files import Member, load_members
from pipeline.saved_models.predictor import TopModels, check_together
from pipeline.storage import atomic, untrusted
from pipeline.storage.sealed_json import with_content_seal
from pipeline.storage.untrusted import Damage
from pipeline.study_folder.layout import StudyFolder

FORMAT: Final = 1
LARGEST: Final = 1 << 20  # bytes of the file: five thousand members
MOST: Final = 1_000  # largest count of a member
_KEY: Final = re.compile("[0-9a-f]{16}", re.ASCII)
_DIGEST: Final = re.compile("[0-9a-f]{64}", re.ASCII)
_HINT: Final = "run the study again: it makes its ensembles from the saved models"


@dataclass(frozen=True, slots=True)
class Entry:
    """One member of an ensemble."""

    key: str  # of its configuration
    index: int  # of its repeat
    digest: str  # SHA-256 of its file of weights
    times: int  # its count in the mean


def save(study: Path, name: str, entries: Sequence[Entry]) -> None:
    """Write an ensemble and fsync it; equal ensembles give equal bytes."""
    atomic.replace(StudyFolder(study).ensemble(name), _text(name, entries))


def remove(study: Path, name: str) -> None:
    """Delete an ensemble, if the study has one of that name."""
    StudyFolder(study).ensemble(name).unlink(missing_ok=True)


def _text(name: str, entries: Sequence[Entry]) -> bytes:
    members = [
        {"configuration": each.key, "repeat": each.index, "model": each.digest, "times": each.times} for each in entries
    ]
    content: dict[str, Any] = {"format": FORMAT, "name": name, "members": members}
    return with_content_seal(content)


def entries_of(path: Path) -> tuple[Entry, ...]:
    """The members of an ensemble, at least one. Raise DamagedFile unless the file is exactly what `save` writes."""
    data = untrusted.content(path, LARGEST, _HINT)
    try:
        found = untrusted.json_object(data)
        entries = tuple(_entry(each) for each in found["members"])
        if not entries or len({(each.key, each.index) for each in entries}) < len(entries):
            raise Damage("it names no members, or one of them twice")  # noqa: TRY301 - all damage takes one way out
        if data != _text(path.stem.removeprefix("ensemble-"), entries):
            raise Damage("its text is not what was written")  # noqa: TRY301 - all damage takes one way out
    except (Damage, KeyError, TypeError) as error:
        raise DamagedFile(f"{path} is not an ensemble", got=untrusted.shown(str(error)), hint=_HINT) from error
    return entries


def _entry(found: Any) -> Entry:
    entry = Entry(found["configuration"], found["repeat"], found["model"], found["times"])
    if not (isinstance(entry.key, str) and _KEY.fullmatch(entry.key)):
        raise Damage(f"{untrusted.shown(entry.key)} is not the key of a configuration")
    if not (isinstance(entry.digest, str) and _DIGEST.fullmatch(entry.digest)):
        raise Damage(f"{untrusted.shown(entry.digest)} is not a SHA-256")
    if type(entry.index) is not int or type(entry.times) is not int or entry.index < 0 or not 0 < entry.times <= MOST:
        raise Damage("the number of a repeat, or its count, is out of range")
    return entry


def load_ensemble(study: str | Path, name: str = "greedy", model: str = "", task: str = "") -> TopModels:
    """Reload an ensemble of a study as one predictor, after checking every file; see `pipeline.load_ensemble`."""
    if task:
        tasks.use(task, load_object)
    folder = StudyFolder(Path(study)).required()
    untrusted.plain(folder.path)
    if name not in folder.ensembles():
        raise UserError(
            f"{folder.path} has no ensemble {untrusted.shown(name)}",
            expected=" or ".join(folder.ensembles()) or "a finished run with at least two saved models",
            hint="choose one of these, or let the study finish",
        )
    path = folder.ensemble(name)
    entries = entries_of(path)
    opened = open_study(folder.path)
    known = {(each.training.configuration.key, each.training.index, each.model) for each in opened.contents.repeats}
    for each in entries:
        if (each.key, each.index, each.digest) not in known:
            raise DamagedFile(
                f"{path} names a model that the ledger does not have: repeat {each.index} of {each.key}", hint=_HINT
            )
    loaded = {}
    members: dict[tuple[str, int], Member] = {}
    for key in dict.fromkeys(each.key for each in entries):
        digests = {each.index: each.digest for each in entries if each.key == key}
        loaded[key] = load_members(folder.model(key), digests, model)
        members |= {(key, member.index): member for member in loaded[key][1]}
    ordered = tuple(members[each.key, each.index] for each in entries)
    check_together(folder, opened.stored.fingerprint, ordered)
    networks = [(each.key, each.index, each.digest, each.times) for each in entries]
    decision, about = decision_of(folder, opened.stored, networks, ordered[0].preprocessing.target)
    return TopModels(
        configurations=tuple(each[1][0].configuration for each in loaded.values()),
        members=ordered,
        preprocessing=loaded[entries[0].key][0],
        times=tuple(each.times for each in entries),
        decision=decision,
        about=about,
    )
