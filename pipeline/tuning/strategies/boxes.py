"""Searches in boxes that move with the best configuration; the leader is retrained, so that luck does not win.

The surrogate is a Gaussian process of everything measured, inside the boxes and outside; see
`pipeline.tuning.surrogate.proposals`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from pipeline.ranking.order import ranked
from pipeline.space import Choice, Domain, Integer, Narrowing, Real, Space, contains, narrow
from pipeline.trial import Configuration, Evaluate, Summary, Trial
from pipeline.tuning.confirming import RESERVED
from pipeline.tuning.racing import duel, leader_repeats, race, trained, trials_again
from pipeline.tuning.stages import Refined, Refining, Say, Search
from pipeline.tuning.surrogate.proposals import Known, known_of, propose

BRANCH: Final = 2  # the branch of the study's seed for proposals
SUCCESSES: Final = 2  # in a row before a box is doubled
MISSES: Final = 6  # in a row before it is halved
WIDEST: Final = 64.0  # smallest factor, relative to the first box
NARROWEST: Final = 1 / 16


def search(
    asked: Refining,
    history: Sequence[Summary],
    evaluate: Evaluate,
    say: Say,
    *,
    narrowing: Narrowing,
    shares_best: bool = True,
) -> Refined:
    """Search around the elite, and retrain the leader before anything new is tried.

    The searches take turns and learn from each other; a known configuration is never proposed. The proposals depend
    only on the arguments and the answers. A search without an unknown configuration within reach ends with a notice.
    `history` is everything measured before the searches were first begun; `asked.found` may have more.
    """
    searches = _Searches(asked, history, evaluate, say, narrowing=narrowing, shares_best=shares_best)
    boxes = [_Box(each, {each.key}) for each in asked.elite]
    searches.run(boxes)
    measured = searches.measured
    found = tuple(
        Search(box.elite, box.seen or searches.box_of(box), tuple(measured[key] for key in box.found)) for box in boxes
    )
    return Refined(found if asked.budget.max_calls else (), tuple(measured.values()), searches.ended)


@dataclass(slots=True)
class _Box:
    """The box of a search: re-centred on its best, wider after successes, narrower after misses."""

    elite: Summary
    own: set[str] = field(default_factory=set)
    found: list[str] = field(default_factory=list)
    factor: float = 1.0
    successes: int = 0
    misses: int = 0
    open: bool = True
    seen: Space | None = None  # that contains all its boxes so far

    def learn(self, better: bool, tried: int) -> None:
        """Count the successes and misses of a round."""
        self.successes = self.successes + 1 if better else 0
        self.misses = 0 if better else self.misses + tried
        if self.successes >= SUCCESSES:
            self.factor, self.successes = min(WIDEST, 2 * self.factor), 0
        if self.misses >= MISSES:
            self.factor, self.misses = max(NARROWEST, self.factor / 2), 0


class _Searches:
    """The shared state of the searches: everything measured, the surrogate, and the trainings made."""

    def __init__(
        self,
        asked: Refining,
        history: Sequence[Summary],
        evaluate: Evaluate,
        say: Say,
        *,
        narrowing: Narrowing,
        shares_best: bool,
    ) -> None:
        self._space, self._budget, self._limits = asked.space, asked.budget, asked.limits
        self._evaluate, self._say = evaluate, say
        self._narrowing, self._shares_best = narrowing, shares_best
        self._known = {each.key for each in asked.found}
        self._counters = {parameter.per for parameter in asked.space.parameters if parameter.per}
        self._used = 0  # trainings
        self._still = 0  # rounds in a row whose expected improvement was below the noise
        self._surrogate: Known | None = None
        self._predicted: Mapping[str, tuple[float, float]] = {}
        self.ended = ""
        self.measured: dict[str, Summary] = {}
        self._learn(history, fit=True)

    def run(self, boxes: Sequence[_Box]) -> None:
        """Run all rounds, and the race at the end."""
        reserved = self._limits.reserved
        for turn in range(self._budget.max_calls):
            self._race(self._progress(turn))
            if self._limits.met(self._within().values()):
                self._settle()  # a mean of few trainings may be luck
            self.ended = self._end(boxes)
            if self.ended or self._progress(turn) >= 1.0 - RESERVED:
                break
            self._round(boxes, turn)
        else:
            reserved = ""
        if boxes:
            self._settle()
        self.ended = self.ended or self._end(boxes) or reserved or "all rounds of proposals are done"

    def _settle(self) -> None:
        """Retrain the leader and its challengers until one leads clearly or has all its trainings."""
        race(self._within(), self._budget.contender_repeats, self._leaders, self._again, self._budget.elite)
        duel(self._within(), self._budget.contender_repeats, self._again, self._budget.elite)

    def box_of(self, box: _Box) -> Space:
        """The current narrowed space of a search."""
        return narrow(self._space, self._centre(box).configuration, self._narrowing.scaled(box.factor))

    def _end(self, boxes: Sequence[_Box]) -> str:
        reached = self._limits.reached(self._used, self._still, self._within().values())
        return reached or ("" if any(box.open for box in boxes) else "everything within reach is known")

    def _progress(self, turn: int) -> float:
        by_rounds = turn / self._budget.max_calls * (1.0 - RESERVED)
        limits = self._limits
        # With a budget of trainings, the rounds only end a stage that proposes nothing.
        return limits.progress(self._used) if limits.trainings is not None else max(by_rounds, limits.progress(0))

    def _learn(self, answers: Iterable[Summary], *, fit: bool = False) -> None:
        """Add answers; with `fit`, also fit the parameters of the surrogate again."""
        self.measured |= {each.key: each for each in answers}
        before = self._surrogate.parameters if self._surrogate else None
        self._surrogate = known_of(self._space, self.measured.values(), before, fit=fit)
        self._predicted = self._surrogate.predictions()

    def _ranked(self, summaries: Iterable[Summary]) -> list[Summary]:
        """The ranking by the predictions of the surrogate, so that neither luck nor the unknown leads."""

        def place(summary: Summary) -> tuple[bool, bool, float, float, str]:
            failed, mean, key = summary.order
            predicted, _ = self._predicted.get(key, (mean, 0.0))
            return failed, key not in self._predicted, predicted, mean, key

        return sorted(summaries, key=place)

    def _depth(self, configuration: Configuration) -> list[object]:
        return [configuration[name] for name in sorted(self._counters)]

    def _centre(self, box: _Box) -> Summary:
        """The best configuration that the box may move to: of all of the same depth, or of its own search."""
        depth = self._depth(box.elite.configuration)
        among = [
            each
            for each in self.measured.values()
            if contains(self._space, each.configuration)
            and (each.key in box.own or (self._shares_best and self._depth(each.configuration) == depth))
        ]
        return next(iter(self._ranked(among)), box.elite)

    def _race(self, progress: float) -> None:
        race(self._within(), leader_repeats(self._budget, progress), self._leaders, self._again, self._budget.elite)

    def _within(self) -> dict[str, Summary]:
        return {key: each for key, each in self.measured.items() if contains(self._space, each.configuration)}

    def _again(self, wanted: Sequence[Summary]) -> Sequence[Summary]:
        """Train each configuration once more per occurrence, as long as the budget lasts."""
        affordable = wanted[: self._limits.affordable(self._used, len(wanted))]
        return self._train(trials_again(affordable, self._budget.epochs)) if affordable else ()

    def _leaders(self, summaries: Iterable[Summary]) -> list[Summary]:
        """The configuration with the best prediction of the surrogate, and the one that would be recommended now."""
        every = list(summaries)
        return [*self._ranked(every)[:1], *ranked(every)[:1]]

    def _train(self, asked: Sequence[Trial]) -> tuple[Summary, ...]:
        before = {key: trained(each) for key, each in self.measured.items()}
        self._used += sum(each.repeats - before.get(each.configuration.key, 0) for each in asked)
        answers = self._evaluate(asked)
        self._learn(answers)
        return answers

    def _round(self, boxes: Sequence[_Box], turn: int) -> None:
        repeats = self._budget.repeats
        given = self._limits.trainings
        left = None if given is None else given - self._used
        count = self._budget.elite if left is None else max(1, min(self._budget.elite, left // repeats))
        leaders = [self._centre(box).key for box in boxes]
        asked = self._proposals(boxes, turn, count)
        if not asked:
            return
        self._count_still(asked[0][1])
        for box, configuration in asked:
            box.own.add(configuration.key)
            box.found.append(configuration.key)
        self._train([Trial(configuration, self._budget.epochs, repeats) for _, configuration in asked])
        self._race(self._progress(turn))
        new = {configuration.key for _, configuration in asked}
        for box, leader in zip(boxes, leaders, strict=True):
            tried = sum(each is box for each, _ in asked)
            if tried:
                now = self._centre(box).key
                box.learn(now != leader and now in new, tried)

    def _count_still(self, proposal: Configuration) -> None:
        """Count the rounds in which the expected gain of the first proposal is below the noise of the leader's mean."""
        leader = next(iter(ranked(self._within().values())), None)
        if leader is None or self._surrogate is None:
            return
        gain, noise = self._surrogate.improvement(proposal, leader)
        self._still = self._still + 1 if gain < noise else 0

    def _proposals(self, boxes: Sequence[_Box], turn: int, count: int) -> list[tuple[_Box, Configuration]]:
        self._learn((), fit=True)
        assert self._surrogate is not None
        known = self._surrogate
        taken = self._known | set(self.measured)
        asked: list[tuple[_Box, Configuration]] = []
        for number in range(count):
            candidates = [box for box in boxes if box.open]
            if not candidates:
                break
            box = candidates[number % len(candidates)]
            rng = np.random.default_rng(np.random.SeedSequence([self._budget.seed, BRANCH, turn, number]))
            narrowed = self.box_of(box)
            box.seen = narrowed if box.seen is None else _hull(box.seen, narrowed)
            proposal = propose(narrowed, self._space, known, taken, centre=self._centre(box).configuration, rng=rng)
            if proposal is None:
                self._widen(boxes, box)
                continue
            taken.add(proposal.key)
            asked.append((box, proposal))
            known = known.with_fantasy(proposal)
        return asked

    def _widen(self, boxes: Sequence[_Box], box: _Box) -> None:
        """Everything in the box is known: widen it in the next round, or end the search if that is impossible."""
        if self._narrowing.scaled(box.factor).fraction < 1.0 and box.factor < WIDEST:
            box.factor = min(2 * box.factor, WIDEST)
            return
        box.open = False
        number = next(number for number, each in enumerate(boxes, 1) if each is box)
        self._say(f"Search {number} ends after {len(box.found)} configurations: everything within its reach is known.")


def _hull(one: Space, other: Space) -> Space:
    """The smallest box that contains both; they have the same parameters."""
    return Space(
        tuple(
            replace(parameter, domain=_union(parameter.domain, other[parameter.name].domain))
            for parameter in one.parameters
        )
    )


def _union(one: Domain, other: Domain) -> Domain:
    if isinstance(one, Choice) or isinstance(other, Choice):
        return one
    low, high = min(one.low, other.low), max(one.high, other.high)
    if isinstance(one, Real):
        return Real(float(low), float(high), one.log)
    return Integer(int(low), int(high))
