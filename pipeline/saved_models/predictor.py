"""Predictors: the best networks of a study, reloaded, that answer together in original units."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import models, tasks
from pipeline.data import preprocessing, series
from pipeline.data.preprocessing import Preprocessing
from pipeline.errors import UserError
from pipeline.ledger.known import open_study
from pipeline.plugins import load_object
from pipeline.saved_models.member_files import Digests, Member, load_members
from pipeline.storage import untrusted
from pipeline.study_folder.layout import StudyFolder
from pipeline.trial import Configuration, Repeat, Summary


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
        return self.preprocessing.target.labels

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


def load_top_models(study: str | Path, count: int = 3, model: str = "", task: str = "") -> TopModels:
    """Reload the `count` best configurations of a study that have saved models, after checking every file of them.

    Networks that a function of the user's makes need its name, `module:function`, in `model`, and a task of the user's
    needs its `module:object` in `task`: these are imported then.
    """
    if task:
        tasks.use(task, load_object)
    folder = StudyFolder(Path(study)).required()
    if count < 1:
        raise UserError("At least one configuration has to be loaded", got=str(count))
    untrusted.plain(folder.path)
    known = open_study(folder.path)
    repeats = known.contents.repeats
    best = [each for each in known.ranking if not each.failures and digests_of(repeats, each)]
    if not best:
        raise UserError(
            f"{folder.path} has no saved models yet", hint="let the search train at least one configuration"
        )
    loaded = [load_members(folder.model(each.key), digests_of(repeats, each), model) for each in best[:count]]
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
