"""Saved models: one folder for each configuration, checked before use, reloaded as predictors in original units.

    models/<key of the configuration>/
        configuration.json     the hyperparameters, the kind of model, its inputs and outputs
        preprocessing.skops    scalers, encoders and imputers, as fitted on the training rows
        probe.json             a few rows of the user's table, as they are
        repeat-000.npz         weights of one training, and its predictions for the probe
        repeat-000.json        its seeds, scores, threads and versions
        repeat-000.keras       the same network as a native Keras file: the top configurations only
        manifest.json          the SHA-256 of every file above

Nothing in it is executed when it is loaded: arrays without pickle, scalers through skops with no trusted types of our
own, networks made from the configuration by `pipeline.models` and filled with numbers.
"""

from __future__ import annotations

import io
import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from pipeline import files, models
from pipeline.data import preprocessing, task
from pipeline.data.preprocessing import Preprocessing
from pipeline.errors import DamagedFile, UserError
from pipeline.ledger import journal
from pipeline.models import Network, Signature
from pipeline.search.racing import standing
from pipeline.training.protocol import Trained
from pipeline.trial import Configuration, Summary, summarise

FORMAT: Final = 1
TOLERANCE: Final = 1e-4  # scaled outputs; another processor or version may round differently, another network does not


@dataclass(frozen=True, slots=True)
class Common:
    """What all models of a study share."""

    model: str
    signature: Signature
    preprocessing: bytes
    probe: bytes  # JSON, see `probe_of`
    versions: Mapping[str, str]


def folder_of(study: Path, key: str) -> Path:
    """Where the models of a configuration are."""
    return study / "models" / key


def probe_of(frame: pd.DataFrame) -> bytes:
    """Rows of the user's table as JSON that gives back the same table: numbers bit by bit, missing cells as null."""
    columns = {
        str(name): [
            None if pd.isna(value) else getattr(value, "item", lambda value=value: value)() for value in frame[name]
        ]
        for name in frame.columns
    }
    return json.dumps(columns, allow_nan=False).encode()


# ------------------------------------------------------------------------------------------------------------- saving


def save(study: Path, trained: Trained, common: Common) -> str:
    """Write one repeat's model, safe on the disk when it returns; returns the SHA-256 of the file with its weights."""
    configuration = trained.training.configuration
    folder = folder_of(study, configuration.key)
    hashes = _manifest(folder) if (folder / "manifest.json").exists() else _begin(folder, configuration, common)
    name = f"repeat-{trained.training.index:03d}"
    assert trained.probe is not None
    arrays: dict[str, Any] = {f"weight_{position:03d}": array for position, array in enumerate(trained.weights)}
    packed = io.BytesIO()
    np.savez(packed, probe=trained.probe, **arrays)
    digest = files.replace(folder / f"{name}.npz", packed.getvalue())
    facts = {
        "index": trained.training.index,
        "seed": trained.seed,
        "epochs": trained.training.epochs,
        "epochs_run": trained.epochs_run,
        "best_epoch": trained.best_epoch,
        "objective": trained.objective,
        "scores": trained.scores,
        "threads": trained.threads,
        "program": trained.program,
        "seconds": trained.seconds,
        "versions": dict(common.versions),
    }
    described = files.replace(folder / f"{name}.json", json.dumps(facts, indent=1).encode())
    _write_manifest(folder, {**hashes, f"{name}.npz": digest, f"{name}.json": described})
    return digest


