"""Classification: one column of classes with names, predicted as a probability of each, judged by the log loss."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Final

import numpy as np

from pipeline.errors import UserError
from pipeline.tasks import probabilities, weighted
from pipeline.tasks.asked import Asked
from pipeline.tasks.class_measures import MEASURES, USUAL
from pipeline.tasks.measures import named
from pipeline.tasks.number_measures import MEASURES as NUMBERS
from pipeline.tasks.task import Columns, Task, spread

BINARY, CATEGORICAL = "binary_crossentropy", "categorical_crossentropy"
MOST_CLASSES: Final = 200
_LISTED: Final = 8  # classes named in a line


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of one column, by name; a network gives their logits, or for two classes the second one's alone."""

    names: tuple[str, ...]  # of the one column
    labels: tuple[str, ...]  # as texts: numbers by size, others by alphabet
    frequencies: tuple[float, ...]  # on the training rows, by their weights; they sum to 1
    outputs: int
    measure: str = ""  # of `MEASURES`, where it is not the log loss

    @property
    def task(self) -> Task:
        """Classification, judged by the measure of the study."""
        return _judged_task(self.measure) if self.measure else TASK

    @property
    def words(self) -> str:
        """The column and its classes, with their frequencies on the training rows."""
        shares = zip(self.labels[:_LISTED], self.frequencies, strict=False)
        listed = ", ".join(f"{label} {100 * share:.3g} %" for label, share in shares)
        more = f" and {len(self.labels) - _LISTED} more" if len(self.labels) > _LISTED else ""
        return f"{self.names[0]}, {len(self.labels)} classes ({listed}{more} of the training rows)"

    def measured(self, columns: Columns) -> np.ndarray:
        """The position of each row's class, float64 (n, 1); UserError for a class that the training rows lack."""
        (name,) = self.names
        places = {label: place for place, label in enumerate(self.labels)}
        strange = sorted({str(each) for each in columns[name]} - places.keys())
        if strange:
            raise UserError(
                f"Class {strange[0]!r} of {name!r} is not among the training rows",
                expected="rows of every class among them",
                hint="use more rows, merge rare classes, or remove their rows",
            )
        return np.array([[float(places[str(each)])] for each in columns[name]])

    def to_scaled(self, measured: np.ndarray) -> np.ndarray:
        """0 or 1 for the second of two classes, or else a 1 in the place of the class and 0 elsewhere."""
        places = np.asarray(measured, dtype=np.float64)
        if self.outputs == 1:
            return places
        hot: np.ndarray = (places == np.arange(len(self.labels))).astype(np.float64)
        return hot

    def to_units(self, scaled: np.ndarray) -> np.ndarray:
        """The probability of each class, float64 (..., classes), of logits (..., outputs)."""
        return probabilities.of_logits(scaled)

    def of_units(self, units: np.ndarray) -> np.ndarray:
        """Logits (..., outputs) of probabilities (..., classes), bounded where one is too small for a float."""
        logs = np.log(np.maximum(units, np.finfo(np.float64).tiny))
        logits: np.ndarray = logs[..., 1:] - logs[..., :1] if self.outputs == 1 else logs
        return logits

    def constant(self, measured: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The logits of the classes' frequencies, which have the least log loss of all constants."""
        del measured, weights  # the frequencies count rows by their own weights, without those of the classes
        logs = np.log(np.asarray([self.frequencies]))
        return np.asarray(logs[:, 1:] - logs[:, :1]) if self.outputs == 1 else logs

    def objective(self, scaled: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
        """The log loss (cross-entropy, natural logarithm) of logits (n, outputs), weighted by row."""
        return weighted.mean(probabilities.log_losses(scaled, predicted), weights)

    def pairs(self, measured: np.ndarray, units: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """The column, the positions of its classes (n,), and probabilities (n, classes)."""
        yield self.names[0], np.asarray(measured)[:, 0].astype(int), units

    def row_errors(self, measured: np.ndarray, units: np.ndarray) -> np.ndarray:
        """The log loss of each row, bounded where a probability is too small for a float."""
        found = np.take_along_axis(units, np.asarray(measured).astype(int), axis=-1)[..., 0]
        errors: np.ndarray = -np.log(np.maximum(found, np.finfo(np.float64).tiny))
        return errors

    def table(self, units: np.ndarray) -> dict[str, np.ndarray]:
        """The likeliest class, the probability of each class, and the spread of the likeliest one's over networks."""
        mean = units.mean(axis=0)
        likeliest = mean.argmax(axis=1)
        (name,) = self.names
        columns = {name: np.asarray(self.labels, dtype=object)[likeliest]}
        columns |= {f"{name} probability {label}": mean[:, place] for place, label in enumerate(self.labels)}
        columns[f"{name} spread"] = np.take_along_axis(spread(units), likeliest[:, np.newaxis], axis=1)[:, 0]
        return columns

    def describe(self) -> dict[str, Any]:
        """Its fields, and that they are those of classes."""
        return {
            "task": TASK.name,
            "names": list(self.names),
            "labels": list(self.labels),
            "frequencies": list(self.frequencies),
            "outputs": self.outputs,
            **({"measure": self.measure} if self.measure else {}),
        }


def fit(columns: Columns, weights: np.ndarray, _scaler: str, loss: str, *, measure: str = "") -> Classes:
    """Learn the classes and their frequencies from the training rows; UserError for fewer than two, or too many."""
    ((name, texts),) = columns.items()
    labels = _sorted({str(text) for text in texts})
    if not 2 <= len(labels) <= MOST_CLASSES:
        raise UserError(
            f"Target {name!r} has {len(labels)} class(es) on the {len(texts)} training rows",
            expected=f"2 to {MOST_CLASSES} classes",
            hint="use more rows" if len(labels) < 2 else "merge rare classes, or use --task regression for numbers",
        )
    counts = np.array([np.sum(np.asarray(weights, dtype=np.float64)[texts == label]) for label in labels])
    if not (counts > 0).all():
        raise UserError(
            f"All training rows of class {labels[int(np.argmin(counts))]!r} have weight 0",
            expected="weights above 0 in every class",
            hint="remove those rows, or use more rows",
        )
    outputs = 1 if loss == BINARY else len(labels)
    return Classes((name,), labels, tuple(map(float, counts / counts.sum())), outputs, measure)


def wanted(asked: Asked) -> Task:
    """Classification with the user's options; UserError for those that numbers alone have."""
    named(MEASURES, asked.objective, USUAL, NUMBERS, "classes")
    if not asked.only_the_objective:
        raise UserError(
            "Classes have no transform, target weights or tolerance",
            expected="--target-transform, --judge-on, --target-weights and --tolerance for numbers alone",
            hint="leave them out, or use --task regression for numbers",
        )
    measure = "" if asked.objective in ("auto", USUAL) else asked.objective
    return replace(TASK, fit=partial(fit, measure=measure)) if measure else TASK


@cache
def _judged_task(measure: str) -> Task:
    return TASK.judged_by(MEASURES[measure])


def _sorted(labels: set[str]) -> tuple[str, ...]:
    """By size where all are numbers, or else by alphabet: "nan" has no size, and would leave the order to the set."""
    try:
        sizes = {label: float(label) for label in labels}
    except ValueError:
        return tuple(sorted(labels))
    if any(map(math.isnan, sizes.values())):
        return tuple(sorted(labels))
    return tuple(sorted(labels, key=lambda label: (sizes[label], label)))


def restore(about: Mapping[str, Any]) -> Classes:
    """The target that was described; ValueError or TypeError for anything else."""
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in about.items()}
    found = Classes(**given)
    names, labels, shares = found.names, found.labels, found.frequencies
    if not all(isinstance(each, tuple) for each in (names, labels, shares)):
        raise ValueError("its classes are not lists")
    if len(names) != 1 or not all(isinstance(each, str) for each in (*names, *labels)):
        raise ValueError("its classes have no names")
    if not 2 <= len(labels) == len(set(labels)) <= MOST_CLASSES or len(shares) != len(labels):
        raise ValueError("its classes are not distinct, or have no frequencies")
    if not all(type(each) is float and 0 < each < 1 for each in shares) or not math.isclose(sum(shares), 1):
        raise ValueError("the frequencies of its classes do not sum to 1")
    if type(found.outputs) is not int or found.outputs not in ({1, 2} if len(labels) == 2 else {len(labels)}):
        raise ValueError("its outputs do not belong to the classes")
    if found.measure not in ("", *MEASURES):
        raise ValueError("its measure is none of classes")
    return found


def loss(setting: str, columns: Columns) -> str:
    """The cross-entropy that fits the number of classes; UserError for one that does not, or a loss of numbers."""
    (texts,) = columns.values()
    two = len(set(texts.tolist())) == 2
    if setting == "auto":
        return BINARY if two else CATEGORICAL
    if setting not in (BINARY, CATEGORICAL) or (setting == BINARY and not two):
        raise UserError(
            f"The loss {setting} is not one of {len(set(texts.tolist()))} classes",
            expected=f"{CATEGORICAL}{f' or {BINARY}' if two else ''}",
            hint="take --loss auto",
        )
    return setting


def weigh(measured: np.ndarray, weights: np.ndarray, setting: str) -> np.ndarray:
    """The weights of the training rows, 1 on average; "balanced" gives all classes the same sum."""
    if setting == "none":
        return weights
    places = measured[:, 0].astype(int)
    sums = np.bincount(places, weights=np.asarray(weights, dtype=np.float64))
    balanced = np.asarray(weights, dtype=np.float64) / sums[places]
    return np.asarray(balanced / balanced.mean(), dtype=np.float32)


def accepts(kinds: Sequence[str]) -> str | None:
    """A single column of truth values, and texts; of several columns the check says that they are too many."""
    if [*kinds] == ["truth"]:
        return "true and false are classes"
    return "texts are classes" if "text" in kinds else None


def check(columns: Columns) -> None:
    """Raise UserError for several columns, for a single class, and for too many of them."""
    if len(columns) > 1:
        raise UserError(
            f"{', '.join(map(repr, columns))} cannot be classified together",
            expected="one target of classes, or several of numbers",
            hint="name one of them as the target and the others in `ignore`",
        )
    ((name, texts),) = columns.items()
    distinct = len(set(texts.tolist()))
    if not 2 <= distinct <= MOST_CLASSES:
        raise UserError(
            f"Target {name!r} has {distinct} distinct value(s)",
            expected=f"2 to {MOST_CLASSES} classes",
            hint="merge rare classes, or use --task regression for numbers" if distinct > 2 else "use more rows",
        )


TASK: Final = Task(
    name="classification",
    takes="texts and truth values",
    targets="texts",
    objective="log loss",
    about="log loss",
    metrics=probabilities.METRICS,
    constant="class frequencies",
    constantly="predicting the class frequencies of the training rows",
    predicts="classes and their probabilities",
    stratified=True,
    losses=(BINARY, CATEGORICAL),
    weightings=("none", "balanced"),
    report="pipeline.report.tasks.classification",
    accepts=accepts,
    check=check,
    loss=loss,
    fit=fit,
    weigh=weigh,
    restore=restore,
    measures=MEASURES,
    chances=True,
    asked=wanted,
)
