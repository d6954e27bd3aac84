"""What the networks of a study must agree in, compared wherever one meets the study, its rows or another network.

Weights do not say what their numbers mean: which class the second output is, which column the third input. That is
stored beside them, and here alone it is compared: when a study goes on, when a network is saved or copied, tested,
reloaded to predict, and when the folder is verified. With folds the features may differ between repeats, because the
training rows of a fold may lack a category; columns and classes may not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipeline.data import preprocessing_file, time_inputs
from pipeline.data.preprocessing import Preprocessing
from pipeline.data.rows import Rows, load_about, rows_file
from pipeline.errors import DamagedFile, StudyMismatch
from pipeline.saved_models.member_files import TOLERANCE, described, object_of, read_verified
from pipeline.storage import untrusted
from pipeline.study_folder.layout import ModelFolder, weights_index
from pipeline.tasks import UNSAID, Target

Facts = Mapping[str, object]
"""Name, as messages have it -> value; what a side does not know is left out, and then not compared."""

_COLUMNS: Final = {  # name in study.json -> in `Columns`
    "target": "targets",
    "inputs": "inputs",
    "categories": "categories",
    "weight": "weight",
    "group": "groups",
}
_OF_FOLDS: Final = ("number of features", "features")  # what may differ between the repeats of a study with folds
_HINT: Final = "use another --study and train them again; `ledger verify` names every file that does not belong"


def facts_of(preprocessing: Preprocessing) -> Facts:
    """What the preprocessing that is stored with a network says about its inputs and outputs."""
    columns, target = preprocessing.columns, preprocessing.target
    return {
        **{name: getattr(columns, field) for name, field in _COLUMNS.items()},
        "times": [*columns.times],
        **_facts_of_target(target),
        "number of features": len(preprocessing.features),
        "features": preprocessing.features,
    }


def _facts_of_rows(target: Target, features: Sequence[str]) -> Facts:
    """What prepared rows say: of all repeats, or with folds of one."""
    return {**_facts_of_target(target), "features": features}


def _facts_of_target(target: Target) -> Facts:
    return {"task": target.task.name, "target": target.names, "classes": target.labels, "outputs": target.outputs}


def _facts_of_study(fingerprint: Mapping[str, Any]) -> Facts:
    """What study.json says; the classes are not among it, for they follow from the data."""
    known = {name: fingerprint[name] for name in (*_COLUMNS, "model") if name in fingerprint}
    times = fingerprint.get("times")
    return {
        **known,
        "times": [*times] if isinstance(times, dict) else [],
        "task": fingerprint.get("task", UNSAID["task"]),
        "folds": fingerprint.get("folds", 0),
    }


def check(what: object, found: Facts, expected: Facts, whose: str) -> None:
    """Raise StudyMismatch, naming what differs, unless all facts that both sides have are the same."""
    differing = [name for name, value in expected.items() if name in found and _plain(found[name]) != _plain(value)]
    if differing:
        raise StudyMismatch(
            f"The networks of {what} have other {', '.join(differing)} than {whose}",
            expected=_listed(expected, differing),
            got=_listed(found, differing),
            hint=_HINT,
        )


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _listed(facts: Facts, names: list[str]) -> str:
    return "; ".join(f"{name} {untrusted.shown(_plain(facts[name]))}" for name in names)


def check_tested(preprocessing: Preprocessing, rows: Rows, what: object) -> None:
    """Raise StudyMismatch unless rows that were prepared now can be given to a network with this preprocessing."""
    whose = "the rows that they are tested on"
    check(what, facts_of(preprocessing), _facts_of_rows(rows.target, rows.features), whose)
    if not _same_units(preprocessing.target, rows.target):
        raise _other_scales(what, whose)


def _other_scales(what: object, whose: str) -> StudyMismatch:
    return StudyMismatch(f"The networks of {what} have other scales than {whose}", hint=_HINT)


def _same_units(one: Target, other: Target) -> bool:
    """True where the same outputs of a network mean the same in units, as far as networks are reproduced at all."""
    scaled = np.linspace(-1.0, 1.0, 3)[:, np.newaxis] * np.ones(one.outputs)
    there, back = (other.of_units(each.to_units(scaled)) for each in (one, other))
    return bool(np.allclose(there, back, rtol=0.0, atol=TOLERANCE))


class Agreement:
    """Networks of a study beside each other; what study.json does not say is as the first of them has it.

    `rows` is the file of rows that the last run wrote, where it is to be looked into.
    """

    def __init__(self, fingerprint: Mapping[str, Any], rows: Path | None = None) -> None:
        self._facts = _facts_of_study(fingerprint)
        self._folds = int(bool(fingerprint.get("folds")))  # whether, not how many
        self._rows = rows
        self._read: dict[str, Facts] = {}  # by digest: all configurations have the same files
        self._prepared: dict[Path, Facts] = {}

    def add(self, what: object, model: str, preprocessing: Preprocessing) -> None:
        """Raise StudyMismatch unless a reloaded network agrees with the study and with those before it."""
        self._compare(what, {"model": model, **facts_of(preprocessing)})

    def add_folder(self, folder: ModelFolder, hashes: Mapping[str, str]) -> None:
        """As `add`, of all networks in a folder; DamagedFile for a file that does not say what it should."""
        about = described(folder, hashes)
        size = about.signature
        sizes = {"number of features": size.features, "outputs": size.outputs} if size else {}
        self._compare(folder.path, {"model": about.model, "folds": about.folds, **sizes})
        repeats = sorted(index for name in hashes if (index := weights_index(name)) is not None)
        for index in repeats if about.folds else repeats[:1]:
            facts = self._facts_of_file(folder.preprocessing(index if about.folds else None), hashes)
            check(folder.path, facts, self._facts_of_rows(index), "the rows that the study has prepared")
            self._compare(folder.path, facts)

    def _facts_of_file(self, path: Path, hashes: Mapping[str, str]) -> Facts:
        data, digest = read_verified(path, hashes, preprocessing_file.LARGEST), hashes[path.name]
        if digest not in self._read:
            self._read[digest] = facts_of(preprocessing_file.loads(data, str(path)))
        return self._read[digest]

    def _facts_of_rows(self, index: int) -> Facts:
        """What the file of rows of a repeat says; nothing where there is none, for the next run writes it."""
        if self._rows is None:
            return {}
        path = rows_file(self._rows, self._folds, index)
        if path not in self._prepared:
            try:
                self._prepared[path] = _facts_of_rows(*load_about(path))
            except DamagedFile:
                self._prepared[path] = {}
        return self._prepared[path]

    def _compare(self, what: object, facts: Facts) -> None:
        if self._folds:
            facts = {name: value for name, value in facts.items() if name not in _OF_FOLDS}
        check(what, facts, self._facts, "the study and its other networks")
        self._facts = {**facts, **self._facts}


def check_saved(
    folder: ModelFolder, hashes: Mapping[str, str], fold: int | None, preprocessing: bytes, probe: bytes
) -> None:
    """Raise StudyMismatch unless what is saved already was made with preprocessing that means the same as this.

    `probe` are rows of the user's table, as they are saved beside it. Other versions of the libraries may write other
    bytes of equal meaning, so that only what differs is read.
    """
    path = folder.preprocessing(fold)
    if hashes.get(path.name) in (None, _digest(preprocessing)):
        return
    theirs = preprocessing_file.loads(read_verified(path, hashes, preprocessing_file.LARGEST), str(path))
    ours = preprocessing_file.loads(preprocessing)
    check(folder.path, facts_of(theirs), facts_of(ours), "this study")
    stored = object_of(folder.probe(fold), probe)
    known, made = (each.inputs(time_inputs.stored_rows(stored, each.columns.times)) for each in (theirs, ours))
    same = np.allclose(known, made, rtol=0.0, atol=TOLERANCE)
    if not (same and _same_units(theirs.target, ours.target)):
        raise _other_scales(folder.path, "this study")


@lru_cache(maxsize=64)
def _digest(content: bytes) -> str:
    """Cached: a study has few of these, and asks for each configuration."""
    return hashlib.sha256(content).hexdigest()
