"""What saved networks predict for rows that they were not trained with: validation rows, or all with folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline import saved_models
from pipeline.analysis.ensemble import Candidate
from pipeline.data.rows import Part, load_rows, rows_file

Answers = Mapping[str, saved_models.Examined]
"""The predictions of the reloaded networks of a configuration, by its key."""

Library = Sequence[tuple[str, int]]
"""A network that an ensemble may contain: key of the configuration and number of the repeat."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldOutRows:
    """Networks of a library, one by one or with folds in complete rounds, and their predictions for the same rows."""

    candidates: tuple[Candidate, ...]  # none with folds of which no round is complete: then there are no rows either
    measured: np.ndarray  # (n, columns)
    weights: np.ndarray  # (n,)
    rows: np.ndarray  # (n,) positions in the user's table


def library_of(answers: Answers) -> list[tuple[str, int]]:
    """All networks of some configurations, in their order."""
    return [(key, index) for key, answer in answers.items() for index in answer.indices]


def held_out(answers: Answers, validation: Part, examine: saved_models.Examine) -> HeldOutRows:
    """The held-out predictions of all networks of some configurations, placed as in their library.

    `validation` are the validation rows of the study, where it has no folds.
    """
    validated = [predictions for answer in answers.values() for predictions in answer.validation]
    if examine.folds:
        return complete_rounds(library_of(answers), validated, examine)
    candidates = tuple(Candidate((place,), predictions) for place, predictions in enumerate(validated))
    return HeldOutRows(candidates, validation.measured, validation.weights, validation.rows)


def complete_rounds(library: Library, validated: Sequence[np.ndarray], examine: saved_models.Examine) -> HeldOutRows:
    """With folds: a complete round predicts every row except the test rows, each by the network that held it out.

    So the networks of a round count together. `validated` are the predictions of each network for its own validation
    rows; the rows are in the order of the table.
    """
    rounds: dict[tuple[str, int], list[int]] = {}
    for place, (key, index) in enumerate(library):
        rounds.setdefault((key, index // examine.folds), []).append(place)
    complete = [places for places in rounds.values() if len(places) == examine.folds]
    if not complete:
        return HeldOutRows((), np.empty((0, 1)), np.empty(0), np.empty(0, np.int64))
    needed = sorted({library[place][1] for places in complete for place in places})
    validation = {index: load_rows(rows_file(examine.rows, examine.folds, index)).validation for index in needed}

    def in_order(places: Sequence[int], arrays: Sequence[np.ndarray]) -> np.ndarray:
        rows = np.concatenate([validation[library[place][1]].rows for place in places])
        return np.concatenate(arrays)[np.argsort(rows)]

    candidates = (
        Candidate(tuple(places), in_order(places, [validated[place] for place in places])) for places in complete
    )
    parts = [validation[library[place][1]] for place in complete[0]]
    measured, weights, rows = ([getattr(part, name) for part in parts] for name in ("measured", "weights", "rows"))
    return HeldOutRows(tuple(candidates), *(in_order(complete[0], each) for each in (measured, weights, rows)))
