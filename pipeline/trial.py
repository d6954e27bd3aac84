"""The words of the product, as frozen values; all other modules use them.

| word          | meaning                                                                                         |
|---------------|-------------------------------------------------------------------------------------------------|
| configuration | one immutable assignment of hyperparameters, sorted by name, plain Python values only           |
| training      | one configuration, an epoch limit and the index of its seed: what a worker does once            |
| repeat        | one training and what it scored: a fact, one line of the journal                                |
| trial         | a configuration at a fidelity (epochs) with a number of repeats: the question                   |
| summary       | the answer to a trial, derived from its repeats and never stored                                |
| job           | the trainings that a worker gets at once: a recipe, never arrays                                |
| strategy      | proposes trials and reads their summaries; it knows no files and no processes                   |
| study         | one data set, one search space, one protocol, one folder                                        |
| elite         | the configurations that stage 1 hands to stage 2                                                |
| slot          | one GPU or one set of CPU cores that exactly one worker process owns                            |
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Scalar = bool | int | float | str
Value = Scalar | tuple[Scalar, ...]
Stage = Literal["baseline", "explore", "refine", "imported"]


@dataclass(frozen=True, slots=True)
class Configuration:
    """Equal assignments are equal, hash alike and have the same key, in whatever order they were written."""

    items: tuple[tuple[str, Value], ...]
    _key: str = field(default="", init=False, repr=False, compare=False)  # computed once

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Configuration:
        """Convert a mapping, whose values may be numpy scalars and lists. Raise ValueError for other values."""
        return cls(tuple((name, _plain(name, values[name])) for name in sorted(values)))

    @classmethod
    def from_json(cls, text: str) -> Configuration:
        """Read back exactly what `json` wrote."""
        return cls.of(json.loads(text))

    def __eq__(self, other: object) -> bool:
        # 1, 1.0 and True are equal in Python, but different values with different keys here: compare the texts.
        if not isinstance(other, Configuration):
            return NotImplemented
        return self.items == other.items and repr(self.items) == repr(other.items)

    def __hash__(self) -> int:
        return hash(self.items)

    def __getitem__(self, name: str) -> Value:
        for key, value in self.items:
            if key == name:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.items)

    def as_dict(self) -> dict[str, Value]:
        """The assignment as a new dictionary, sorted by name."""
        return dict(self.items)

    @property
    def json(self) -> str:
        """Canonical text: sorted, without spaces, with floats that are read back bit by bit."""
        return json.dumps(self.as_dict(), allow_nan=False, separators=(",", ":"), ensure_ascii=False)

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits of the SHA-256 of `json`: the name of its row and its model folder."""
        if not self._key:
            object.__setattr__(self, "_key", hashlib.sha256(self.json.encode()).hexdigest()[:16])
        return self._key


def _plain(name: str, value: object) -> Value:
    if type(value) is str or type(value) is int:  # most values, of which a ledger has hundreds of thousands
        return value
    tolist = getattr(value, "tolist", None) if getattr(value, "shape", ()) else None  # an array
    value = tolist() if callable(tolist) else value
    if isinstance(value, list | tuple):
        return tuple(_scalar(name, element) for element in value)
    return _scalar(name, value)


def _scalar(name: str, value: object) -> Scalar:
    item = getattr(value, "item", None)
    plain = item() if callable(item) else value
    if isinstance(plain, bool | int):
        return plain
    if isinstance(plain, str):
        return str(plain)
    if isinstance(plain, float) and math.isfinite(plain):
        return plain + 0.0  # -0.0 becomes 0.0: one value, one key
    raise ValueError(f"{name} = {value!r} is not a finite number, a text or a truth value")


@dataclass(frozen=True, slots=True)
class Training:
    """One run of one configuration: at most `epochs` epochs, with the seed number `index` of the study."""

    configuration: Configuration
    epochs: int
    index: int

    @property
    def identity(self) -> tuple[str, int, int]:
        """Two trainings with the same identity are the same one, which is never trained twice."""
        return (self.configuration.key, self.epochs, self.index)


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker gets: the recipe of one or more trainings."""

    trainings: tuple[Training, ...]
    kind: str = ""  # jobs of one kind run best on one worker, which has compiled their program


@dataclass(frozen=True, slots=True)
class Repeat:
    """One training and its scores on the validation rows; either `objective` is a number or `error` has a text."""

    training: Training
    stage: Stage
    seed: int  # the first 32 bits of SeedSequence([study seed, index])
    objective: float | None  # mean over outputs, on scaled outputs; lower is better
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # output -> metric -> value, original units
    epochs_run: int = 0
    best_epoch: int = 0
    seconds: float = 0.0  # running time of this training
    slot: str = ""
    threads: int = 0  # intra-operation threads
    weights: int = 0  # number of trainable numbers of the network
    error: str = ""
    model: str = ""  # SHA-256 of the file with its weights
    program: str = ""  # program that trained it: another one may give other last bits,
    device: str = ""  # and so may another processor
    versions: str = ""  # or other versions of the packages
    started: str = ""  # wall clock when the training began, UTC, ISO 8601 with milliseconds; empty if unknown

    @property
    def failed(self) -> bool:
        """True for a training that diverged, raised or lost its worker."""
        return self.objective is None


@dataclass(frozen=True, slots=True)
class Imported:
    """A result from a workbook or another journal: it has neither repeats nor a saved model here."""

    configuration: Configuration
    epochs: int
    repeats: int
    mean: float
    std: float | None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """A question: how does this configuration score in `repeats` trainings of at most `epochs` epochs?"""

    configuration: Configuration
    epochs: int
    repeats: int

    @property
    def trainings(self) -> tuple[Training, ...]:
        """Its trainings, with the seeds 0, 1, 2, ... of the study, which are the same for every configuration."""
        return tuple(Training(self.configuration, self.epochs, index) for index in range(self.repeats))


@dataclass(frozen=True, slots=True)
class Summary:
    """The answer to a trial. `mean` is infinite if no repeat succeeded; deviations are None below two repeats."""

    configuration: Configuration
    stage: Stage
    epochs: int
    repeats: int  # successful ones
    failures: int
    mean: float
    std: float | None = None  # sample standard deviation, n - 1
    low: float | None = None  # 95 % interval of the mean, Student's t
    high: float | None = None
    best: float | None = None  # smallest objective of a repeat
    worst: float | None = None
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # means over the successful repeats
    epochs_run: float = 0.0
    seconds: float = 0.0
    weights: int = 0

    @property
    def key(self) -> str:
        """The key of the configuration."""
        return self.configuration.key

    @property
    def order(self) -> tuple[bool, float, str]:
        """Sort key, best first: configurations with a failed repeat come after all others; ties are broken by key."""
        return (self.failures > 0 or not math.isfinite(self.mean), self.mean, self.key)


Evaluate = Callable[[Sequence[Trial]], tuple[Summary, ...]]
"""Answer trials in their order, training only what no earlier call, run or process has trained."""


def plan(trials: Iterable[Trial], known: Iterable[Training]) -> tuple[Training, ...]:
    """The trainings that the trials need and that are not known, each once, in the order of the trials."""
    done = {training.identity for training in known}
    missing: dict[tuple[str, int, int], Training] = {}
    for trial in trials:
        for training in trial.trainings:
            if training.identity not in done:
                missing.setdefault(training.identity, training)
    return tuple(missing.values())
