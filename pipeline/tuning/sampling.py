"""Stage 1: random configurations, each tried once in the life of a study."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from pipeline.space import Space, stream
from pipeline.trial import Configuration

STREAM = 1  # the branch of the study's seed that the random configurations come from


def explore(space: Space, count: int, *, seed: int, known: Iterable[str]) -> tuple[Configuration, ...]:
    """The first `count` configurations of the study's random stream, none of them known; fewer when the space ends.

    `known` are keys of configurations that are not to be drawn. A larger count begins with the same configurations.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, STREAM]))
    return tuple(itertools.islice(stream(space, rng, known), count))
