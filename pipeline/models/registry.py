"""The models by name, and a user's own by the name of its function."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final, cast

from pipeline.models.custom_keras import Own
from pipeline.models.model import Model
from pipeline.plugins import is_reference

MODELS: Final[Mapping[str, str]] = {"mlp": "perceptrons", "convnet": "for images", "recurrent": "for series"}
"""Modules of this folder, each a `Model`, and their help texts. The first one is the default."""


def is_own(name: str) -> bool:
    """True for `module:function`, user-defined code, which only the user can name; False for a module of this folder.

    A study folder may come from a stranger: its model is compared with the one that the user names, and never imported
    on its own.
    """
    return is_reference(name)


def load(name: str) -> Model:
    """The module of that name in this folder, one of `MODELS`, or the model of a `module:function`."""
    if is_own(name):
        return Own(name)
    if name not in MODELS:
        raise ValueError(f"there is no model {name!r:.60}")
    return cast("Model", import_module(f"pipeline.models.{name}"))
