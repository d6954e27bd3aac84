"""The strategies by name. A new one is a module with a `Strategy`, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipeline.errors import UserError
from pipeline.plugins import load_object
from pipeline.tuning.strategies.designs import Grid, LatinHypercube, RandomSearch, Sobol
from pipeline.tuning.strategies.gaussian_process import GaussianProcess
from pipeline.tuning.strategies.halving import Halving, Hyperband
from pipeline.tuning.strategies.options import Option, options_of
from pipeline.tuning.strategies.strategy import Strategy
from pipeline.tuning.strategies.two_stage import TwoStage

STRATEGIES: Final[Mapping[str, Strategy]] = {
    "two-stage": TwoStage(),
    "gp": GaussianProcess(),
    "random": RandomSearch(),
    "sobol": Sobol(),
    "latin-hypercube": LatinHypercube(),
    "grid": Grid(),
    "halving": Halving(),
    "hyperband": Hyperband(),
}
"""Name on the command line -> the strategy with the defaults of its options."""

DEFAULT: Final = "two-stage"

OPTIONS: Final[Mapping[str, Option]] = {
    each.name: each for strategy in STRATEGIES.values() for each in options_of(strategy)
}
"""The options of all strategies by name; each is a setting."""

_EXPECTED: Final = "a class that derives from pipeline.tuning.strategies.strategy.Strategy, or an object of one"


def load_strategy(name: str) -> Strategy:
    """The strategy of that name: one of `STRATEGIES`, or a user-defined `module:object`.

    Raises:
        UserError: The `module:object` does not name a strategy.
    """
    if name in STRATEGIES:
        return STRATEGIES[name]
    found = load_object(name, expected=_EXPECTED, what="strategy")
    if isinstance(found, type) and issubclass(found, Strategy):
        found = _made(name, found)
    if not isinstance(found, Strategy):
        raise UserError(f"{name} is not a strategy", expected=_EXPECTED, got=repr(found)[:300])
    return found


def _made(name: str, kind: type[Strategy]) -> Strategy:
    try:
        return kind()
    except TypeError as error:
        raise UserError(
            f"The strategy {name} cannot be made",
            expected="a dataclass whose fields all have defaults",
            got=str(error)[:500],
        ) from error
