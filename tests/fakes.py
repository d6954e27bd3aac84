"""What other tests share: a ledger in memory with an analytic objective in place of training, and small spaces."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.ranking.summaries import summarise, summarise_imported
from pipeline.space import Space, parse
from pipeline.training.protocol import Protocol, Trained
from pipeline.trial import Configuration, Imported, Job, Repeat, Stage, Summary, Training, Trial, plan
from pipeline.workers.pool import Workers
from pipeline.workers.slots import Slot
from scripts.faults.drawing import Inline

Objective = Callable[[Training], float | None]
"""What a training scores, None for one that fails; a function of the training alone, as real trainings are."""

NETWORKS: Mapping[str, object] = {
    "hidden_layers": {"type": "integer", "low": 0, "high": 3},
    "units": {"type": "integer", "low": 8, "high": 64, "per": "hidden_layers"},
    "learning_rate": {"type": "real", "low": 1e-4, "high": 1e-1, "scale": "log"},
    "dropout": {"type": "real", "low": 0.0, "high": 0.5},
    "batch_size": {"type": "integer", "low": 16, "high": 128, "step": 16},
    "activation": {"type": "choice", "values": ["relu", "tanh", "swish"]},
    "optimizer": "adam",
}
"""A space file with one entry of every kind."""

FEW: Mapping[str, object] = {
    "hidden_layers": {"type": "integer", "low": 1, "high": 2},
    "units": {"type": "integer", "low": 4, "high": 8, "step": 2, "per": "hidden_layers"},
    "activation": {"type": "choice", "values": ["relu", "tanh"]},
}
"""A space file with 24 configurations: 2 x (3 + 3 x 3)."""


def networks() -> Space:
    """The space of `NETWORKS`, which is infinite."""
    return parse(NETWORKS)


def few() -> Space:
    """The space of `FEW`, which has 24 configurations."""
    return parse(FEW)


def bowl(training: Training) -> float:
    """A smooth error above 0: units near 30, a learning rate near 0.01 and tanh are best; each seed has an offset."""
    values = training.configuration.as_dict()
    units = values.get("units", ())
    assert isinstance(units, tuple)
    widths = sum(((float(each) - 30.0) / 40.0) ** 2 for each in units) / max(1, len(units))
    rate = float(values.get("learning_rate", 0.01))  # type: ignore[arg-type]
    activation = 0.0 if values.get("activation") == "tanh" else 0.1
    offset = 0.02 * math.sin(1.0 + training.index)
    return 0.3 + widths + 0.1 * math.log10(rate / 0.01) ** 2 + activation + offset


def fails(training: Training) -> None:
    """Every training diverges."""


class Interrupted(Exception):
    """The run ends here, as it would by SIGKILL: what was committed stays, nothing else does."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A mark in the ledger: a stage that depends on these facts was begun here for the first time."""

    stage: Stage
    facts: Mapping[str, object]


