"""Predictors: the best networks of a study, reloaded as one, with predictions in original units."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline import models, tasks
from pipeline.data import preprocessing, unlike
from pipeline.data.new_rows import NewRows, new_rows
from pipeline.data.preprocessing import Preprocessing
from pipeline.data.unlike_words import sentences
from pipeline.errors import UnlikeTrainingWarning, UserError
from pipeline.ledger.known import open_study
from pipeline.plugins import load_object
from pipeline.saved_models.agreement import Agreement
from pipeline.saved_models.decisions import decision_of
from pipeline.saved_models.member_files import Digests, Member, load_members
from pipeline.storage import untrusted
from pipeline.study_folder.layout import StudyFolder
from pipeline.tasks import Decision, decisions
from pipeline.trial import Configuration, Repeat, Summary


@dataclass(frozen=True, slots=True)
class TopModels:
    """Networks of a study as one predictor: all repeats of its best configurations, or an ensemble.

    Attributes:
        configurations: The configurations of the networks, best first.
        members: The networks, one for each repeat.
        preprocessing: The preprocessing of the first member.
        times: How often each member counts in the mean; empty if each counts once.
        decision: How classes are decided and probabilities calibrated; None for the likeliest class by probabilities as
            the networks give them, and where numbers are predicted.
        about: The same in a sentence; empty where there is nothing to say.

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
    decision: Decision | None = None
    about: str = ""

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
                a series, either its windows or the series itself with its time column, by which it is sorted.

        Returns:
            Predictions (members, rows, outputs), float64. For regression an output is a target, in original units; for
            classification it is the probability of a class, in the order of `classes`, as the network gives it. A
            series has a row for each row of `frame`, in the order of `frame`, and then one for each step after its end,
            as many as the horizon; rows without a whole window before them, the first in time, are NaN.

        Raises:
            UserError: The table lacks a column, has no rows, or has text or infinity where a number is needed; the
                times of a series cannot be read as in training, or occur twice.

        Warns:
            UnlikeTrainingWarning: Some rows are unlike the training rows: see `unknown_categories` and
                `unlike_training`, which say the same as values.

        Example:
            >>> top.predict_each(frame).std(axis=0)  # how far the networks differ, (rows, outputs)
        """
        rows = self._new_rows(frame)
        return rows.aligned(self._predictions(rows))

    def _predictions(self, rows: NewRows) -> np.ndarray:
        """What every network predicts for the rows that it needs (members, rows, outputs)."""
        cells, predictions = self._cells(rows.frame), []
        self._warn(cells)
        prepared: tuple[Preprocessing, np.ndarray] | None = None
        for member in self.members:
            own = member.preprocessing  # shared by all networks of a configuration, except with folds
            if prepared is None or prepared[0] is not own:
                prepared = own, own.scaled(cells, rows.places)
            predictions.append(own.target.to_units(models.predict(member.network, prepared[1])))
        return np.stack(predictions)

    def _warn(self, cells: pd.DataFrame) -> None:
        """Warn of rows that are unlike the training rows, once for a call."""
        own = self._preprocessings
        told = sentences(unlike.unknown_categories(own, cells), unlike.unlike(own, cells))
        if told:
            # 4: who called `predict` or `predict_each`
            warnings.warn("; ".join(told), UnlikeTrainingWarning, stacklevel=4)

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predict with all networks together.

        Args:
            frame: A table, as for `predict_each`.

        Returns:
            A table with the index of `frame`, and for a series with further rows, see below. Its columns are, for
            regression, each output in original units (the mean over the networks) and `<output> spread` (their standard
            deviation). For classification they are the output (the class that is decided on), `<output> probability
            <class>` for each class, and `<output> spread` (the standard deviation of that class's probability). The
            probabilities are means, calibrated if the study has a calibration for these networks; the class is the
            likeliest one, or the one of least expected cost, or as a threshold says: see `decision` and `about`.

            A series that is given as such ends with a row for each step after its end; they are labelled by the next
            numbers where `frame` has the default index, and else by "+1", "+2" and so on. Rows without a whole window
            before them, the first in time, are NaN. A study of an earlier version, which does not know its time column,
            takes the rows as in order of time, and returns only those that have a window, indexed by their positions.

        Raises:
            UserError: As for `predict_each`.

        Warns:
            UnlikeTrainingWarning: As for `predict_each`.

        Example:
            >>> top.predict(pandas.DataFrame({"rooms": [3, 5], "town": ["A", "B"]}))
                   price  price spread
            0  231455.10       3120.75
            1  187702.33       2214.08
        """
        rows = self._new_rows(frame)
        units = np.repeat(self._predictions(rows), self.times or (1,), axis=0)
        target = self.preprocessing.target
        return rows.answer(decisions.table(target, units, self.decision) if self.decision else target.table(units))

    def unknown_categories(self, frame: pd.DataFrame) -> dict[str, tuple[str, ...]]:
        """Find categories that did not occur in training; the networks treat them as none of the known ones.

        Args:
            frame: A table, as for `predict_each`.

        Returns:
            Column -> categories, for columns that have any; a column of a series is named once. With folds, all
            categories that at least one of the networks was not trained with.

        Raises:
            UserError: As for `predict_each`.

        Example:
            >>> top.unknown_categories(pandas.DataFrame({"rooms": [3], "town": ["Z"]}))
            {'town': ('Z',)}
        """
        return unlike.unknown_categories(self._preprocessings, self._typed(frame))

    def unlike_training(self, frame: pd.DataFrame) -> dict[str, unlike.Unlike]:
        """Find numbers that are unlike those of the training rows: what networks predict from them is a guess.

        Args:
            frame: A table, as for `predict_each`.

        Returns:
            Column -> how it differs, for columns that do: in how many rows it is missing though it never was in
            training, in how many it is far outside of the range of the training rows, and these values and that range;
            see `pipeline.data.unlike.Unlike`. A column of a series is named once, for all steps of its windows. With
            folds, the rows count that are unlike the training rows of at least one of the networks. Studies of before
            do not have the range, and neither have images.

        Raises:
            UserError: As for `predict_each`.

        Example:
            >>> top.unlike_training(pandas.DataFrame({"rooms": [3, 900], "town": ["A", "A"]}))
            {'rooms': Unlike(missing=0, outside=1, values=(900.0,), low=1.0, high=12.0)}
        """
        return unlike.unlike(self._preprocessings, self._typed(frame))

    @property
    def _preprocessings(self) -> tuple[Preprocessing, ...]:
        return tuple({id(member.preprocessing): member.preprocessing for member in self.members}.values())

    def _typed(self, frame: pd.DataFrame) -> pd.DataFrame:
        return self._cells(self._rows(frame))

    def _cells(self, rows: pd.DataFrame) -> pd.DataFrame:
        known: dict[str, set[str]] = {}
        for each in self._preprocessings:
            for name, categories in preprocessing.known_categories(each).items():
                known.setdefault(name, set()).update(categories)
        return preprocessing.typed(rows, self.preprocessing.columns, known)

    def _rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        return self._new_rows(frame).frame

    def _new_rows(self, frame: pd.DataFrame) -> NewRows:
        return new_rows(frame, self.preprocessing.columns)


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
    digests = {each.key: digests_of(repeats, each) for each in best[:count]}
    loaded = [load_members(folder.model(key), each, model) for key, each in digests.items()]
    members = tuple(member for _, each in loaded for member in each)
    check_together(folder, known.stored.fingerprint, members)
    networks = [(key, index, digest, 1) for key, each in digests.items() for index, digest in each.items()]
    decision, about = decision_of(folder, known.stored, networks, loaded[0][0].target)
    return TopModels(
        configurations=tuple(summary.configuration for summary in best[:count]),
        members=members,
        preprocessing=loaded[0][0],
        decision=decision,
        about=about,
    )


def check_together(folder: StudyFolder, fingerprint: Mapping[str, Any], members: Iterable[Member]) -> None:
    """Raise StudyMismatch unless these networks can predict together: all are of that study, and mean the same."""
    agreement = Agreement(fingerprint)
    for member in members:
        agreement.add(folder.model(member.configuration.key).path, member.model, member.preprocessing)


def digests_of(repeats: Iterable[Repeat], summary: Summary) -> Digests:
    """The models that the journal has for a configuration at the summary's number of epochs."""
    wanted = (summary.key, summary.epochs)
    return {
        repeat.training.index: repeat.model
        for repeat in repeats
        if repeat.model and (repeat.training.configuration.key, repeat.training.epochs) == wanted
    }
