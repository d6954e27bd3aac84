"""Predict the validation and test rows with reloaded models, in a worker."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline import models, tasks
from pipeline.data.rows import load_rows, rows_file
from pipeline.plugins import load_object
from pipeline.saved_models.agreement import check_tested
from pipeline.saved_models.member_files import Digests, Member, load_members
from pipeline.saved_models.predictor import digests_of
from pipeline.storage.disk_space import unusable
from pipeline.study_folder.layout import StudyFolder
from pipeline.trial import Repeat, Summary


@dataclass(frozen=True, slots=True)
class Examined:
    """The predictions of a saved configuration, and its networks as Keras files."""

    indices: tuple[int, ...]  # of the repeats
    predictions: np.ndarray  # (repeats, test rows, outputs), scaled like the rows of repeat 0
    units: np.ndarray  # (repeats, test rows, predicted), in units
    validation: tuple[np.ndarray, ...]  # of each repeat (its validation rows, predicted), in units
    keras: Mapping[str, bytes]  # file name -> the network as a native Keras file

    @classmethod
    def of(cls, members: Sequence[Member], rows: Path, keras: Mapping[str, bytes], folds: int = 0) -> Examined:
        """Predict the rows of the study, which are in one file, or with folds in a file for each repeat.

        Raise StudyMismatch for a network that was made with other columns, classes or scales than the rows have.
        """
        own = load_rows(rows_file(rows, folds, 0))
        target, outputs, units, validated = own.target, [], [], []
        for member in members:
            own = load_rows(rows_file(rows, folds, member.index)) if folds else own
            check_tested(member.preprocessing, own, f"configuration {member.configuration.key}")
            scaled = models.predict(member.network, own.test.inputs)
            units.append(own.target.to_units(scaled))
            outputs.append(target.of_units(units[-1]) if folds else scaled)
            validated.append(own.target.to_units(models.predict(member.network, own.validation.inputs)))
        indices = tuple(member.index for member in members)
        return cls(indices, np.stack(outputs), np.stack(units), tuple(validated), keras)


@dataclass(frozen=True, slots=True)
class Examine:
    """A function for workers: from the key of a configuration to the predictions of its reloaded models.

    The models predict rows that they were not trained with: the test rows for the final scores, the validation rows
    to select an ensemble.
    """

    study: Path
    rows: Path
    digests: Mapping[str, Digests]  # by key
    model: str = ""  # the user's own function, as `module:function`
    folds: int = 0
    task: str = ""  # as the user named it

    @classmethod
    def of(
        cls,
        study: Path,
        repeats: Collection[Repeat],
        wanted: Iterable[Summary],
        model: str = "",
        folds: int = 0,
        *,
        task: str = "",
    ) -> Examine:
        """An instance for these configurations, which loads only models of the journal's repeats."""
        return cls(
            study, StudyFolder(study).rows, {each.key: digests_of(repeats, each) for each in wanted}, model, folds, task
        )

    def __call__(self, key: str) -> Examined:
        """Reload the models as any user would, predict, and write the networks as Keras files."""
        if self.task:
            tasks.use(self.task, load_object)
        folder = StudyFolder(self.study).model(key)
        _, members = load_members(folder, self.digests[key], self.model)
        kept = {folder.keras(member.index).name: _keras_file(member) for member in members}
        return Examined.of(members, self.rows, kept, self.folds)


def _keras_file(member: Member) -> bytes:
    """The network as a native Keras file, which Keras writes to a disk alone; UserError where that refuses."""
    network = models.load(member.model).build(member.configuration, member.signature, 0)
    network.set_weights(list(member.weights))
    try:
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "network.keras"
            network.save(path)
            return path.read_bytes()
    except OSError as error:
        raise unusable(Path(tempfile.gettempdir()), error) from error
