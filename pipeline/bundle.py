"""Saved models: one folder for each configuration, checked before use, reloaded as predictors in original units.

    models/<key of the configuration>/
        configuration.json     the hyperparameters, the kind of model, its inputs and outputs
        preprocessing.skops    scalers, encoders and imputers, as fitted on the training rows
        probe.json             a few rows of the user's table, as they are
        repeat-000.npz         weights of one training, and its predictions for the probe
        repeat-000.json        its seeds, scores, threads and versions
        repeat-000.keras       the same network as a native Keras file: the top configurations only
        manifest.json          the SHA-256 of every file above

With folds each repeat has scalers of its own: preprocessing-000.skops and probe-000.json are those of repeat 0.

Nothing in it is executed when it is loaded: arrays without pickle, scalers through skops with no trusted types of our
own, networks made from the configuration by `pipeline.models` and filled with numbers.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline import files, models, reading
from pipeline.data import preprocessing, series, task
from pipeline.data.preprocessing import Preprocessing
from pipeline.errors import DamagedFile, UserError
from pipeline.ledger import journal
from pipeline.members import FORMAT, PROBE, Digests, Member, check, load_members, manifest
from pipeline.models import Signature
from pipeline.search.racing import standing
from pipeline.training.protocol import Trained
from pipeline.trial import Configuration, Repeat, Summary, summarise

__all__ = ["Common", "Examine", "Member", "TopModels", "check", "folder_of", "load_members", "load_top_models", "save"]


@dataclass(frozen=True, slots=True)
class Common:
    """What all models of a study share."""

    model: str
    signature: Signature
    preprocessing: bytes
    probe: bytes  # JSON, see `probe_of`
    versions: Mapping[str, str]
    folds: int = 0  # where there are any, all this is of one repeat, but for the model and the versions


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
    probe = json.dumps(columns, allow_nan=False).encode()
    if len(probe) > PROBE:
        raise UserError(
            f"{len(frame)} rows of the inputs take {len(probe)} bytes to store",
            expected=f"at most {PROBE} bytes, about 20,000 columns",
            todo="name columns that are not needed in `ignore`",
        )
    return probe


# ------------------------------------------------------------------------------------------------------------- saving


def save(study: Path, trained: Trained, common: Common) -> str:
    """Write one repeat's model, safe on the disk when it returns; returns the SHA-256 of the file with its weights."""
    configuration = trained.training.configuration
    folder = folder_of(study, configuration.key)
    hashes = manifest(folder) if (folder / "manifest.json").exists() else _begin(folder, configuration, common)
    name = f"repeat-{trained.training.index:03d}"
    assert trained.probe is not None
    arrays: dict[str, Any] = {f"weight_{position:03d}": array for position, array in enumerate(trained.weights)}
    if common.folds:
        own = f"-{trained.training.index:03d}"
        shared = {f"preprocessing{own}.skops": common.preprocessing, f"probe{own}.json": common.probe}
    else:
        shared = {}  # of all repeats, and written when the folder was begun
    packed = io.BytesIO()
    np.savez(packed, probe=trained.probe, **arrays)
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
        "device": trained.device,
        "seconds": trained.seconds,
        "versions": dict(common.versions),
    }
    contents = {**shared, f"{name}.npz": packed.getvalue(), f"{name}.json": json.dumps(facts, indent=1).encode()}
    return _put(folder, hashes, contents)[f"{name}.npz"]


def _put(folder: Path, hashes: Mapping[str, str], contents: Mapping[str, bytes]) -> dict[str, str]:
    """Write files and then the manifest that names them; a manifest is true at every moment between, as well."""
    others = {name: digest for name, digest in hashes.items() if name not in contents}
    if len(others) < len(hashes):
        # A run was killed before the journal had this repeat, so it is done again, and its seconds differ.
        _write_manifest(folder, others)
    complete = {**others, **{name: files.replace(folder / name, content) for name, content in contents.items()}}
    _write_manifest(folder, complete)
    return complete


def _begin(folder: Path, configuration: Configuration, common: Common) -> dict[str, str]:
    files.make_folder(folder)
    sizes = {"features": common.signature.features, "outputs": common.signature.outputs}
    description = {
        "format": FORMAT,
        "configuration": configuration.as_dict(),
        "model": common.model,
        **({"folds": common.folds} if common.folds else sizes),
    }
    written = {
        "configuration.json": files.replace(folder / "configuration.json", json.dumps(description, indent=1).encode())
    }
    if common.folds:
        return written
    return {
        **written,
        "preprocessing.skops": files.replace(folder / "preprocessing.skops", common.preprocessing),
        "probe.json": files.replace(folder / "probe.json", common.probe),
    }


