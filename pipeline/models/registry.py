"""The models by name, and a user's own by the name of its function."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final, cast

from pipeline.models.custom_keras import Own
from pipeline.models.model import Model, Signature
from pipeline.plugins import is_reference
from pipeline.trial import Configuration

MODELS: Final[Mapping[str, str]] = {"mlp": "perceptrons", "convnet": "for images", "recurrent": "for series"}
"""Modules of this folder, each a `Model`, and their help texts. The first one is the default."""


def is_own(name: str) -> bool:
    """True for `module:function`, user-defined code, which only the user can name; False for a module of this folder.

    A study folder may come from a stranger: its model is compared with the one that the user names, and never imported
    on its own.
    """
    return is_reference(name)


_ROWS: Final[Mapping[str, tuple[int, ...]]] = {"mlp": (), "convnet": (1, 1, 1), "recurrent": (1, 1)}  # any rows


def impossible(name: str, configuration: Configuration) -> str:
    """Why no network of a model of this folder can have a configuration; empty where one can, or nothing is known."""
    if name not in MODELS:
        return ""
    model = load(name)
    try:
        model.weight_shapes(configuration, Signature(1, 1, _ROWS[name]))
    except ValueError as error:
        return str(error)
    return ""


def load(name: str) -> Model:
    """The module of that name in this folder, one of `MODELS`, or the model of a `module:function`."""
    if is_own(name):
        return Own(name)
    if name not in MODELS:
        raise ValueError(f"there is no model {name!r:.60}")
    return cast("Model", import_module(f"pipeline.models.{name}"))
