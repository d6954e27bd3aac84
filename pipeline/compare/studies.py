"""One study for each method and seed, run like any other study, and its outcome, which is stored."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from pipeline import running_time
from pipeline.compare.borrowing import borrower, is_borrowed
from pipeline.compare.request import BASELINE
from pipeline.errors import UserError
from pipeline.ledger import journal
from pipeline.ranking.order import recommend
from pipeline.ranking.summaries import summarise
from pipeline.run.events import Asked, Event
from pipeline.run.launch import Finished, launch
from pipeline.run.prepare import prepare
from pipeline.run.prepared_run import PreparedRun
from pipeline.settings import Settings
from pipeline.storage import atomic
from pipeline.study_folder.layout import StudyFolder
from pipeline.trial import Configuration, Repeat, Summary, Trial

FORMAT: Final = 2


@dataclass(frozen=True, slots=True)
class Step:
    """The state of a search after an answer."""

    trainings: float  # so far, in full ones: a training of a tenth of the epochs is a tenth of a training
    seconds: float  # of training so far; borrowed results count with the seconds that they took
    score: float  # mean validation objective of the current recommendation; NaN before anything was trained twice


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one method with one seed."""

    method: str
    seed: int
    steps: tuple[Step, ...]
    configurations: int  # trained in full
    screened: int  # trained with fewer epochs
    borrowed: int  # trainings copied from another method's study
    trained: int  # trainings, of any number of epochs
    validation: float  # of the recommended configuration
    test: float
    default_validation: float  # of the default network with the same seed
    default_test: float
    default_trainings: int = 0  # in this mean: as many as the recommended configuration has
    default_seconds: float = 0.0  # of them all
    scores: dict[str, dict[str, float]] = field(default_factory=dict)  # on the test rows: output -> metric -> value
    measured: tuple[tuple[str, float], ...] = ()  # configuration as JSON, and mean objective of its full trainings
    seconds: float = math.nan  # wall time of the run that finished it

    @property
    def trainings(self) -> float:
        """The cost in full trainings."""
        return self.steps[-1].trainings if self.steps else 0.0

    @property
    def training_seconds(self) -> float:
        """The seconds of all its trainings."""
        return self.steps[-1].seconds if self.steps else 0.0

    def reached(self, score: float) -> Step | None:
        """The first step from which on the recommended configuration has that score until the end of the search."""
        kept = [step.score <= score for step in self.steps]
        if not kept or not kept[-1]:
            return None
        first = len(kept) - next((back for back, good in enumerate(reversed(kept)) if not good), len(kept))
        return self.steps[first]


@dataclass(slots=True)
class Watch:
    """The trials of a run in the order of the questions, without those of the default network."""

    trials: list[Trial] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        """Record an event."""
        if isinstance(event, Asked) and event.stage != BASELINE:
            self.trials += event.trials


def outcome_of(
    asked: Settings, method: str, lenders: Sequence[Path], say: Callable[[str], None], stop: Callable[[], bool]
) -> Outcome:
    """Run or resume one study; if it was finished before with the same settings, only read its outcome."""
    prepared = prepare(asked)
    known = _stored(asked.study, prepared)
    if known is not None:
        return known
    watch, began = Watch(), running_time.seconds()
    lend = partial(borrower, asked.study, lenders, prepared.identity.fingerprint)
    finished = launch(prepared, observe=watch, say=lambda text: say(f"  {text}"), stop=stop, lend=lend)
    repeats = journal.read(StudyFolder(asked.study).journal).repeats
    outcome = replace(judged(method, asked, finished, watch.trials, repeats), seconds=running_time.seconds() - began)
    content = {"format": FORMAT, "stamp": _stamp(asked.study, prepared), "outcome": asdict(outcome)}
    atomic.replace(StudyFolder(asked.study).outcome, json.dumps(content, indent=1).encode())
    return outcome


