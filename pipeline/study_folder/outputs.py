"""Where a file that the user asks for may be written: never over an input, nor over a file of a study or a comparison.

Another file that stands there is replaced. What is written is what the ending says, so endings are checked here too.
"""

from __future__ import annotations

import stat
from collections.abc import Collection, Iterable
from pathlib import Path

from pipeline.errors import UserError
from pipeline.study_folder.comparison import NAMES, ComparisonFolder
from pipeline.study_folder.layout import StudyFolder, belongs_to_study


def check_output(path: Path, endings: Collection[str], inputs: Iterable[str | Path] = ()) -> None:
    """Check a path before anything is computed for it.

    Args:
        path: What the user asks for, however it is spelled: relative, through links, or in other letter case.
        endings: The endings of what can be written, in lower case, such as ".csv".
        inputs: Files that are read; those that do not exist are ignored, and so is what does not name a file at all.

    Raises:
        UserError: The ending is another one, the path is taken by something that is not a plain file or must not be
            written, it is one of the inputs, or its name belongs to a study or a comparison in whose folder it lies.
        OSError: The operating system refuses to look.
    """
    for each in (Path(each) for each in inputs if "\0" not in str(each)):
        if _same(path, each):
            raise UserError(
                f"The output {path} is an input",
                expected="a file that is not read, under any name",
                got=f"the same file as {each}",
                hint="give the output another name",
            )
    # A link in the path leads elsewhere, and a link at its end may lead to a file of a study.
    for whole in dict.fromkeys((path.parent.resolve() / path.name, path.resolve())):
        owner = _owner(whole)
        if owner is not None:
            raise UserError(
                f"The output {path} would overwrite what belongs to {owner}",
                expected="a file outside of it, or one with a name that the program does not use there",
                hint="give the output another name or another folder",
            )
    if path.exists():
        _check_replaceable(path)
    if path.suffix.lower() not in endings:
        raise UserError(
            f"{path} has an ending that nothing is written for",
            expected=f"a file that ends in {', '.join(endings)}",
            hint="choose the ending of the format that you want",
        )


def _same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:  # one of them is not there, or cannot be looked at: whoever reads it says so
        return False


def _check_replaceable(path: Path) -> None:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        what = "a folder" if stat.S_ISDIR(found.st_mode) else "not a plain file"
        raise UserError(f"{path} is {what}", expected="the name of a file to write", hint="name a file in it")
    if not found.st_mode & stat.S_IWUSR:
        raise UserError(f"{path} is read-only", hint="give the output another name, or let the file be written")


def _owner(path: Path) -> str | None:
    """The study or comparison to which a path belongs by its name; None where it belongs to nobody."""
    for folder in path.parents:
        first = path.relative_to(folder).parts[0]
        if belongs_to_study(first) and StudyFolder(folder).exists:
            return f"the study {folder}"
        if first.casefold() in NAMES and ComparisonFolder(folder).exists:
            return f"the comparison {folder}"
    return None
