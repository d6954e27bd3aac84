"""The strategies by name. Another one is a new module that has a `Strategy`, and a line here."""

from __future__ import annotations

from importlib import import_module
from typing import Final, cast

from pipeline.tuning.strategies.strategy import Strategy

STRATEGIES: Final = {
    "two-stage": "two_stage:TWO_STAGE",
    "gp": "gaussian_process:GP",
    "random": "designs:RANDOM",
    "sobol": "designs:SOBOL",
    "latin-hypercube": "designs:LATIN_HYPERCUBE",
    "grid": "designs:GRID",
    "halving": "halving:HALVING",
    "hyperband": "halving:HYPERBAND",
}
"""Name on the command line -> module of this folder, and the strategy in it."""


def load_strategy(name: str) -> Strategy:
    """The strategy of that name, one of `STRATEGIES`."""
    module, _, constant = STRATEGIES[name].partition(":")
    return cast("Strategy", getattr(import_module(f"pipeline.tuning.strategies.{module}"), constant))
