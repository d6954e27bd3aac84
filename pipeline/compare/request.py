"""What is asked of a comparison, checked before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.errors import UserError
from pipeline.settings import Settings, read
from pipeline.space import nearest
from pipeline.tuning.strategies.registry import STRATEGIES, load_strategy

BASELINE: Final = "baseline"  # the default network as a method of its own
DEFAULT_FILE: Final = Path("search_spaces/compare_california.settings.toml")  # of a checkout
TRAININGS: Final = 40  # of each search, where neither the command nor the settings say how many


@dataclass(frozen=True, slots=True)
class Request:
    """Methods to compare, at least one search among them, and the seeds that each of them gets."""

    base: Settings  # of every study, but for its strategy, seed and folder
    methods: tuple[str, ...]  # in the order of `all_methods`
    seeds: tuple[int, ...]  # one or more, ascending
    score: float | None = None  # validation score to reach; None for what random search ends with

    @property
    def searches(self) -> tuple[str, ...]:
        """The methods that have a study of their own: all but the baseline, which every study trains."""
        return tuple(method for method in self.methods if method != BASELINE)


def all_methods() -> tuple[str, ...]:
    """The baseline, strategies that choose everything beforehand, then those that learn from what they measured."""
    return (BASELINE, *sorted(STRATEGIES, key=lambda name: load_strategy(name).proposes))


def request(
    file: Path | None,
    options: Mapping[str, Any],
    *,
    methods: Sequence[str] = (),
    seeds: int = 5,
    score: float | None = None,
) -> Request:
    """Check what is asked for; UserError says what is wrong.

    Args:
        file: settings of the studies; None for `DEFAULT_FILE`, which a checkout has.
        options: settings by name that win over those of the file; None for what was not given.
        methods: names of `all_methods`; none for all of them.
        seeds: how many, from that of the settings upwards.
        score: validation score to reach.
    """
    chosen = _methods(methods)
    if seeds < 1:
        raise UserError("The number of seeds is wrong", expected="1 or more", got=str(seeds), hint="give --seeds 5")
    base = _settings(file, options)
    return Request(base, chosen, tuple(range(base.seed, base.seed + seeds)), score)


def _methods(names: Sequence[str]) -> tuple[str, ...]:
    known = all_methods()
    for name in names:
        if name not in known:
            near = nearest(name, known)
            raise UserError(f"There is no method {name!r}", expected=", ".join(known), hint=near)
    chosen = tuple(method for method in known if method in names or not names)
    if chosen == (BASELINE,):
        raise UserError(
            "The baseline is the default network that every study trains: it needs a search beside it",
            hint="name another method in --methods, random for instance",
        )
    return chosen


def _settings(file: Path | None, options: Mapping[str, Any]) -> Settings:
    if file is None and not DEFAULT_FILE.is_file():
        raise UserError(
            "No settings were given, and the example of the checkout is not here",
            expected=f"--settings, or {DEFAULT_FILE} below the working directory",
            hint="give --settings study.toml, a file with data, target, space and study",
        )
    source = file or DEFAULT_FILE
    base = read(source, options)
    base = base if base.trainings else read(source, {**options, "trainings": TRAININGS})
    if base.trainings < 5 * base.repeats:
        raise UserError(
            f"{base.trainings} trainings are too few to compare searches that train everything {base.repeats} times",
            expected=f"at least {5 * base.repeats}",
            hint="give more --trainings",
        )
    return base
