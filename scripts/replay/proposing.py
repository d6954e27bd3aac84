"""The cost of a proposal of stage 2 on one core, by the number of known configurations."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from pipeline.ranking.order import by_mean
from pipeline.ranking.summaries import summarise
from pipeline.space import Narrowing, Space, narrow, parse, sample
from pipeline.trial import Configuration, Repeat, Summary, Training
from pipeline.tuning.surrogate.proposals import known_of, propose

SIZES: Final = (20, 100, 400)
TO_REACH: Final = {100: 0.15, 400: 0.6}  # seconds
ROUNDS: Final = 15
SPACE: Final = {
    **{f"rate_{number}": {"type": "real", "low": 1e-5, "high": 1e-1, "scale": "log"} for number in range(3)},
    **{f"share_{number}": {"type": "real", "low": 0.0, "high": 0.6} for number in range(2)},
    **{f"units_{number}": {"type": "integer", "low": 8, "high": 512} for number in range(3)},
    "activation": {"type": "choice", "values": ["relu", "tanh", "swish"]},
}
"""Nine dimensions of every kind."""


def measure(console: Console) -> dict[str, float]:
    """Median and largest seconds of a proposal, the fit of the surrogate included."""
    table = Table("configurations known", "median, s", "largest, s", "to reach", title="A proposal in 9 dimensions")
    figures: dict[str, float] = {}
    with threadpool_limits(1):
        for size in SIZES:
            seconds = list(_proposals(parse(SPACE), size))
            middle, largest = statistics.median(seconds), max(seconds)
            figures |= {f"proposing_{size}_s": middle, f"proposing_{size}_s_high": largest}
            aim = TO_REACH.get(size)
            met = "" if aim is None else f"{aim:g}: {'reached' if middle <= aim else 'missed'}"
            table.add_row(str(size), f"{middle:.3f}", f"{largest:.3f}", met)
    console.print(table)
    return figures


def _proposals(space: Space, size: int) -> Iterator[float]:
    rng = np.random.default_rng(0)
    measured = [_measured(sample(space, rng), rng) for _ in range(size)]
    known_of(space, measured[:10], None)  # imports everything first, which is not part of a proposal
    parameters = None
    for number in range(ROUNDS):
        centre = by_mean(measured)[0].configuration
        began = time.perf_counter()
        known = known_of(space, measured, parameters)
        taken = {each.key for each in measured}
        box = narrow(space, centre, Narrowing())
        proposal = propose(box, space, known, taken, centre=centre, rng=np.random.default_rng(number))
        if number:
            yield time.perf_counter() - began
        parameters = known.parameters
        assert proposal is not None
        measured.append(_measured(proposal, rng))


def _measured(configuration: Configuration, rng: np.random.Generator) -> Summary:
    """A smooth valley with noise."""
    values = configuration.as_dict()
    error = 0.3 + 0.05 * rng.normal() + (0.2 if values["activation"] == "tanh" else 0.0)
    error += sum((np.log10(float(str(values[f"rate_{number}"]))) + 3) ** 2 / 20 for number in range(3))
    error += sum((float(str(values[f"units_{number}"])) - 200) ** 2 / 5e5 for number in range(3))
    return summarise(configuration, 1, [Repeat(Training(configuration, 1, 0), "explore", 0, abs(float(error)) + 0.01)])
