"""Reloading saved networks from a folder that anybody may have made: checked before use, never executed.

Three things have to agree: every file with the manifest (a damaged disk), what the weights predict for the probe with
what they predicted when they were saved (another network's weights), and the files of weights with the journal (another
training's whole file, the manifest rewritten). Who rewrites journal, manifest and files alike makes another study, as
sound as any: there is no secret in a study folder, and it is as trustworthy as the place that it comes from.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from pipeline import models
from pipeline.data import preprocessing_file
from pipeline.data.layout import shape_of
from pipeline.data.preprocessing import Preprocessing
from pipeline.errors import DamagedFile, UserError
from pipeline.models import Network, Signature
from pipeline.storage import untrusted
from pipeline.storage.untrusted import Damage
from pipeline.study_folder.layout import ModelFolder, weights_index
from pipeline.trial import Configuration

FORMAT: Final = 1
TOLERANCE: Final = 1e-4  # scaled outputs; another processor or version may round differently, another network does not
LARGEST: Final = 2 << 30  # bytes of a file with weights: five hundred million numbers
_DESCRIPTION: Final = 4 << 20  # bytes of a file in JSON
PROBE: Final = 8 << 20  # bytes of the probe's rows, 20,000 columns
_FEATURES: Final = 10_000_000  # inputs or outputs of a network
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)
_AGAIN: Final = "restore the folder from a copy, or delete it together with its line of the ledger and train again"

Digests = Mapping[int, str]
"""The number of a repeat -> the SHA-256 of its file of weights, as the journal has it."""


def manifest(folder: ModelFolder) -> dict[str, str]:
    """The SHA-256 that each file of a saved configuration has to have; DamagedFile for what is no manifest."""
    path = folder.manifest
    if folder.path.is_symlink():
        raise DamagedFile(f"{folder.path} is a link", expected="a folder", hint=_AGAIN)
    found = _object(path, untrusted.content(path, _DESCRIPTION, _AGAIN))
    hashes = found.get("files")
    if found.get("format") != FORMAT or not isinstance(hashes, dict):
        raise DamagedFile(f"{path} is no manifest of format {FORMAT}", hint=_AGAIN)
    for name, digest in hashes.items():
        if not isinstance(digest, str) or not _NAME.fullmatch(name):
            raise DamagedFile(f"{path} names {untrusted.shown(name)}, which is no file of its folder", hint=_AGAIN)
    return hashes


def check(folder: ModelFolder) -> dict[str, str]:
    """The manifest of a saved configuration, every file of it intact; DamagedFile names one that is not."""
    hashes = manifest(folder)
    for name, digest in hashes.items():
        if untrusted.sha256(folder.path / name, LARGEST, _AGAIN) != digest:
            raise _altered(folder.path / name)
    return hashes


def _altered(path: Path) -> DamagedFile:
    return DamagedFile(f"{path} is not what was saved: its SHA-256 differs from the manifest", hint=_AGAIN)


def _read(path: Path, hashes: Mapping[str, str], largest: int = _DESCRIPTION) -> bytes:
    """The bytes of a file of the manifest, and no others."""
    if path.name not in hashes:
        raise DamagedFile(f"{path.parent} has no {path.name}", hint=_AGAIN)
    data = untrusted.content(path, largest, _AGAIN)
    if hashlib.sha256(data).hexdigest() != hashes[path.name]:
        raise _altered(path)
    return data


def _object(path: Path, data: bytes) -> dict[str, Any]:
    try:
        return untrusted.json_object(data)
    except Damage as error:
        raise DamagedFile(f"{path} cannot be read", got=untrusted.shown(str(error)), hint=_AGAIN) from error


@dataclass(frozen=True, slots=True)
class Member:
    """One reloaded network: a configuration trained with one seed."""

    configuration: Configuration
    index: int
    signature: Signature
    model: str
    weights: tuple[np.ndarray, ...]
    preprocessing: Preprocessing  # what it was trained with: of its own fold, where there are folds

    @property
    def network(self) -> Network:
        """The function from scaled inputs to scaled outputs."""
        return models.load(self.model).network(self.configuration, self.signature, self.weights)


def load_members(
    folder: ModelFolder, digests: Digests | None = None, own: str = ""
) -> tuple[Preprocessing, tuple[Member, ...]]:
    """Repeats of a saved configuration: the ones that the journal has, all in the folder where no journal is given.

    `own` is the one function, as `module:function`, that the caller allows to be imported to build networks.

    Returned is the preprocessing of the first of them, too. DamagedFile where a file is not what the manifest, the
    probe or the journal says, or not what this program writes.
    """
    hashes = check(folder)
    indices = _indices(folder, hashes, digests)
    described = _description(folder, hashes, own)
    members: list[Member] = []
    made: dict[int | None, _Preparation] = {}
    for index in indices:
        fold = index if described.folds else None
        if fold not in made:
            made[fold] = _preparation(folder, fold, described, hashes)
        members.append(_member(folder.weights(index), index, described, made[fold], hashes))
    if not members:
        raise DamagedFile(f"{folder.path} has no weights", hint=_AGAIN)
    return members[0].preprocessing, tuple(members)


@dataclass(frozen=True, slots=True)
class _Described:
    """What a saved configuration says of itself."""

    configuration: Configuration
    model: str
    signature: Signature | None  # None where each repeat has its own
    folds: int


@dataclass(frozen=True, slots=True)
class _Preparation:
    """What networks of the same rows were trained with."""

    preprocessing: Preprocessing
    signature: Signature
    probe: np.ndarray
    shapes: Sequence[tuple[int, ...]]


def _preparation(
    folder: ModelFolder, fold: int | None, described: _Described, hashes: Mapping[str, str]
) -> _Preparation:
    path = folder.preprocessing(fold)
    prepared = preprocessing_file.loads(_read(path, hashes, preprocessing_file.LARGEST), str(path))
    signature = described.signature or Signature(len(prepared.features), prepared.target.outputs)
    signature = replace(signature, shape=shape_of(prepared.features))
    probe = _probe(folder, fold, prepared, signature, hashes)
    try:
        shapes = models.load(described.model).weight_shapes(described.configuration, signature)
    except UserError:  # of a function of the user's, which only the user can fix
        raise
    except ValueError as error:
        raise _wrong(folder.configuration, error) from error
    return _Preparation(prepared, signature, probe, shapes)


def _member(path: Path, index: int, described: _Described, made: _Preparation, hashes: Mapping[str, str]) -> Member:
    expected = (len(made.probe), made.signature.outputs)
    weights, predicted = _arrays(path, made.shapes, expected, hashes)
    member = Member(described.configuration, index, made.signature, described.model, weights, made.preprocessing)
    _check_probe(member, made.probe, predicted, path)
    return member


def _indices(folder: ModelFolder, hashes: Mapping[str, str], digests: Digests | None) -> list[int]:
    if digests is None:
        return sorted(index for name in hashes if (index := weights_index(name)) is not None)
    for index, digest in digests.items():
        path = folder.weights(index)
        if hashes.get(path.name) != digest:
            raise DamagedFile(
                f"{path} is not the model that the ledger has of repeat {index}",
                expected=f"SHA-256 {untrusted.shown(digest)}",
                got=hashes.get(path.name, "no such file in the manifest"),
                hint=_AGAIN,
            )
    return sorted(digests)


def _description(folder: ModelFolder, hashes: Mapping[str, str], own: str) -> _Described:
    path = folder.configuration
    found = _object(path, _read(path, hashes))
    try:
        configuration = Configuration.of(found["configuration"])
        folds = _size(found["folds"]) if "folds" in found else 0
        signature = None if folds else Signature(_size(found["features"]), _size(found["outputs"]))
        model = str(found["model"])
        if not models.is_own(model):
            model = models.MODELS[models.MODELS.index(found["model"])]
        key = configuration.key
    except UserError:
        raise
    except (Damage, KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError) as error:
        raise _wrong(path, error) from error
    if models.is_own(model) and model != own:
        raise UserError(
            f"The networks of {folder.path} are made by {untrusted.shown(model)}, which is no part of this program",
            expected="the function that makes them, named by you: a study folder never leads to an import",
            got=own or "none",
            hint=f"name it if you trust it: --model {untrusted.shown(model)}, or load_top_models(..., model=...)",
        )
    if key != folder.path.name:
        raise DamagedFile(f"{folder.path} holds another configuration than its name says", hint=_AGAIN)
    return _Described(configuration, model, signature, folds)


def _size(value: object) -> int:
    if type(value) is not int or not 0 < value <= _FEATURES:
        raise Damage(f"{untrusted.shown(value)} is not a number of inputs or outputs")
    return value


def _wrong(path: Path, error: Exception) -> DamagedFile:
    return DamagedFile(f"{path} does not describe a model", got=untrusted.shown(str(error)), hint=_AGAIN)


def _probe(
    folder: ModelFolder, fold: int | None, prepared: Preprocessing, signature: Signature, hashes: Mapping[str, str]
) -> np.ndarray:
    """The probe's rows as a network's inputs, with the scalers that were stored."""
    path, scalers = folder.probe(fold), folder.preprocessing(fold)
    rows = _object(path, _read(path, hashes, PROBE))
    if len(prepared.features) != signature.features or prepared.target.outputs != signature.outputs:
        raise DamagedFile(f"{scalers} belongs to networks of other sizes", hint=_AGAIN)
    if rows.keys() != set(prepared.columns.inputs):
        raise DamagedFile(f"{path} has other columns than the inputs of the networks", hint=_AGAIN)
    try:
        inputs = prepared.inputs(pd.DataFrame(rows))
    except Exception as error:  # scalers with arrays of other lengths raise errors of every kind
        raise DamagedFile(
            f"{scalers} cannot prepare the rows of {path}",
            got=untrusted.shown(str(error).split("\n", 1)[0]),
            hint=_AGAIN,
        ) from error
    if inputs.shape[1:] != (signature.features,):
        raise DamagedFile(f"{scalers} belongs to networks of other sizes", hint=_AGAIN)
    return inputs


def _arrays(
    path: Path,
    shapes: Sequence[tuple[int, ...]],
    probe: tuple[int, int],
    hashes: Mapping[str, str],
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """The weights of a repeat and its predictions for the probe, of exactly these shapes."""
    expected = {f"weight_{position:03d}": shape for position, shape in enumerate(shapes)} | {"probe": probe}
    data = _read(path, hashes, LARGEST)
    try:
        found = untrusted.arrays(data, expected, "<f4")
    except Damage as error:
        raise DamagedFile(f"{path} cannot be read", got=str(error), hint=_AGAIN) from error
    return tuple(found[key] for key in expected if key != "probe"), found["probe"]


def _check_probe(member: Member, probe: np.ndarray, expected: np.ndarray, path: Path) -> None:
    with np.errstate(all="ignore"):  # foreign weights may overflow
        predicted = models.predict(member.network, probe)
        far = float(np.max(np.abs(predicted - expected), initial=0.0))
    if predicted.shape != expected.shape or not far <= TOLERANCE:
        raise DamagedFile(f"{path} does not predict what it predicted when it was saved", hint=_AGAIN)
