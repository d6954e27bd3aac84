"""Reload saved networks from an untrusted folder: checked before use, never executed.

Three checks have to pass: every file matches the manifest (a damaged disk does not), the weights predict for the probe
what they predicted when they were saved (the weights of another network do not), and the files of weights match the
journal (the file of another training with a rewritten manifest does not). Whoever rewrites the journal, the manifest
and the files has made another valid study: a study folder contains no secret, and is as trustworthy as its source.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipeline import models
from pipeline.data import preprocessing_file, time_inputs
from pipeline.data.layout import shape_of
from pipeline.data.preprocessing import Preprocessing
from pipeline.errors import DamagedFile, UserError
from pipeline.models import Network, Signature
from pipeline.storage import untrusted
from pipeline.storage.untrusted import Damage
from pipeline.study_folder.layout import ModelFolder, weights_index
from pipeline.trial import Configuration

FORMAT: Final = 1
TOLERANCE: Final = 1e-4  # scaled outputs; other processors and versions round differently, but by less than this
LARGEST: Final = 2 << 30  # bytes of a file of weights: five hundred million numbers
_DESCRIPTION: Final = 4 << 20  # bytes of a file in JSON
PROBE: Final = 8 << 20  # bytes of the probe's rows, 20,000 columns
_FEATURES: Final = 10_000_000  # inputs or outputs of a network
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)
HINT: Final = "restore the folder from a copy, or delete it together with its line of the ledger and train again"

Digests = Mapping[int, str]
"""Number of a repeat -> SHA-256 of its file of weights, according to the journal."""


def manifest(folder: ModelFolder) -> dict[str, str]:
    """Read the manifest: file name -> expected SHA-256. Raise DamagedFile if it is not a manifest."""
    path = folder.manifest
    if folder.path.is_symlink():
        raise DamagedFile(f"{folder.path} is a link", expected="a folder", hint=HINT)
    found = object_of(path, untrusted.content(path, _DESCRIPTION, HINT))
    hashes = found.get("files")
    if found.get("format") != FORMAT or not isinstance(hashes, dict):
        raise DamagedFile(f"{path} is not a manifest of format {FORMAT}", hint=HINT)
    for name, digest in hashes.items():
        if not isinstance(digest, str) or not _NAME.fullmatch(name):
            raise DamagedFile(f"{path} names {untrusted.shown(name)}, which is not a file of its folder", hint=HINT)
    return hashes


def check(folder: ModelFolder) -> dict[str, str]:
    """Return the manifest of a saved configuration. Raise DamagedFile, naming the file, if any file differs from it."""
    hashes = manifest(folder)
    for name, digest in hashes.items():
        if untrusted.sha256(folder.path / name, LARGEST, HINT) != digest:
            raise _altered(folder.path / name)
    return hashes


def _altered(path: Path) -> DamagedFile:
    return DamagedFile(f"{path} is not what was saved: its SHA-256 differs from the manifest", hint=HINT)


def read_verified(path: Path, hashes: Mapping[str, str], largest: int = _DESCRIPTION) -> bytes:
    """Read a file. Raise DamagedFile unless it is the one in the manifest."""
    if path.name not in hashes:
        raise DamagedFile(f"{path.parent} has no {path.name}", hint=HINT)
    data = untrusted.content(path, largest, HINT)
    if hashlib.sha256(data).hexdigest() != hashes[path.name]:
        raise _altered(path)
    return data


def object_of(path: Path, data: bytes) -> dict[str, Any]:
    """Parse the JSON object of a file. Raise DamagedFile if it is anything else."""
    try:
        return untrusted.json_object(data)
    except Damage as error:
        raise DamagedFile(f"{path} cannot be read", got=untrusted.shown(str(error)), hint=HINT) from error


@dataclass(frozen=True, slots=True)
class Member:
    """One reloaded network: a configuration trained with one seed."""

    configuration: Configuration
    index: int
    signature: Signature
    model: str
    weights: tuple[np.ndarray, ...]
    preprocessing: Preprocessing  # the one it was trained with; with folds, that of its own fold

    @property
    def network(self) -> Network:
        """The function from scaled inputs to scaled outputs."""
        return models.load(self.model).network(self.configuration, self.signature, self.weights)


def load_members(
    folder: ModelFolder, digests: Digests | None = None, own: str = ""
) -> tuple[Preprocessing, tuple[Member, ...]]:
    """Reload the repeats of a saved configuration, and the preprocessing of the first one.

    Repeats are those in `digests`, which come from the journal; without, all repeats in the folder. `own` is the one
    function, as `module:function`, that the caller allows to be imported to build networks.

    Raise DamagedFile if a file does not match the manifest, the probe or the journal, or was not written by this
    program, and UserError if the networks are made by another function than `own`.
    """
    hashes = check(folder)
    indices = _indices(folder, hashes, digests)
    about = described(folder, hashes)
    _check_allowed(folder, about.model, own)
    members: list[Member] = []
    made: dict[int | None, _Preparation] = {}
    for index in indices:
        fold = index if about.folds else None
        if fold not in made:
            made[fold] = _preparation(folder, fold, about, hashes)
        members.append(_member(folder.weights(index), index, about, made[fold], hashes))
    if not members:
        raise DamagedFile(f"{folder.path} has no weights", hint=HINT)
    return members[0].preprocessing, tuple(members)


@dataclass(frozen=True, slots=True)
class Description:
    """The contents of `configuration.json`."""

    configuration: Configuration
    model: str
    signature: Signature | None  # None where each repeat has its own
    folds: int


@dataclass(frozen=True, slots=True)
class _Preparation:
    """What networks that were trained with the same rows share."""

    preprocessing: Preprocessing
    signature: Signature
    probe: np.ndarray
    shapes: Sequence[tuple[int, ...]]


def _preparation(folder: ModelFolder, fold: int | None, about: Description, hashes: Mapping[str, str]) -> _Preparation:
    path = folder.preprocessing(fold)
    prepared = preprocessing_file.loads(read_verified(path, hashes, preprocessing_file.LARGEST), str(path))
    signature = about.signature or Signature(len(prepared.features), prepared.target.outputs)
    signature = replace(signature, shape=shape_of(prepared.features))
    probe = _probe(folder, fold, prepared, signature, hashes)
    try:
        shapes = models.load(about.model).weight_shapes(about.configuration, signature)
    except UserError:  # of a function of the user's, which only the user can fix
        raise
    except ValueError as error:
        raise _not_a_model(folder.configuration, error) from error
    return _Preparation(prepared, signature, probe, shapes)


def _member(path: Path, index: int, about: Description, made: _Preparation, hashes: Mapping[str, str]) -> Member:
    expected = (len(made.probe), made.signature.outputs)
    weights, predicted = _arrays(path, made.shapes, expected, hashes)
    member = Member(about.configuration, index, made.signature, about.model, weights, made.preprocessing)
    _check_probe(member, made.probe, predicted, path)
    return member


def _indices(folder: ModelFolder, hashes: Mapping[str, str], digests: Digests | None) -> list[int]:
    if digests is None:
        return sorted(index for name in hashes if (index := weights_index(name)) is not None)
    for index, digest in digests.items():
        path = folder.weights(index)
        if hashes.get(path.name) != digest:
            raise DamagedFile(
                f"{path} is not the model that the ledger has for repeat {index}",
                expected=f"SHA-256 {untrusted.shown(digest)}",
                got=hashes.get(path.name, "no such file in the manifest"),
                hint=HINT,
            )
    return sorted(digests)


def described(folder: ModelFolder, hashes: Mapping[str, str]) -> Description:
    """Read `configuration.json`; nothing is imported. Raise DamagedFile if it does not describe a model."""
    path = folder.configuration
    found = object_of(path, read_verified(path, hashes))
    try:
        configuration = Configuration.of(found["configuration"])
        folds = _size(found["folds"]) if "folds" in found else 0
        signature = None if folds else Signature(_size(found["features"]), _size(found["outputs"]))
        model = str(found["model"])
        if not models.is_own(model):
            models.load(model)
        key = configuration.key
    except UserError:
        raise
    except (Damage, KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError) as error:
        raise _not_a_model(path, error) from error
    if key != folder.path.name:
        raise DamagedFile(f"{folder.path} holds another configuration than the one it is named after", hint=HINT)
    return Description(configuration, model, signature, folds)


def _check_allowed(folder: ModelFolder, model: str, own: str) -> None:
    if models.is_own(model) and model != own:
        raise UserError(
            f"The networks of {folder.path} are made by {untrusted.shown(model)}, which is not part of this program",
            expected="that function, named by you: a study folder alone never leads to an import",
            got=own or "none",
            hint=f"name it if you trust it: --model {untrusted.shown(model)}, or load_top_models(..., model=...)",
        )


def _size(value: object) -> int:
    if type(value) is not int or not 0 < value <= _FEATURES:
        raise Damage(f"{untrusted.shown(value)} is not a number of inputs or outputs")
    return value


def _not_a_model(path: Path, error: Exception) -> DamagedFile:
    return DamagedFile(f"{path} does not describe a model", got=untrusted.shown(str(error)), hint=HINT)


def _probe(
    folder: ModelFolder, fold: int | None, prepared: Preprocessing, signature: Signature, hashes: Mapping[str, str]
) -> np.ndarray:
    """The rows of the probe as inputs of a network, prepared with the stored scalers."""
    path, scalers = folder.probe(fold), folder.preprocessing(fold)
    rows = object_of(path, read_verified(path, hashes, PROBE))
    if len(prepared.features) != signature.features or prepared.target.outputs != signature.outputs:
        raise DamagedFile(f"{scalers} belongs to networks of other sizes", hint=HINT)
    if rows.keys() != set(prepared.columns.inputs):
        raise DamagedFile(f"{path} has other columns than the inputs of the networks", hint=HINT)
    try:
        inputs = prepared.inputs(time_inputs.stored_rows(rows, prepared.columns.times))
    except Exception as error:  # of every kind, UserError too: these rows are part of the folder, not the user's
        raise DamagedFile(
            f"{scalers} cannot prepare the rows of {path}",
            got=untrusted.shown(str(error).split("\n", 1)[0]),
            hint=HINT,
        ) from error
    if inputs.shape[1:] != (signature.features,):
        raise DamagedFile(f"{scalers} belongs to networks of other sizes", hint=HINT)
    return inputs


def _arrays(
    path: Path,
    shapes: Sequence[tuple[int, ...]],
    probe: tuple[int, int],
    hashes: Mapping[str, str],
) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """The weights of a repeat and its predictions for the probe, in exactly these shapes."""
    expected = {f"weight_{position:03d}": shape for position, shape in enumerate(shapes)} | {"probe": probe}
    data = read_verified(path, hashes, LARGEST)
    try:
        found = untrusted.arrays(data, expected, "<f4")
    except Damage as error:
        raise DamagedFile(f"{path} cannot be read", got=str(error), hint=HINT) from error
    return tuple(found[key] for key in expected if key != "probe"), found["probe"]


def _check_probe(member: Member, probe: np.ndarray, expected: np.ndarray, path: Path) -> None:
    with np.errstate(all="ignore"):  # foreign weights may overflow
        predicted = models.predict(member.network, probe)
        far = float(np.max(np.abs(predicted - expected), initial=0.0))
    if predicted.shape != expected.shape or not far <= TOLERANCE:
        raise DamagedFile(f"{path} does not predict what it predicted when it was saved", hint=HINT)
