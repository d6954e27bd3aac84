"""The network that one would train without a search. It competes under the same seeds as all others."""

from __future__ import annotations

from pipeline import models
from pipeline.space import Space
from pipeline.trial import Configuration


def default_network(model: str, space: Space) -> Configuration:
    """The default network of a model (`module:function` for a user-defined one) in a complete space.

    `tuning.study` trains it first, and at the end as often as the recommended configuration.
    """
    return models.load(model).baseline(space)
