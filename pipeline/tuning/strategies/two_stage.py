"""Stage 2: searches in narrowed spaces that move with the best, while the leader is trained until it is believed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.ranking.order import ranked
from pipeline.space import Choice, Domain, Integer, Narrowing, Real, Space, contains, narrow
from pipeline.trial import Configuration, Evaluate, Summary, Trial
from pipeline.tuning.racing import Race, duel, race, trained, trials_again
from pipeline.tuning.stopping import Limits
from pipeline.tuning.strategies.designs import at_random
from pipeline.tuning.strategies.strategy import Open, Refined, Refining, Say, Search, Strategy
from pipeline.tuning.surrogate.proposals import Known, known_of, propose

BRANCH = 2  # the branch of the study's seed that proposals come from
SUCCESSES = 2  # in a row, after which a box doubles
MISSES = 6  # in a row, after which it halves
RESERVED = 0.1  # part of stage 2 in which nothing new is tried: who leads is settled
WIDEST, NARROWEST = 64.0, 1 / 16  # factors of the first box


@dataclass(frozen=True, slots=True)
class Effort:
    """How much stage 2 tries."""

    race: Race
    epochs: int
    rounds: int  # of proposals
    width: int  # proposals of a round, shared by the searches
    limits: Limits = field(default_factory=Limits)  # that may end stage 2 before its rounds are over
    joint: bool = True  # one box around the best of all, instead of one for each search


@dataclass(slots=True)
class _Box:
    """Where a search looks: re-centred on its best, wider after successes, narrower after misses."""

    elite: Summary
    own: set[str] = field(default_factory=set)
    found: list[str] = field(default_factory=list)
    factor: float = 1.0
    successes: int = 0
    misses: int = 0
    open: bool = True
    seen: Space | None = None  # around everything that it looked at

    def learn(self, better: bool, tried: int) -> None:
        """Count what a round has brought."""
        self.successes = self.successes + 1 if better else 0
        self.misses = 0 if better else self.misses + tried
        if self.successes >= SUCCESSES:
            self.factor, self.successes = min(WIDEST, 2 * self.factor), 0
        if self.misses >= MISSES:
            self.factor, self.misses = max(NARROWEST, self.factor / 2), 0


def refine(
    space: Space,
    elite: Sequence[Summary],
    history: Sequence[Summary],
    evaluate: Evaluate,
    effort: Effort,
    *,
    known: Collection[str] = (),
    seed: int,
    narrowing: Narrowing,
    say: Callable[[str], None],
) -> Refined:
    """Search around the elite, never proposing what is known; the searches take turns and learn from each other.

    Known are the configurations of the history and the ones with the keys `known`, which came about after the searches
    were begun. The proposals are a function of the arguments and of the answers alone: equal history, equal proposals.
    A box that has no unknown configuration left ends its search, which is said.
    """
    stage = _Stage(space, history, evaluate, effort, known=set(known), seed=seed, narrowing=narrowing, say=say)
    boxes = [_Box(each, {each.key}) for each in elite]
    stage.run(boxes)
    searches = tuple(
        Search(box.elite, box.seen or stage.box_of(box), tuple(stage.measured[key] for key in box.found))
        for box in boxes
    )
    return Refined(searches if effort.rounds else (), tuple(stage.measured.values()), stage.ended)


def around(asked: Refining, begin: Open, evaluate: Evaluate, say: Say) -> Refined:
    """Stage 2 of the two-stage search: `refine` around the elite, or nothing where there is nothing to do."""
    race = asked.race
    if not asked.elite or not (asked.rounds or race.most > race.repeats):
        return Refined((), asked.found, asked.limits.met(asked.found) or "there was no stage 2")
    # Everything that the searches depend on: with other facts they are new searches, which learn from the earlier ones.
    facts: dict[str, object] = {
        "elite": [each.key for each in asked.elite],
        "space": str(asked.space),
        "repeats": race.repeats,
        "max_repeats": race.most,
        "narrowing": str(asked.narrowing),
    }
    if not asked.joint:
        facts["joint"] = False  # unsaid where it is as it always was
    history = begin(facts)
    return refine(
        asked.space,
        asked.elite,
        history,
        evaluate,
        Effort(race, asked.epochs, asked.rounds, asked.width, asked.limits, asked.joint),
        known={each.key for each in asked.found},
        seed=asked.seed,
        narrowing=asked.narrowing,
        say=say,
    )


TWO_STAGE = Strategy("drawn at random", at_random, around, explored=0.3, proposes=True)


class _Stage:
    def __init__(
        self,
        space: Space,
        history: Sequence[Summary],
        evaluate: Evaluate,
        effort: Effort,
        *,
        known: set[str],
        seed: int,
        narrowing: Narrowing,
        say: Callable[[str], None],
    ) -> None:
        self._space, self._evaluate, self._effort = space, evaluate, effort
        self._known, self._seed, self._narrowing, self._say = known, seed, narrowing, say
        self._counters = {parameter.per for parameter in space.parameters if parameter.per}
        self._spent = 0  # trainings
        self._still = 0  # rounds in a row whose expected improvement lay below the noise
        self._surrogate: Known | None = None
        self._believed: Mapping[str, tuple[float, float]] = {}
        self.ended = ""
        self.measured: dict[str, Summary] = {}
        self._learn(history, fit=True)

    def run(self, boxes: Sequence[_Box]) -> None:
        """All rounds, and the race at the end."""
        reserved = self._effort.limits.reserved
        for turn in range(self._effort.rounds):
            self._race(self._progress(turn))
            if self._effort.limits.met(self._within().values()):
                self._settle()  # a mean of few trainings may be a lucky one
            self.ended = self._end(boxes)
            if self.ended or self._progress(turn) >= 1.0 - RESERVED:
                break
            self._round(boxes, turn)
        else:
            reserved = ""
        if boxes:
            self._settle()
        self.ended = self.ended or self._end(boxes) or reserved or "all its rounds are made"

    def _settle(self) -> None:
        """Train who leads, and who may, until they are told apart or were trained as often as may be."""
        race(self._within(), self._effort.race.most, self._leaders, self._again, self._effort.width)
        duel(self._within(), self._effort.race.most, self._again, self._effort.width)

    def box_of(self, box: _Box) -> Space:
        """The narrowed space that a search looks at now."""
        return narrow(self._space, self._centre(box).configuration, self._narrowing.scaled(box.factor))

    def _end(self, boxes: Sequence[_Box]) -> str:
        reached = self._effort.limits.reached(self._spent, self._still, self._within().values())
        return reached or ("" if any(box.open for box in boxes) else "everything in its reach is known")

    def _progress(self, turn: int) -> float:
        by_rounds = turn / self._effort.rounds * (1.0 - RESERVED)
        limits = self._effort.limits
        # With a number of trainings the rounds only end what proposes nothing.
        return limits.progress(self._spent) if limits.trainings is not None else max(by_rounds, limits.progress(0))

    def _learn(self, answers: Iterable[Summary], *, fit: bool = False) -> None:
        """Take in what was measured; the surrogate's parameters are found anew where asked for."""
        self.measured |= {each.key: each for each in answers}
        before = self._surrogate.parameters if self._surrogate else None
        self._surrogate = known_of(self._space, self.measured.values(), before, fit=fit)
        self._believed = self._surrogate.believed

    def _ranked(self, summaries: Iterable[Summary]) -> list[Summary]:
        """Best first, by what the surrogate believes: a single lucky training does not lead, nor what it never saw."""

        def place(summary: Summary) -> tuple[bool, bool, float, float, str]:
            failed, mean, key = summary.order
            belief, _ = self._believed.get(key, (mean, 0.0))
            return failed, key not in self._believed, belief, mean, key

        return sorted(summaries, key=place)

    def _depth(self, configuration: Configuration) -> list[object]:
        return [configuration[name] for name in sorted(self._counters)]

    def _centre(self, box: _Box) -> Summary:
        """The best that the box may move to: of all with as many layers as its elite, or of its own search."""
        depth = self._depth(box.elite.configuration)
        among = [
            each
            for each in self.measured.values()
            if contains(self._space, each.configuration)
            and (each.key in box.own or (self._effort.joint and self._depth(each.configuration) == depth))
        ]
        return next(iter(self._ranked(among)), box.elite)

    def _race(self, progress: float) -> None:
        race(self._within(), self._effort.race.needed(progress), self._leaders, self._again, self._effort.width)

    def _within(self) -> dict[str, Summary]:
        return {key: each for key, each in self.measured.items() if contains(self._space, each.configuration)}

    def _again(self, wanted: Sequence[Summary]) -> Sequence[Summary]:
        """Train each as often again as it is named; those that can be afforded."""
        affordable = wanted[: self._effort.limits.affordable(self._spent, len(wanted))]
        return self._train(trials_again(affordable, self._effort.epochs)) if affordable else ()

    def _leaders(self, summaries: Iterable[Summary]) -> list[Summary]:
        """The one that the surrogate believes in, and the one that would be recommended now."""
        every = list(summaries)
        return [*self._ranked(every)[:1], *ranked(every)[:1]]

    def _train(self, asked: Sequence[Trial]) -> tuple[Summary, ...]:
        before = {key: trained(each) for key, each in self.measured.items()}
        self._spent += sum(each.repeats - before.get(each.configuration.key, 0) for each in asked)
        answers = self._evaluate(asked)
        self._learn(answers)
        return answers

    def _round(self, boxes: Sequence[_Box], turn: int) -> None:
        repeats = self._effort.race.repeats
        given = self._effort.limits.trainings
        left = None if given is None else given - self._spent
        width = self._effort.width if left is None else max(1, min(self._effort.width, left // repeats))
        leaders = [self._centre(box).key for box in boxes]
        asked = self._proposals(boxes, turn, width)
        if not asked:
            return
        self._weigh(asked[0][1])
        for box, configuration in asked:
            box.own.add(configuration.key)
            box.found.append(configuration.key)
        self._train([Trial(configuration, self._effort.epochs, repeats) for _, configuration in asked])
        self._race(self._progress(turn))
        new = {configuration.key for _, configuration in asked}
        for box, leader in zip(boxes, leaders, strict=True):
            tried = sum(each is box for each, _ in asked)
            if tried:
                now = self._centre(box).key
                box.learn(now != leader and now in new, tried)

    def _weigh(self, proposal: Configuration) -> None:
        """Count whether more can be expected of the first proposal than the noise of the leader's mean hides."""
        leader = next(iter(ranked(self._within().values())), None)
        if leader is None or self._surrogate is None:
            return
        gain, noise = self._surrogate.promise(proposal, leader)
        self._still = self._still + 1 if gain < noise else 0

    def _proposals(self, boxes: Sequence[_Box], turn: int, width: int) -> list[tuple[_Box, Configuration]]:
        self._learn((), fit=True)
        assert self._surrogate is not None
        known = self._surrogate
        taken = self._known | set(self.measured)
        asked: list[tuple[_Box, Configuration]] = []
        for number in range(width):
            candidates = [box for box in boxes if box.open]
            if not candidates:
                break
            box = candidates[number % len(candidates)]
            rng = np.random.default_rng(np.random.SeedSequence([self._seed, BRANCH, turn, number]))
            narrowed = self.box_of(box)
            box.seen = narrowed if box.seen is None else _hull(box.seen, narrowed)
            proposal = propose(narrowed, self._space, known, taken, centre=self._centre(box).configuration, rng=rng)
            if proposal is None:
                self._widen(boxes, box)
                continue
            taken.add(proposal.key)
            asked.append((box, proposal))
            known = known.believing(proposal)
        return asked

    def _widen(self, boxes: Sequence[_Box], box: _Box) -> None:
        """Nothing is unknown in the box: look further away in the next round, as long as there is a further."""
        if self._narrowing.scaled(box.factor).fraction < 1.0 and box.factor < WIDEST:
            box.factor = min(2 * box.factor, WIDEST)
            return
        box.open = False
        number = next(number for number, each in enumerate(boxes, 1) if each is box)
        self._say(f"Search {number} ends after {len(box.found)} configurations: everything in its reach is known.")


def _hull(one: Space, other: Space) -> Space:
    """The smallest box that has both; their parameters are the same."""
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
