"""Options of a strategy: fields of its frozen dataclass, which the settings parse and `--help` lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, get_type_hints

_HELP: Final = "help"
_BOUNDS: Final = "bounds"


def option(default: Any, *, help: str, **bounds: float) -> Any:  # noqa: A002 the word for it
    """A field of a strategy that the user can set.

    Args:
        default: The value if the user gives none.
        help: One line for `--help`.
        **bounds: Limits of a number: any of ge, gt, le, lt.
    """
    return field(default=default, metadata={_HELP: help, _BOUNDS: bounds})


@dataclass(frozen=True, slots=True)
class Option:
    """An option for the settings; `kind` is bool, int, float, str or a Literal of texts, or one of these or None."""

    name: str
    kind: Any
    default: Any
    help: str
    bounds: Mapping[str, float]


def options_of(strategy: Any) -> tuple[Option, ...]:
    """The options of a strategy, a dataclass instance whose values are the defaults."""
    kinds = get_type_hints(type(strategy))
    return tuple(
        Option(
            each.name,
            kinds[each.name],
            getattr(strategy, each.name),
            each.metadata.get(_HELP, ""),
            each.metadata.get(_BOUNDS, {}),
        )
        for each in fields(strategy)
    )