def _begin(folder: Path, configuration: Configuration, common: Common) -> dict[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    description = {
        "format": FORMAT,
        "configuration": configuration.as_dict(),
        "model": common.model,
        "features": common.signature.features,
        "outputs": common.signature.outputs,
    }
    return {
        "configuration.json": files.replace(folder / "configuration.json", json.dumps(description, indent=1).encode()),
        "preprocessing.skops": files.replace(folder / "preprocessing.skops", common.preprocessing),
        "probe.json": files.replace(folder / "probe.json", common.probe),
    }


def add(folder: Path, name: str, content: bytes) -> None:
    """Add a file to a saved configuration, and to its manifest."""
    digest = files.replace(folder / name, content)
    _write_manifest(folder, {**_manifest(folder), name: digest})


def _write_manifest(folder: Path, hashes: Mapping[str, str]) -> None:
    manifest = {"format": FORMAT, "files": dict(sorted(hashes.items()))}
    files.replace(folder / "manifest.json", json.dumps(manifest, indent=1).encode())


# ------------------------------------------------------------------------------------------------------------ loading


def _manifest(folder: Path) -> dict[str, str]:
    content = _json(folder / "manifest.json")
    hashes = content.get("files")
    if content.get("format") != FORMAT or not isinstance(hashes, dict):
        raise DamagedFile(f"{folder / 'manifest.json'} is no manifest of format {FORMAT}", todo=_AGAIN)
    for name, digest in hashes.items():
        if not isinstance(digest, str) or not name or Path(name).name != name or name.startswith("."):
            raise DamagedFile(f"{folder / 'manifest.json'} names {name!r}, which is no file of its folder", todo=_AGAIN)
    return dict(hashes)


_AGAIN: Final = "restore the folder from a copy, or delete it together with its line of the ledger and train again"


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DamagedFile(f"{path} cannot be read: {error}", todo=_AGAIN) from error
    if not isinstance(content, dict):
        raise DamagedFile(f"{path} does not hold what it should", todo=_AGAIN)
    return content


def check(folder: Path) -> dict[str, str]:
    """The manifest of a saved configuration, every file of it intact; DamagedFile names one that is not."""
    hashes = _manifest(folder)
    for name, digest in hashes.items():
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise DamagedFile(f"{path} is missing or is no plain file", todo=_AGAIN)
        if files.sha256(path) != digest:
            raise DamagedFile(f"{path} is not what was saved: its SHA-256 differs from the manifest", todo=_AGAIN)
    return hashes


@dataclass(frozen=True, slots=True)
class Member:
    """One reloaded network: a configuration trained with one seed."""

    configuration: Configuration
    index: int
    signature: Signature
    model: str
    weights: tuple[np.ndarray, ...]

    @property
    def network(self) -> Network:
        """The function from scaled inputs to scaled outputs."""
        return models.load(self.model).network(self.configuration, self.signature, self.weights)


def load_members(folder: Path) -> tuple[Preprocessing, tuple[Member, ...]]:
    """Every saved repeat of a configuration; DamagedFile when a hash or a probe prediction is not what was saved."""
    hashes = check(folder)
    for name in ("configuration.json", "preprocessing.skops", "probe.json"):
        if name not in hashes:
            raise DamagedFile(f"{folder} has no {name}", todo=_AGAIN)
    description = _json(folder / "configuration.json")
    try:
        configuration = Configuration.of(description["configuration"])
        signature = Signature(int(description["features"]), int(description["outputs"]))
        model = models.MODELS[models.MODELS.index(description["model"])]
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFile(f"{folder / 'configuration.json'} does not describe a model: {error}", todo=_AGAIN) from error
    if configuration.key != folder.name:
        raise DamagedFile(f"{folder} holds another configuration than its name says", todo=_AGAIN)
    prepared = preprocessing.loads((folder / "preprocessing.skops").read_bytes())
    probe = prepared.inputs(pd.DataFrame(_json(folder / "probe.json")))
    names = sorted(name for name in hashes if name.startswith("repeat-") and name.endswith(".npz"))
    members = []
    for name in names:
        weights, expected = _arrays(folder / name)
        member = Member(configuration, int(name[len("repeat-") : -len(".npz")]), signature, model, tuple(weights))
        _check_probe(member, probe, expected, folder / name)
        members.append(member)
    return prepared, tuple(members)


def _arrays(path: Path) -> tuple[list[np.ndarray], np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            names = sorted(name for name in stored.files if name.startswith("weight_"))
            return [stored[name] for name in names], stored["probe"]
    except (OSError, ValueError, KeyError) as error:
        raise DamagedFile(f"{path} cannot be read: {error}", todo=_AGAIN) from error


def _check_probe(member: Member, probe: np.ndarray, expected: np.ndarray, path: Path) -> None:
    try:
        predicted = models.predict(member.network, probe)
    except ValueError as error:
        raise DamagedFile(f"{path} does not fit its configuration: {error}", todo=_AGAIN) from error
    if predicted.shape != expected.shape or not float(np.max(np.abs(predicted - expected), initial=0.0)) <= TOLERANCE:
        raise DamagedFile(f"{path} does not predict what it predicted when it was saved", todo=_AGAIN)


@dataclass(frozen=True, slots=True)
class Examined:
    """What a worker says of a saved configuration."""

    predictions: np.ndarray  # (repeats, test rows, outputs), scaled
    keras: Mapping[str, bytes]  # file name -> the network as a native Keras file


@dataclass(frozen=True, slots=True)
class Examine:
    """A function for workers, from the key of a configuration to what its reloaded models predict for the test rows."""

    study: Path
    rows: Path

    def __call__(self, key: str) -> Examined:
        """Reload, as any user would, predict the test rows and pack the networks as Keras files."""
        _, members = load_members(folder_of(self.study, key))
        inputs = task.load(self.rows).test.inputs
        predictions = np.stack([models.predict(member.network, inputs) for member in members])
        return Examined(predictions, {f"repeat-{member.index:03d}.keras": _keras_file(member) for member in members})


def _keras_file(member: Member) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "network.keras"
        network = models.load(member.model).build(member.configuration, member.signature, 0)
        network.set_weights(list(member.weights))
        network.save(path)
        return path.read_bytes()


@dataclass(frozen=True, slots=True)
class TopModels:
    """The best configurations of a study, all their repeats, as one predictor."""

    configurations: tuple[Configuration, ...]  # best first
    members: tuple[Member, ...]
    preprocessing: Preprocessing

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what is predicted."""
        return self.preprocessing.target.names

    def predict_each(self, frame: pd.DataFrame) -> np.ndarray:
        """Predictions of every network, (members, rows, outputs), in original units; UserError for unfit rows."""
        inputs = self.preprocessing.inputs(frame)
        return np.stack(
            [self.preprocessing.target.to_units(models.predict(member.network, inputs)) for member in self.members]
        )

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Mean over the networks and, as `<output> spread`, their standard deviation: original units, same index."""
        each = self.predict_each(frame)
        spread = each.std(axis=0, ddof=1) if len(each) > 1 else np.full(each.shape[1:], math.nan)
        columns = {}
        for position, name in enumerate(self.outputs):
            columns[name] = each[:, :, position].mean(axis=0)
            columns[f"{name} spread"] = spread[:, position]
        return pd.DataFrame(columns, index=frame.index)

    def unknown_categories(self, frame: pd.DataFrame) -> dict[str, tuple[str, ...]]:
        """Categories that training never saw, by column; the networks see them as none of the known ones."""
        return preprocessing.unknown_categories(self.preprocessing, frame)


def load_top_models(study: str | Path, count: int = 3) -> TopModels:
    """Reload the `count` best configurations of a study that have saved models, after checking every file of them."""
    folder = Path(study)
    if not (folder / "ledger.jsonl").is_file():
        raise UserError(f"{folder} is no study folder", expected="a folder with ledger.jsonl", todo="check the path")
    if count < 1:
        raise UserError("At least one configuration has to be loaded", came=str(count))
    best = [summary for summary in ranking(folder) if (folder_of(folder, summary.key) / "manifest.json").is_file()]
    if not best:
        raise UserError(f"{folder} has no saved models yet", todo="let the search train at least one configuration")
    loaded = [load_members(folder_of(folder, summary.key)) for summary in best[:count]]
    members = tuple(member for _, each in loaded for member in each)
    return TopModels(tuple(summary.configuration for summary in best[:count]), members, loaded[0][0])


def ranking(study: Path) -> tuple[Summary, ...]:
    """The configurations of a study that were trained without fail at its full number of epochs, best first."""
    repeats = [repeat for repeat in journal.read(study / "ledger.jsonl").repeats if repeat.stage != "baseline"]
    epochs = max((repeat.training.epochs for repeat in repeats), default=0)
    by_key: dict[str, list[Any]] = {}
    for repeat in repeats:
        if repeat.training.epochs == epochs:
            by_key.setdefault(repeat.training.configuration.key, []).append(repeat)
    summaries = [summarise(each[0].training.configuration, epochs, each) for each in by_key.values()]
    return standing(summary for summary in summaries if summary.failures == 0)