def adopt(study: Path, other: Path, repeat: Repeat, common: Common) -> None:
    """Copy the model of a repeat from a study of the same protocol, bit by bit; DamagedFile where it was altered."""
    source, folder = (folder_of(each, repeat.training.configuration.key) for each in (other, study))
    check(source)
    names = [f"repeat-{repeat.training.index:03d}{suffix}" for suffix in (".npz", ".json")]
    contents = {name: (source / name).read_bytes() for name in names}
    if hashlib.sha256(contents[names[0]]).hexdigest() != repeat.model:
        raise DamagedFile(f"{source / names[0]} is not the model that the ledger of {other} has")
    known = (folder / "manifest.json").exists()
    hashes = manifest(folder) if known else _begin(folder, repeat.training.configuration, common)
    _put(folder, hashes, contents)


def add(folder: Path, name: str, content: bytes) -> None:
    """Add a file to a saved configuration, and to its manifest."""
    _put(folder, manifest(folder), {name: content})


def _write_manifest(folder: Path, hashes: Mapping[str, str]) -> None:
    content = {"format": FORMAT, "files": dict(sorted(hashes.items()))}
    files.replace(folder / "manifest.json", json.dumps(content, indent=1).encode())


# ---------------------------------------------------------------------------------------------------------- examining


@dataclass(frozen=True, slots=True)
class Examined:
    """What a worker says of a saved configuration."""

    indices: tuple[int, ...]  # of the repeats
    predictions: np.ndarray  # (repeats, test rows, outputs), scaled as the rows of repeat 0 are
    units: np.ndarray  # (repeats, test rows, predicted), in units
    validation: tuple[np.ndarray, ...]  # of each repeat (its validation rows, predicted), in units
    keras: Mapping[str, bytes]  # file name -> the network as a native Keras file

    @classmethod
    def of(cls, members: Sequence[Member], rows: Path, keras: Mapping[str, bytes], folds: int = 0) -> Examined:
        """What these networks predict for the rows of their study, which wait in a file, or with folds in several."""
        own = task.load(task.file_of(rows, folds, 0))
        target, outputs, units, validated = own.target, [], [], []
        for member in members:
            own = task.load(task.file_of(rows, folds, member.index)) if folds else own
            said = models.predict(member.network, own.test.inputs)
            units.append(own.target.to_units(said))
            outputs.append(target.of_units(units[-1]) if folds else said)
            validated.append(own.target.to_units(models.predict(member.network, own.validation.inputs)))
        indices = tuple(member.index for member in members)
        return cls(indices, np.stack(outputs), np.stack(units), tuple(validated), keras)


@dataclass(frozen=True, slots=True)
class Examine:
    """A function for workers, from the key of a configuration to what its reloaded models predict, untrained rows all.

    The test rows judge, the validation rows choose an ensemble.
    """

    study: Path
    rows: Path
    digests: Mapping[str, Digests]  # by key
    model: str = ""  # as the user named it
    folds: int = 0

    @classmethod
    def of(
        cls, study: Path, repeats: Collection[Repeat], wanted: Iterable[Summary], model: str = "", folds: int = 0
    ) -> Examine:
        """Knows which models the journal's repeats have of these configurations: no others are examined."""
        return cls(study, study / "rows.npz", {each.key: digests_of(repeats, each) for each in wanted}, model, folds)

    def __call__(self, key: str) -> Examined:
        """Reload, as any user would, predict the test rows and pack the networks as Keras files."""
        _, members = load_members(folder_of(self.study, key), self.digests[key], self.model)
        kept = {f"repeat-{member.index:03d}.keras": _keras_file(member) for member in members}
        return Examined.of(members, self.rows, kept, self.folds)


def _keras_file(member: Member) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "network.keras"
        network = models.load(member.model).build(member.configuration, member.signature, 0)
        network.set_weights(list(member.weights))
        network.save(path)
        return path.read_bytes()


