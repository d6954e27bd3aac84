"""Options that the scripts share: files to write are checked before anything is measured for them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from pipeline.cli import outputs
from pipeline.errors import UserError
from pipeline.storage.streams import take_every_character


def json_path(text: str) -> Path:
    """The path of a JSON file to write, as the type of an option."""
    return _checked(Path(text).expanduser(), outputs.check_json)


def lines_path(text: str) -> Path:
    """The path of a file of JSON lines to go on with, as the type of an option."""
    return _checked(Path(text).expanduser(), lambda path: outputs.check_file(path, (".jsonl",)))


def picture_folder(text: str) -> Path:
    """The path of a folder for pictures, as the type of an option: no study may own what is written there."""
    folder = Path(text).expanduser()
    _checked(folder / "picture.png", lambda path: outputs.check_file(path, (".png",)))
    return folder


def parsed(options: argparse.ArgumentParser, words: object = None) -> argparse.Namespace:
    """The options of a command; from here on its output takes every character."""
    take_every_character()
    return options.parse_args(words)  # type: ignore[call-overload,no-any-return]


def _checked(path: Path, check: Callable[[Path], None]) -> Path:
    try:
        check(path)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return path
