"""Files that a user asks a command for: paths are checked before anything is computed, and files are written whole.

A file is what its ending says: .csv has commas, .tsv and .txt have tabs, .xlsx is a workbook, .parquet a Parquet file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pipeline.errors import UserError
from pipeline.storage import atomic, disk_space
from pipeline.study_folder import identity
from pipeline.study_folder.layout import StudyFolder
from pipeline.study_folder.outputs import check_output

TABLES: Final = (".csv", ".tsv", ".txt", ".xlsx", ".parquet")


def table_writer(path: Path, source: str | Path, study: Path) -> Callable[[Any], None]:
    """Check where a table of predictions may be written, and return what writes a DataFrame there.

    Args:
        path: The file that the user asks for.
        source: The file with the rows to predict, which is not overwritten.
        study: The study that predicts; neither are its data and its search space.

    Raises:
        UserError: The table cannot be written there, or the ending says nothing that is written.
    """
    inputs = (Path(source).expanduser(), *_inputs_of(study))
    with _told(path):
        check_output(path, TABLES, inputs)
        _check_folder(path)
    return lambda frame: _write_table(path, frame)


def check_file(path: Path, endings: Collection[str], inputs: Collection[str | Path] = ()) -> None:
    """Raise UserError unless a file with one of these endings may be written there; see `check_output`."""
    with _told(path):
        check_output(path, endings, inputs)


def check_json(path: Path, inputs: Collection[str | Path] = ()) -> None:
    """Raise UserError unless a JSON file may be written there; its folder is made where it is missing."""
    check_file(path, (".json",), inputs)


def write_json(path: Path, content: Mapping[str, Any], *, sort_keys: bool = True) -> None:
    """Write JSON that a reader can look at, and make the folder where it is missing; UserError where it cannot be."""
    with _told(path):
        atomic.make_folder(path.parent)
        atomic.replace_text(path, json.dumps(content, indent=1, sort_keys=sort_keys) + "\n")


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tell what the operating system refuses as a UserError."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {disk_space.reason_of(error)}", hint=disk_space.advice_for(error)
        ) from error


def _check_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise UserError(
            f"{path} cannot be written: there is no folder {path.parent}", hint="make the folder, or name another one"
        )


def _inputs_of(study: Path) -> tuple[Path, ...]:
    """The files that a study was made of, as its settings name them; none of a study that cannot be read."""
    try:
        settings = identity.read(StudyFolder(study).identity).settings
    except UserError:
        return ()  # whatever loads the models says so
    named = (settings.get(name) for name in ("data", "validation_data", "test_data", "space"))
    return tuple(Path(each).expanduser() for each in named if isinstance(each, str))


def _write_table(path: Path, frame: Any) -> None:
    from pipeline.data import writers  # deferred with pandas, as what writes workbooks: mistakes are named at once

    ending = path.suffix.lower()
    with _told(path):
        if ending in writers.SEPARATORS:
            atomic.replace_text(path, writers.text(frame, ending))
        elif ending == ".parquet":
            atomic.replace(path, writers.parquet(frame))
        else:
            from pipeline.workbook import plain_table

            plain_table.write(path, "Predictions", writers.columns(frame))
