"""The strategy in the settings, with its options."""

from __future__ import annotations

from dataclasses import replace

from pydantic import (
    BaseModel,
    PydanticUserError,
    create_model,
)

from pipeline.errors import UserError
from pipeline.plugins import is_reference
from pipeline.settings.fields import option_fields
from pipeline.settings.reading import validated
from pipeline.settings.settings import Fixed, Settings
from pipeline.tuning.strategies.options import options_of
from pipeline.tuning.strategies.registry import load_strategy
from pipeline.tuning.strategies.strategy import Strategy


def strategy_of(settings: Settings) -> Strategy:
    """Make the strategy in the settings, with its options; the module of a user-defined one is imported.

    Raises:
        UserError: A `module:object` is not a strategy, or `strategy_options` are not options of it.
    """
    chosen = load_strategy(settings.strategy)
    if not is_reference(settings.strategy):
        return replace(chosen, **{each.name: getattr(settings, each.name) for each in options_of(chosen)})
    given = settings.strategy_options or {}
    try:
        options = options_of(chosen)
        schema: type[BaseModel] = create_model("Options", __config__=Fixed.model_config, **option_fields(options))
    except (NameError, TypeError, PydanticUserError) as error:
        raise UserError(
            f"The options of {settings.strategy} cannot be read",
            expected="fields of type bool, int, float or str, or a Literal of texts",
            got=str(error)[:300],
        ) from error
    parsed = validated(schema, given, "strategy option")
    try:
        return replace(chosen, **{each.name: getattr(parsed, each.name) for each in options})
    except UserError:
        raise
    except ValueError as error:  # of a strategy that checks its options itself
        raise UserError(f"The options of {settings.strategy} are wrong", got=str(error)[:500]) from error