@dataclass(slots=True)
class FakeLedger:
    """Offers `evaluate` and `begin` as `study.run` takes them, with a function in place of training.

    It keeps what a journal keeps, in the order in which it came about, and nothing else: hand `resumed()` to the next
    run. A training is counted each time that it is done, so doing one twice is seen.
    """

    objective: Objective = bowl
    imported: tuple[Imported, ...] = ()
    records: list[Repeat | Begun] = field(default_factory=list)
    trained: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    asked: list[tuple[Trial, ...]] = field(default_factory=list)  # by this run, in its order
    stop_after: int | None = None  # trainings of this run, then Interrupted
    shuffle: int | None = None  # a seed: the trainings of one call end in this order, not in the one of the plan
    _left: int | None = None
    _stage: Stage = "baseline"

    def __post_init__(self) -> None:
        self._left = self.stop_after

    @property
    def repeats(self) -> tuple[Repeat, ...]:
        """What was trained, in the order in which it ended."""
        return tuple(record for record in self.records if isinstance(record, Repeat))

    def resumed(self, *, stop_after: int | None = None, shuffle: int | None = None) -> FakeLedger:
        """The same ledger, for the next run; nothing of this run but what it committed."""
        return FakeLedger(
            self.objective,
            self.imported,
            list(self.records),
            Counter(self.trained),
            stop_after=stop_after,
            shuffle=shuffle,
        )

    def evaluate(self, trials: Sequence[Trial]) -> tuple[Summary, ...]:
        """Answer the trials in their order; raises Interrupted when `stop_after` trainings of this run are done."""
        self.asked.append(tuple(trials))
        rows = {row.configuration.key: row for row in self.imported}
        missing = plan(
            (trial for trial in trials if trial.configuration.key not in rows),
            (repeat.training for repeat in self.repeats),
        )
        order = np.arange(len(missing))
        if self.shuffle is not None:
            order = np.random.default_rng(self.shuffle + len(self.records)).permutation(len(missing))
        for position in order:
            self._train(missing[int(position)])
        known = {repeat.training.identity: repeat for repeat in self.repeats}
        return tuple(
            summarise_imported(rows[trial.configuration.key])
            if trial.configuration.key in rows
            else summarise(
                trial.configuration, trial.epochs, [known[training.identity] for training in trial.trainings]
            )
            for trial in trials
        )

    def _train(self, training: Training) -> None:
        if self._left == 0:
            raise Interrupted
        self._left = None if self._left is None else self._left - 1
        self.trained[training.identity] += 1
        value = self.objective(training)
        self.records.append(
            Repeat(
                training, self._stage, training.index, value, seconds=1.0, error="" if value is not None else "diverged"
            )
        )

    def begin(self, stage: Stage, facts: Mapping[str, object]) -> tuple[Summary, ...]:
        """Open a stage; what had been measured before it was first begun with these facts, sorted by key."""
        self._stage = stage
        mark = Begun(stage, dict(facts))
        if mark not in self.records:
            self.records.append(mark)
        groups: dict[tuple[str, int], list[Repeat]] = {}
        for record in self.records[: self.records.index(mark)]:
            if isinstance(record, Repeat):
                groups.setdefault((record.training.configuration.key, record.training.epochs), []).append(record)
        own = [summarise(each[0].training.configuration, epochs, each) for (_, epochs), each in groups.items()]
        keys = {summary.key for summary in own}
        others = [summarise_imported(row) for row in self.imported if row.configuration.key not in keys]
        return tuple(sorted((*own, *others), key=lambda summary: (summary.key, summary.epochs)))


def in_process(shuffle: int | None = None, count: int = 1) -> Workers:
    """Workers that work in this process, and end in the order of a seed where one is given; what a job raises, too."""
    return Workers(Inline([Slot("fake", (0,))] * count, shuffle=shuffle), stop=lambda: False)


@dataclass(frozen=True, slots=True)
class TrainedBy:
    """Trains jobs with an objective in place of a network."""

    objective: Objective

    @property
    def protocol(self) -> Protocol:
        """One training a job."""
        return Protocol(model="mlp", loss="mse", patience=1, min_delta=0.0, seed=0, space=few(), engine="keras")

    def __call__(self, job: Job) -> tuple[Trained, ...]:
        """The outcomes of the job's trainings, in its order."""
        scored = [(training, self.objective(training)) for training in job.trainings]
        return tuple(
            Trained(training, training.index, 1.0, 1, "" if value is not None else "diverged", value)
            for training, value in scored
        )


def summary_of(
    values: Mapping[str, object], *objectives: float | None, stage: Stage = "explore", epochs: int = 10
) -> Summary:
    """The summary of a configuration whose repeats scored these objectives, None for failed ones."""
    configuration = Configuration.of(values)
    repeats = [
        Repeat(Training(configuration, epochs, index), stage, index, value) for index, value in enumerate(objectives)
    ]
    return summarise(configuration, epochs, repeats)