@dataclass(frozen=True, slots=True)
class TopModels:
    """Networks of a study as one predictor: all repeats of its best configurations, or an ensemble of them."""

    configurations: tuple[Configuration, ...]  # best first
    members: tuple[Member, ...]
    preprocessing: Preprocessing
    times: tuple[int, ...] = ()  # how often each member counts in the mean; nothing where all count once

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of what is predicted."""
        return self.preprocessing.target.names

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that are told apart, in the order of their probabilities; none where numbers are predicted."""
        return getattr(self.preprocessing.target, "labels", ())

    def predict_each(self, frame: pd.DataFrame) -> np.ndarray:
        """Predictions of every network (members, rows, outputs); UserError for unfit rows.

        In original units, or the probability of each class in the order of `classes`.
        """
        rows, said = self._rows(frame), []
        prepared: tuple[Preprocessing, np.ndarray] | None = None
        for member in self.members:
            own = member.preprocessing  # one and the same for networks of a configuration, but for folds
            if prepared is None or prepared[0] is not own:
                prepared = own, own.inputs(rows)
            said.append(own.target.to_units(models.predict(member.network, prepared[1])))
        return np.stack(said)

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """What all networks say together, same index; for a series, a row for each step that a window leads to.

        Numbers: their mean in original units and, as `<output> spread`, their standard deviation. Classes: the
        likeliest one by mean probability, `<output> probability <class>` for each, and the likeliest one's spread.
        """
        units = np.repeat(self.predict_each(frame), self.times or (1,), axis=0)
        return pd.DataFrame(self.preprocessing.target.table(units), index=self._rows(frame).index)

    def unknown_categories(self, frame: pd.DataFrame) -> dict[str, tuple[str, ...]]:
        """Categories that training never saw, by column; the networks see them as none of the known ones.

        With folds, those that one of the networks at least has not seen.
        """
        rows, found = self._rows(frame), dict[str, dict[str, None]]()  # in order, each once
        for own in {id(member.preprocessing): member.preprocessing for member in self.members}.values():
            for column, values in preprocessing.unknown_categories(own, rows).items():
                found.setdefault(column, {}).update(dict.fromkeys(values))
        return {column: tuple(values) for column, values in found.items()}

    def _rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        return series.unrolled(frame, self.preprocessing.columns.inputs)


def load_top_models(study: str | Path, count: int = 3, model: str = "") -> TopModels:
    """Reload the `count` best configurations of a study that have saved models, after checking every file of them.

    Networks that a function of the user's makes need its name, `module:function`, in `model`: it is imported then.
    """
    folder = Path(study)
    if not (folder / "ledger.jsonl").is_file():
        raise UserError(f"{folder} is no study folder", expected="a folder with ledger.jsonl", todo="check the path")
    if count < 1:
        raise UserError("At least one configuration has to be loaded", came=str(count))
    reading.plain(folder)
    repeats = journal.read(folder / "ledger.jsonl").repeats
    best = [summary for summary in _ranked(repeats) if digests_of(repeats, summary)]
    if not best:
        raise UserError(f"{folder} has no saved models yet", todo="let the search train at least one configuration")
    loaded = [load_members(folder_of(folder, each.key), digests_of(repeats, each), model) for each in best[:count]]
    members = tuple(member for _, each in loaded for member in each)
    return TopModels(tuple(summary.configuration for summary in best[:count]), members, loaded[0][0])


def digests_of(repeats: Iterable[Repeat], summary: Summary) -> Digests:
    """The models that the journal has of a configuration at the summary's number of epochs."""
    wanted = (summary.key, summary.epochs)
    return {
        repeat.training.index: repeat.model
        for repeat in repeats
        if repeat.model and (repeat.training.configuration.key, repeat.training.epochs) == wanted
    }


def ranking(study: Path) -> tuple[Summary, ...]:
    """The configurations of a study that were trained without fail at its full number of epochs, best first."""
    return _ranked(journal.read(study / "ledger.jsonl").repeats)


def _ranked(everything: Iterable[Repeat]) -> tuple[Summary, ...]:
    repeats = [repeat for repeat in everything if repeat.stage != "baseline"]
    epochs = max((repeat.training.epochs for repeat in repeats), default=0)
    by_key: dict[str, list[Any]] = {}
    for repeat in repeats:
        if repeat.training.epochs == epochs:
            by_key.setdefault(repeat.training.configuration.key, []).append(repeat)
    summaries = [summarise(each[0].training.configuration, epochs, each) for each in by_key.values()]
    return standing(summary for summary in summaries if summary.failures == 0)
