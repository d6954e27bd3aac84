"""The request for a comparison, checked before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.errors import UserError
from pipeline.plugins import is_reference
from pipeline.settings import Settings, read
from pipeline.space import nearest
from pipeline.tuning.strategies.registry import STRATEGIES, load_strategy

BASELINE: Final = "baseline"  # the default network as a method of its own
DEFAULT_FILE: Final = Path("search_spaces/compare_california.settings.toml")  # in a clone of the repository
TRAININGS: Final = 40  # of each search, if neither the command nor the settings say how many
_NEEDED: Final = {"data": "--data", "target": "--target", "space": "--space", "study": "--folder"}


@dataclass(frozen=True, slots=True)
class Request:
    """The methods to compare, with at least one search among them, and their seeds."""

    base: Settings  # of every study, except for its strategy, seed and folder
    methods: tuple[str, ...]  # in the order of `all_methods`, and then those of the user's own
    seeds: tuple[int, ...]  # one or more, ascending
    score: float | None = None  # validation score to reach; None for the final score of random search

    @property
    def searches(self) -> tuple[str, ...]:
        """The methods that have a study of their own: all except the baseline, which every study trains."""
        return tuple(method for method in self.methods if method != BASELINE)


def all_methods() -> tuple[str, ...]:
    """The baseline, strategies that choose all configurations in advance, then those that learn from results."""
    return (BASELINE, *sorted(STRATEGIES, key=lambda name: load_strategy(name).proposes))


def request(
    file: Path | None,
    options: Mapping[str, Any],
    *,
    methods: Sequence[str] = (),
    seeds: int = 5,
    score: float | None = None,
) -> Request:
    """Check the request, and raise UserError for a mistake.

    Args:
        file: Settings of the studies; None for `DEFAULT_FILE`, which a clone of the repository has; elsewhere for none
            at all, if the options name everything that a study needs.
        options: Settings by name that override those of the file; None for those that were not given.
        methods: Names of `all_methods`, or strategies of the user's own as `module:object`; none for all known ones.
        seeds: Number of seeds, counted up from that of the settings.
        score: Validation score to reach.
    """
    chosen = _methods(methods)
    if seeds < 1:
        raise UserError("The number of seeds is wrong", expected="1 or more", got=str(seeds), hint="give --seeds 5")
    base = _settings(file, options)
    return Request(base, chosen, tuple(range(base.seed, base.seed + seeds)), score)


def _methods(names: Sequence[str]) -> tuple[str, ...]:
    known = all_methods()
    own = tuple(dict.fromkeys(name for name in names if name not in known))
    for name in own:
        if not is_reference(name):
            raise UserError(
                f"There is no method {name!r}",
                expected=f"{', '.join(known)}, or a strategy of yours as module:object",
                hint=nearest(name, known),
            )
        load_strategy(name)
    chosen = (*(method for method in known if method in names or not names), *own)
    if chosen == (BASELINE,):
        raise UserError(
            "The baseline is the default network that every study trains, so it needs a search to compare with",
            hint="add another method to --methods, for example random",
        )
    return chosen


def _settings(file: Path | None, options: Mapping[str, Any]) -> Settings:
    source = file if file is not None else _example(options)
    base = read(source, options)
    base = base if base.trainings else read(source, {**options, "trainings": TRAININGS})
    if base.trainings < 5 * base.repeats:
        raise UserError(
            f"{base.trainings} trainings are too few to compare searches that train everything {base.repeats} times",
            expected=f"at least {5 * base.repeats}",
            hint="give more --trainings",
        )
    return base


def _example(options: Mapping[str, Any]) -> Path | None:
    """The example of the checkout; elsewhere none, for options that name what a study cannot do without.

    Raise UserError, naming what is missing, for others.
    """
    if DEFAULT_FILE.is_file():
        return DEFAULT_FILE
    missing = [option for name, option in _NEEDED.items() if options.get(name) is None]
    if missing:
        raise UserError(
            f"No settings were given, and {_and(missing)} {'is' if len(missing) == 1 else 'are'} missing",
            expected=f"{_and([*_NEEDED.values()])}, or --settings with a file that has them",
            hint="give what is missing, or --settings study.toml, a file as for run (the example that stands in for"
            " both is in the folder of the program's source)",
        )
    return None


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
