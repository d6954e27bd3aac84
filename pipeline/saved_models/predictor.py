"""Predictors: the best networks of a study, reloaded as one, with predictions in original units."""

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
    """Networks of a study as one predictor: all repeats of its best configurations, or an ensemble.

    Attributes:
        configurations: The configurations of the networks, best first.
        members: The networks, one for each repeat.
        preprocessing: The preprocessing of the first member.
        times: How often each member counts in the mean; empty if each counts once.

    Example:
        >>> top = load_top_models("results/iris", 2)
        >>> top.classes
        ('setosa', 'versicolor', 'virginica')
        >>> top.predict_each(frame).shape  # 2 configurations of 3 repeats, 150 rows, 3 classes
        (6, 150, 3)
    """

    configurations: tuple[Configuration, ...]
    members: tuple[Member, ...]
    preprocessing: Preprocessing
    times: tuple[int, ...] = ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the predicted columns, at least one."""
        return self.preprocessing.target.names

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of their probabilities; empty for regression."""
        return self.preprocessing.target.labels

    def predict_each(self, frame: pd.DataFrame) -> np.ndarray:
        """Predict with every network.

        Args:
            frame: A table with the input columns of the study, in any order, unscaled; other columns are ignored. For
                a series, either its windows or the series itself in order of time.

        Returns:
            Predictions (members, rows, outputs), float64. For regression an output is a target, in original units; for
            classification it is the probability of a class, in the order of `classes`.

        Raises:
            UserError: The table lacks a column, has no rows, or has text or infinity where a number is needed.

        Example:
            >>> top.predict_each(frame).std(axis=0)  # how far the networks differ, (rows, outputs)
        """
        rows, predictions = self._rows(frame), []
        prepared: tuple[Preprocessing, np.ndarray] | None = None
        for member in self.members:
            own = member.preprocessing  # shared by all networks of a configuration, except with folds
            if prepared is None or prepared[0] is not own:
                prepared = own, own.inputs(rows)
            predictions.append(own.target.to_units(models.predict(member.network, prepared[1])))
        return np.stack(predictions)

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predict with all networks together.

        Args:
            frame: A table, as for `predict_each`.

        Returns:
            A table with the index of `frame`; for a series that is given as such, a row for each step that has a whole
            window before it, indexed by the position of that step. Its columns are, for regression, each output in
            original units (the mean over the networks) and `<output> spread` (their standard deviation). For
            classification they are the output (the class with the highest mean probability), `<output> probability
            <class>` for each class, and `<output> spread` (the standard deviation of that class's probability).

        Raises:
            UserError: As for `predict_each`.

        Example:
            >>> top.predict(pandas.DataFrame({"rooms": [3, 5], "town": ["A", "B"]}))
                   price  price spread
            0  231455.10       3120.75
            1  187702.33       2214.08
        """
        units = np.repeat(self.predict_each(frame), self.times or (1,), axis=0)
        return pd.DataFrame(self.preprocessing.target.table(units), index=self._rows(frame).index)

    def unknown_categories(self, frame: pd.DataFrame) -> dict[str, tuple[str, ...]]:
        """Find categories that did not occur in training; the networks treat them as none of the known ones.

        Args:
            frame: A table, as for `predict_each`.

        Returns:
            Column -> categories, for columns that have any. With folds, all categories that at least one of the
            networks was not trained with.

        Raises:
            UserError: As for `predict_each`.

        Example:
            >>> top.unknown_categories(pandas.DataFrame({"rooms": [3], "town": ["Z"]}))
            {'town': ('Z',)}
        """
        rows, found = self._rows(frame), dict[str, dict[str, None]]()  # in order, each once
        for own in {id(member.preprocessing): member.preprocessing for member in self.members}.values():
            for column, values in preprocessing.unknown_categories(own, rows).items():
                found.setdefault(column, {}).update(dict.fromkeys(values))
        return {column: tuple(values) for column, values in found.items()}

    def _rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        return series.unrolled(frame, self.preprocessing.columns.inputs)


def load_top_models(study: str | Path, count: int = 3, model: str = "", task: str = "") -> TopModels:
    """Reload the `count` best saved configurations, after checking every file; see `pipeline.load_top_models`."""
    if task:
        tasks.use(task, load_object)
    folder = StudyFolder(Path(study)).required()
    if count < 1:
        raise UserError("Too few configurations", expected="a count of at least 1", got=str(count))
    untrusted.plain(folder.path)
    known = open_study(folder.path)
    repeats = known.contents.repeats
    best = [each for each in known.best if digests_of(repeats, each)]
    if not best:
        raise UserError(
            f"{folder.path} has no saved models yet", hint="let the search train at least one configuration"
        )
    loaded = [load_members(folder.model(each.key), digests_of(repeats, each), model) for each in best[:count]]
    members = tuple(member for _, each in loaded for member in each)
    return TopModels(tuple(summary.configuration for summary in best[:count]), members, loaded[0][0])


def digests_of(repeats: Iterable[Repeat], summary: Summary) -> Digests:
    """The models that the journal has for a configuration at the summary's number of epochs."""
    wanted = (summary.key, summary.epochs)
    return {
        repeat.training.index: repeat.model
        for repeat in repeats
        if repeat.model and (repeat.training.configuration.key, repeat.training.epochs) == wanted
    }
