"""Settings read from a TOML file and the command line, and checked once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import (
    BaseModel,
    ValidationError,
)

from pipeline.errors import UserError
from pipeline.settings.settings import Settings
from pipeline.space import nearest, read_toml

Model = TypeVar("Model", bound=BaseModel)


def read(path: Path | None, options: Mapping[str, Any]) -> Settings:
    """Read settings from a file, if any; options that are not None override them. Raise UserError for a mistake."""
    values = read_toml(path, "settings") if path is not None else {}
    given = {name: value for name, value in options.items() if value is not None}
    return validated(Settings, {**values, **given}, "setting")


def validated(schema: type[Model], values: Mapping[str, Any], what: str) -> Model:
    """Check values with a pydantic model. Raise UserError for the first mistake; `what` is the word for a value."""
    known = schema.model_fields
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise UserError(
            f"There is no {what} {unknown[0]!r}",
            expected=", ".join(known) or "none",
            hint=nearest(unknown[0], known) or "remove it from the settings file",
        )
    for name, value in values.items():
        field = known[name]
        # Pydantic takes true for 1, and an empty path for the working directory.
        flag = isinstance(value, bool) and bool not in (field.annotation, *get_args(field.annotation))
        if flag or (value == "" and field.is_required()):
            raise UserError(f"The {what} {name} is wrong", expected=field.description or "", got=repr(value))
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raised = first.get("ctx", {}).get("error")
        if isinstance(raised, UserError):  # pydantic catches every ValueError of a validator
            raise raised from None
        name = str(first["loc"][0]) if first["loc"] else ""
        if first["type"] == "missing":
            raise UserError(
                f"The {what} {name} is missing",
                expected=known[name].description or "",
                hint=f"give --{name}, or put it into the settings file",
            ) from None
        text = str(first["msg"]).removeprefix("Value error, ")
        got = repr(first["input"]) if name else ""
        raise UserError(f"The {what} {name} is wrong: {text}" if name else text, got=got) from None