def judged(
    method: str, asked: Settings, finished: Finished, trials: Sequence[Trial], repeats: Sequence[Repeat]
) -> Outcome:
    """The figures of a finished study."""
    verdict, result = finished.contents.verdict, finished.contents.result
    best = next((each for each in verdict.best if _same(each.summary, result.recommended)), None)
    own = [each for each in repeats if each.stage != BASELINE]
    full = [each for each in finished.contents.ranking if each.stage not in (BASELINE, "imported")]
    default, theirs = verdict.default, [each for each in repeats if each.stage == BASELINE]
    return Outcome(
        method=method,
        seed=asked.seed,
        steps=tuple(steps_of(trials, repeats, asked.epochs)),
        configurations=len(full),
        screened=len({each.key for each in result.screened}),
        borrowed=sum(is_borrowed(each) for each in own),
        trained=len(own),
        validation=result.recommended.mean if result.recommended else math.nan,
        test=best.mean if best else math.nan,
        default_validation=result.baseline.mean,
        default_test=default.mean if default else math.nan,
        default_trainings=len(theirs),
        default_seconds=sum(each.seconds for each in theirs),
        scores={output: dict(each) for output, each in best.scores.items()} if best else {},
        measured=tuple((each.configuration.json, each.mean) for each in full if math.isfinite(each.mean)),
    )


def _same(one: Summary, other: Summary | None) -> bool:
    return other is not None and one.key == other.key


def steps_of(trials: Sequence[Trial], repeats: Sequence[Repeat], epochs: int) -> Iterator[Step]:
    """The states of the search after each answer, in the order of its questions; a training counts once."""
    known = {repeat.training.identity: repeat for repeat in repeats}
    counted: set[tuple[str, int, int]] = set()
    measured: dict[str, Summary] = {}
    spent, seconds = 0.0, 0.0
    for trial in trials:
        answer = [known[training.identity] for training in trial.trainings]
        for repeat in answer:
            if repeat.training.identity not in counted:
                counted.add(repeat.training.identity)
                spent += trial.epochs / epochs
                seconds += repeat.seconds
        if trial.epochs == epochs:
            measured[trial.configuration.key] = summarise(trial.configuration, epochs, answer)
        best = recommend(measured.values())
        yield Step(round(spent, 9), seconds, best.mean if best else math.nan)


def with_one_default(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes of one seed, all compared with the same trainings of the default network: the most that one has."""
    most = max(outcomes, key=lambda each: each.default_trainings)
    theirs = ("default_validation", "default_test", "default_trainings", "default_seconds")
    return [replace(each, **{name: getattr(most, name) for name in theirs}) for each in outcomes]


def baseline_of(one: Outcome) -> Outcome:
    """The default network of one seed as a method of its own, from a study that has trained it."""
    return replace(
        one,
        method=BASELINE,
        steps=(Step(float(one.default_trainings), one.default_seconds, one.default_validation),),
        configurations=1,
        screened=0,
        borrowed=0,
        trained=one.default_trainings,
        validation=one.default_validation,
        test=one.default_test,
        scores={},
        measured=(),
        seconds=math.nan,
    )


def _stamp(study: Path, prepared: PreparedRun) -> str:
    """The facts that an outcome depends on: the settings, the protocol and the journal."""
    asked = prepared.settings.model_dump(mode="json", exclude={"study", "slots"})
    text = json.dumps([asked, prepared.identity.fingerprint], sort_keys=True, default=str)
    return hashlib.sha256(text.encode() + StudyFolder(study).journal.read_bytes()).hexdigest()


def _stored(study: Path, prepared: PreparedRun) -> Outcome | None:
    try:
        content: dict[str, Any] = json.loads(StudyFolder(study).outcome.read_bytes())
        if (content["format"], content["stamp"]) != (FORMAT, _stamp(study, prepared)):
            return None
        raw = content["outcome"]
        steps = tuple(Step(**each) for each in raw.pop("steps"))
        measured = tuple((str(text), float(mean)) for text, mean in raw.pop("measured"))
        return Outcome(**raw, steps=steps, measured=measured)
    except UserError:
        raise
    except (OSError, ValueError, KeyError, TypeError):
        return None  # it is computed again from the journal


def relative(outcome: Outcome) -> Iterator[tuple[Configuration, float]]:
    """Every configuration with the logarithm of its error relative to the default network's on the same rows."""
    if outcome.default_validation > 0:
        for text, mean in outcome.measured:
            if mean > 0:
                yield Configuration.from_json(text), math.log(mean / outcome.default_validation)
