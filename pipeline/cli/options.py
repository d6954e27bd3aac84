"""Settings as options of the command line: each is declared once, in `pipeline.settings`."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.settings import Names, described

# The types that options have, and what --help calls them.
SHOWN = {list[str]: "names", str: "text", Path: "path", int: "number", float: "number"}


def path_of(text: str) -> Path:
    """A path as it is typed: `~` is the home folder, and an empty text, of an unset variable perhaps, is a mistake."""
    if not text.strip():
        raise typer.BadParameter("the path is empty")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # ~nobody
        raise typer.BadParameter(str(error)) from error


def takes_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes `**options` an option for each setting, and `--settings` for a settings file."""
    signature = inspect.Signature(list(_parameters()))
    command.__signature__ = signature  # type: ignore[attr-defined]  # typer reads the options from it
    command.__annotations__ = {name: each.annotation for name, each in signature.parameters.items()}
    return command


def given(options: dict[str, Any]) -> dict[str, Any]:
    """The options as settings: None for those that were not given, several names as one text."""
    return {name: _joined(value) if isinstance(value, list | tuple) else value for name, value in options.items()}


def _joined(names: typing.Sequence[str]) -> str | None:
    return ",".join(names) if names else None


def _parameters() -> Iterator[inspect.Parameter]:
    file = typer.Option(
        "--settings", help="TOML file of settings; options given here win", metavar="<path>", parser=path_of
    )
    yield _parameter("settings", Annotated[Path | None, file])
    for each in described():
        kind = _kind(each.kind)
        option = typer.Option(
            "--" + each.name.replace("_", "-"),
            # Not in brackets: in a help text they are markup.
            help=f"{each.about} (default: {each.default})" if each.default else each.about,
            rich_help_panel=each.heading,
            metavar=None if kind is bool else f"<{SHOWN[kind]}>",
            hidden=each.hidden,
            parser=path_of if kind is Path else None,
        )
        yield _parameter(each.name, Annotated[kind | None, option])


def _parameter(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _kind(annotation: Any) -> Any:
    """The type as which an option is parsed; texts for choices, which the settings check."""
    if annotation == typing.get_args(Names)[0]:
        return list[str]
    if isinstance(annotation, types.UnionType):
        annotation = next(each for each in typing.get_args(annotation) if each is not types.NoneType)
    return annotation if annotation in (*SHOWN, bool) else str
