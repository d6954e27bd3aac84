"""Save networks: one folder for each configuration, consistent whenever a run is killed."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.errors import DamagedFile, UserError
from pipeline.models import Signature
from pipeline.saved_models import agreement, curves
from pipeline.saved_models.member_files import FORMAT, PROBE, check, manifest
from pipeline.storage import atomic
from pipeline.storage.untrusted import Damage
from pipeline.study_folder.layout import ModelFolder, StudyFolder
from pipeline.training.protocol import Trained
from pipeline.trial import Configuration, Repeat, Training


@dataclass(frozen=True, slots=True)
class Common:
    """What all saved models of a study have in common."""

    model: str
    signature: Signature
    preprocessing: bytes
    probe: bytes  # JSON, see `probe_of`
    versions: Mapping[str, str]
    folds: int = 0  # with folds, all fields but the model and the versions belong to one repeat


def probe_of(frame: pd.DataFrame) -> bytes:
    """Encode rows of the user's table as JSON, with exact numbers, moments by ISO 8601, and null for missing cells."""
    columns = {
        str(name): [None if pd.isna(value) else _plain(value) for value in frame[name]] for name in frame.columns
    }
    probe = json.dumps(columns, allow_nan=False).encode()
    if len(probe) > PROBE:
        raise UserError(
            f"{len(frame)} rows of the inputs take {len(probe)} bytes to store",
            expected=f"at most {PROBE} bytes, about 20,000 columns",
            hint="name columns that are not needed in `ignore`",
        )
    return probe


def _plain(value: Any) -> object:
    """A cell in JSON's types."""
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return getattr(value, "item", lambda: value)()


def save(study: Path, trained: Trained, common: Common) -> str:
    """Write the model of one repeat and fsync it. Return the SHA-256 of its file of weights.

    Raise StudyMismatch if the folder of the configuration holds networks that were made otherwise.
    """
    configuration = trained.training.configuration
    folder, index = StudyFolder(study).model(configuration.key), trained.training.index
    hashes = _opened(folder, configuration, common)
    assert trained.probe is not None
    arrays: dict[str, Any] = {f"weight_{position:03d}": array for position, array in enumerate(trained.weights)}
    if common.folds:
        shared = {folder.preprocessing(index).name: common.preprocessing, folder.probe(index).name: common.probe}
    else:
        shared = {}  # written once for all repeats, by `_begin`
    packed = io.BytesIO()
    np.savez(packed, probe=trained.probe, **arrays)
    facts = {
        "index": index,
        "seed": trained.seed,
        "epochs": trained.training.epochs,
        "epochs_run": trained.epochs_run,
        "best_epoch": trained.best_epoch,
        "objective": trained.objective,
        "scores": trained.scores,
        "threads": trained.threads,
        "program": trained.program,
        "device": trained.device,
        "seconds": trained.seconds,
        "versions": dict(common.versions),
    }
    weights, about = folder.weights(index).name, folder.facts(index).name
    try:
        curve = {folder.curve(index).name: curves.dumps(trained.curve)} if trained.curve is not None else {}
    except Damage as error:  # of an engine of the user's: nothing depends on it
        curve, facts["curve"] = {}, f"left out: {error}"
    contents = {**shared, weights: packed.getvalue(), about: json.dumps(facts, indent=1).encode(), **curve}
    return _put(folder, hashes, contents)[weights]


def _put(folder: ModelFolder, hashes: Mapping[str, str], contents: Mapping[str, bytes]) -> dict[str, str]:
    """Write files and then the manifest that names them; the manifest is correct at every moment in between."""
    others = {name: digest for name, digest in hashes.items() if name not in contents}
    if len(others) < len(hashes):
        # A run was killed before the journal had this repeat: it is trained again, and its seconds differ.
        _write_manifest(folder, others)
    complete = {**others, **{name: atomic.replace(folder.path / name, content) for name, content in contents.items()}}
    _write_manifest(folder, complete)
    return complete


def check_known(study: Path, repeats: Iterable[Repeat], common_of: Callable[[Training], Common]) -> None:
    """Raise StudyMismatch, before anything is trained beside them, if models of the journal were made otherwise.

    What is missing or damaged is skipped: whoever uses it says so.
    """
    checked: set[tuple[str, int | None]] = set()
    for repeat in repeats:
        folder, common = StudyFolder(study).model(repeat.training.configuration.key), common_of(repeat.training)
        fold = repeat.training.index if common.folds else None
        if repeat.model and (folder.path.name, fold) not in checked:
            checked.add((folder.path.name, fold))
            with suppress(DamagedFile):
                agreement.check_saved(folder, manifest(folder), fold, common.preprocessing, common.probe)


def _opened(folder: ModelFolder, configuration: Configuration, common: Common) -> dict[str, str]:
    """The manifest of a folder, which is made where there is none."""
    if not folder.manifest.exists():
        return _begin(folder, configuration, common)
    hashes = manifest(folder)
    if not common.folds:  # what repeats share was written by the first of them
        agreement.check_saved(folder, hashes, None, common.preprocessing, common.probe)
    return hashes


def _begin(folder: ModelFolder, configuration: Configuration, common: Common) -> dict[str, str]:
    atomic.make_folder(folder.path)
    sizes = {"features": common.signature.features, "outputs": common.signature.outputs}
    description = {
        "format": FORMAT,
        "configuration": configuration.as_dict(),
        "model": common.model,
        **({"folds": common.folds} if common.folds else sizes),
    }
    shared = {folder.configuration: json.dumps(description, indent=1).encode()}
    if not common.folds:
        shared |= {folder.preprocessing(): common.preprocessing, folder.probe(): common.probe}
    return {path.name: atomic.replace(path, content) for path, content in shared.items()}


def adopt(study: Path, other: Path, repeat: Repeat, common: Common) -> None:
    """Copy the model of a repeat from a study of the same protocol.

    Raise DamagedFile if it was altered, and StudyMismatch if it was made with other columns, classes or scales.
    """
    source, folder = (StudyFolder(each).model(repeat.training.configuration.key) for each in (other, study))
    saved, index = check(source), repeat.training.index
    weights, curve = source.weights(index), source.curve(index)
    files = (weights, source.facts(index), *([curve] if curve.name in saved else []))
    contents = {path.name: path.read_bytes() for path in files}
    if hashlib.sha256(contents[weights.name]).hexdigest() != repeat.model:
        raise DamagedFile(f"{weights} is not the model that the ledger of {other} has")
    agreement.check_saved(source, saved, index if common.folds else None, common.preprocessing, common.probe)
    hashes = _opened(folder, repeat.training.configuration, common)
    _put(folder, hashes, contents)


def add(folder: ModelFolder, name: str, content: bytes) -> None:
    """Add a file to a saved configuration, and to its manifest."""
    _put(folder, manifest(folder), {name: content})


def _write_manifest(folder: ModelFolder, hashes: Mapping[str, str]) -> None:
    content = {"format": FORMAT, "files": dict(sorted(hashes.items()))}
    atomic.replace(folder.manifest, json.dumps(content, indent=1).encode())
