"""The building blocks of settings: types of values, headings in --help, and how lists are worded."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from pipeline.plugins import is_reference
from pipeline.space import nearest
from pipeline.tuning.strategies.options import Option


def _names(value: object) -> object:
    """One name, a comma-separated text of names, or a list of names (for names with commas in them)."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, list | tuple):
        return tuple(value)
    return value


def _pairs(value: object) -> object:
    """Parse a comma-separated text of name=value, or a table; values are read as TOML, or else as texts."""
    if not isinstance(value, str):
        return value
    pairs = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, sign, text = part.partition("=")
        if not sign:
            raise ValueError(f"expected name=value, several of them with commas between, instead of {part!r}")
        pairs[name.strip()] = _value(text.strip())
    return pairs


def _per_target(value: object) -> object:
    """Parse `value`, for all targets, or `TARGET=value, TARGET=value`; a table by target stays as it is.

    Raise ValueError for two values without a name. A name may have an equals sign in it, a value may not.
    """
    if isinstance(value, bool | int | float):
        return {"": value}
    if not isinstance(value, str):
        return value
    found: dict[str, object] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, _, text = part.rpartition("=")
        if name.strip() in found:
            raise ValueError(f"{part!r} is a second value for {name.strip() or 'all targets'}")
        found[name.strip()] = _value(text.strip())
    return found


def _costs(value: object) -> object:
    """Parse `TRUTH:PREDICTION=COST, ...` to a table of tables; one of these stays as it is, but for truth values.

    Raise ValueError for a pair that is given twice, and for names that have a separator in them.
    """
    if isinstance(value, str):
        found: dict[str, dict[str, object]] = {}
        for part in filter(None, (part.strip() for part in value.split(","))):
            pair, sign, text = part.rpartition("=")
            names = [name.strip() for name in pair.split(":")]
            if not sign or len(names) != 2 or not all(names):
                raise ValueError(
                    f"expected TRUTH:PREDICTION=COST instead of {part!r}; in a settings file a class may have any name:"
                    " [cost.TRUTH] and below it PREDICTION = COST, with quotes around names of other signs"
                )
            if names[1] in found.setdefault(names[0], {}):
                raise ValueError(f"{part!r} is a second cost of {pair.strip()}")
            found[names[0]][names[1]] = _value(text.strip())
        value = found
    if isinstance(value, Mapping):
        for row in value.values():
            if not isinstance(row, Mapping) or any(type(cost) not in (int, float) for cost in row.values()):
                raise ValueError("expected numbers by the true class and the one that is predicted, as no:yes=1")
    return value


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Pairs = Annotated[dict[str, bool | int | float | str], BeforeValidator(_pairs)]
PerTarget = Annotated[dict[str, bool | int | float | str], BeforeValidator(_per_target)]
Costs = Annotated[dict[str, dict[str, float]], BeforeValidator(_costs)]
Share = Annotated[float, Field(gt=0)]

COUNTED = {"repeats": 1, "max_repeats": 8, "elite": 2}  # defaults with --trainings, chosen by benchmark_search.py
COMMON = "Most used"  # the first heading of --help, for the ten most used settings
DATA, SEARCH, TRAINING, RUNNING = (f"Advanced: {each}" for each in ("data", "search", "training", "running"))
HEADINGS = (COMMON, DATA, SEARCH, TRAINING, RUNNING)


def setting(default: Any = ..., *, about: str, heading: str, hidden: bool = False, **bounds: Any) -> Any:
    """A field of the settings: its help text and its heading in --help; bounds are pydantic's."""
    return Field(default, description=about, json_schema_extra={"heading": heading, "hidden": hidden}, **bounds)


def listed(about: Mapping[str, str]) -> str:
    """`name (words), name (words)`."""
    return ", ".join(f"{name} ({words})" for name, words in about.items())


def either(names: Sequence[str]) -> str:
    """`one, two or three`."""
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def known(what: str, name: str, names: Collection[str]) -> str:
    """The name, if it is one of these or `module:object`; ValueError otherwise."""
    if name not in names and not is_reference(name):
        near = nearest(name, names)
        raise ValueError(f"expected {', '.join(names)}, or your own {what} as module:object{near and f'; {near}'}")
    return name


def option_fields(options: Iterable[Option]) -> dict[str, Any]:
    """The options of strategies as fields of a pydantic model: name -> type and field."""
    return {
        each.name: (each.kind, setting(each.default, about=each.help, heading=SEARCH, hidden=False, **each.bounds))
        for each in options
    }
