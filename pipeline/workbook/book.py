"""The workbook, drawn from the journal; the user's own changes are kept.

If it is open in Excel or LibreOffice, read-only, or changed so that it cannot be merged, it is left alone and the
results are written beside it. It is saved completely or not at all.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

from pipeline.errors import UserError
from pipeline.storage.untrusted import shown
from pipeline.study_folder.layout import beside
from pipeline.tasks import FIRST, Task
from pipeline.workbook import ooxml
from pipeline.workbook.columns import CONFIGURATIONS, KEY, LEAST, MEAN, MOST, STAGE, STD, Table, headed
from pipeline.workbook.import_rows import Found, Possible, unknown_results
from pipeline.workbook.merge import Unmergeable, draw, refresh
from pipeline.workbook.read import Cells, below, find_header, rows_below, written
from pipeline.workbook.sheets import tables
from pipeline.workbook.typed_cells import Typed, Wrong, configuration_of, learn, names_one
from pipeline.workbook.view import View

__all__ = ["View", "unknown", "write"]

Say = Callable[[str], None]
"""Shows the user a sentence."""


def _silent(_: str) -> None:
    """Shows nothing."""


def write(path: Path, view: View, say: Say = _silent) -> Path:
    """Bring the workbook up to date and return the path that was written: `path`, or a file beside it.

    That file is `NAME.pending.xlsx` while the workbook is open elsewhere or not writable; the next write to the
    workbook removes it. It is `NAME.fresh.xlsx` if the user changed the workbook so that a refresh would break it, or
    if a part of it cannot be read that its cells do not need. A file that is not a workbook is renamed to
    `NAME.damaged-N.xlsx`, and a new one is written. `say` gets a sentence that says which of these happened, and why.
    Raise OSError if the disk fails; the old workbook is then unchanged.
    """
    return _write(path, tables(view), say)


def _write(path: Path, made: Sequence[Table], say: Say) -> Path:
    reason = refused(path)
    if not reason:
        try:
            return _write_free(path, made, say)
        except PermissionError as error:
            reason = error.strerror or str(error)
    pending = beside(path, "pending")
    number = 2
    while refused(pending):
        pending = beside(path, f"pending-{number}")
        number += 1
    used = _write_free(pending, made, say)
    say(f"{path} cannot be written now ({reason}): until then the results are in {used}.")
    return used


def _write_free(path: Path, made: Sequence[Table], say: Say) -> Path:
    if path.exists() and not path.is_file():
        _set_aside(path, say)
    stamp = ooxml.stamp(path)
    if stamp is None or _redrawn(path, made):
        ooxml.save(_drawn(made), path, stamp, sealed=True)
        return _tidied(path)
    try:
        book = ooxml.load(path)
    except UserError:
        raise
    except ooxml.BROKEN as error:
        if ooxml.is_workbook(path):
            return _written_beside(path, made, f"a part of it cannot be read ({_first_line(error)})", say)
        _set_aside(path, say)
        ooxml.save(_drawn(made), path, None, sealed=True)
        return _tidied(path)
    try:
        _merge(book, made)
        ooxml.save(book, path, stamp, sealed=False)
    except UserError:
        raise
    except (Unmergeable, *ooxml.BROKEN) as reason:
        return _written_beside(path, made, str(reason), say)
    if book.gone:
        say(f"{path} had looks or properties that cannot be read ({', '.join(book.gone)}): they are plain or gone now.")
    return _tidied(path)


def _first_line(error: Exception) -> str:
    """What is wrong, without the program's own name for the place."""
    first = error.__cause__ or error
    return shown((str(first).splitlines() or [type(first).__name__])[0])


def _written_beside(path: Path, made: Sequence[Table], reason: str, say: Say) -> Path:
    used = _write(beside(path, "fresh"), _explained(made, path, reason), say)
    say(f"{path} was left as it is, because {reason}: the results are in {used}.")
    return used


def _merge(book: ooxml.Book, made: Sequence[Table]) -> None:
    if book.lost:
        raise Unmergeable(f"it holds things that would not survive ({book.lost})")
    if CONFIGURATIONS in book.sheets:
        _adopt(book.sheets[CONFIGURATIONS].grid, made[0])
    refresh(book, made)


def _adopt(grid: ooxml.Grid, table: Table) -> None:
    """Give rows that a user typed the keys of their configurations, so that they are completed and not repeated.

    A typed score of a configuration that was trained here in the meantime is not overwritten: the row stays as it is.
    """
    header = find_header(grid.numbered(), (KEY,))
    if header is None:
        return
    column = header.columns[KEY]
    keys = {row: written(grid.value(row, column)) for row in grid.rows if row > header.row and not grid.empty(row)}
    typed = sorted(row for row, key in keys.items() if not key)
    at, stage = table.headers.index(KEY), table.headers.index(STAGE)
    there = set(keys.values())
    absent = {str(row[at]): row[stage] == "imported" for row in table.rows if row[at] not in there}
    if not typed or not absent:
        return
    score = next(each.header for each in table.columns if each.group == "objective")
    rows = dict(below(grid.numbered(), header))
    known = learn(list(rows.items()))
    for row in typed:
        key = _key_of(rows[row], known)
        if key in absent and (absent[key] or score not in rows[row]):
            cells = grid.cells(row)
            cells[column] = (cells[column][0] if column in cells else 0, "s", key)
            grid.put(row, cells)
            del absent[key]


def _key_of(cells: Cells, known: Typed) -> str:
    """The key of a typed row's configuration; empty for a row of the user's own."""
    try:
        return configuration_of(cells, known).key if names_one(cells, known) else ""
    except Wrong:
        return ""


def _explained(made: Sequence[Table], path: Path, reason: str) -> tuple[Table, ...]:
    *others, study = made
    why = f"{path.name} was left as it is: {reason}"
    rows = (("written beside", why), *(row for row in study.rows if row[0] != "written beside"))
    return (*others, Table(study.title, study.columns, rows, study.identity))


def _drawn(made: Sequence[Table]) -> ooxml.Book:
    book = ooxml.Book.new("two-stage-search")
    for table in made:
        draw(book.add(table.title), table)
    return book


def _redrawn(path: Path, made: Sequence[Table]) -> bool:
    """True if the workbook is unchanged since it was drawn, and everything in it is in the new one."""
    table = made[0]
    at = table.headers.index(KEY)
    return ooxml.knows_only(path, CONFIGURATIONS, {str(row[at]) for row in table.rows})


def _tidied(path: Path) -> Path:
    """Remove the file written beside the workbook while that was not writable, unless a user edited it."""
    for name in ("pending", "fresh"):
        other = beside(path, name)
        if other.is_file() and not refused(other) and ooxml.untouched(other):
            other.unlink()
    return path


def refused(path: Path) -> str:
    """The reason why a file must not be replaced: it is open in Excel or LibreOffice, or read-only; else empty."""
    locks = (path.with_name(f"~${path.name}"), path.with_name(f".~lock.{path.name}#"))
    for lock in locks:
        if lock.exists():
            return f"it is open elsewhere, as {lock.name} shows"
    # Renaming over it would succeed, because only the permissions of the folder matter for that.
    return "it is read-only" if path.is_file() and not path.stat().st_mode & stat.S_IWUSR else ""


def _set_aside(path: Path, say: Say) -> None:
    number = 1
    while beside(path, f"damaged-{number}").exists():
        number += 1
    kept = path.rename(beside(path, f"damaged-{number}"))
    say(f"{path} is not a workbook any more: it was kept as {kept}, and a new one was written.")


def unknown(
    path: Path,
    known: Collection[str],
    epochs: int,
    *,
    task: Task = FIRST,
    possible: Possible = lambda _: "",
) -> Found:
    """The results with unknown keys in the sheet Configurations, in its order; none if the file is broken.

    A configuration is read from its exact text, or from its columns if a typed row has no text. `epochs` are those of
    the study, which results must have, and configurations that `possible` rejects are refused. Raise UserError naming
    all rows that are meant as results and are wrong; see `import_rows`.
    """
    known = frozenset(known)
    if not path.is_file() or ooxml.knows_only(path, CONFIGURATIONS, known):
        return Found()
    headers = {name: headed(name, task) for name in (MEAN, STD, LEAST, MOST)}
    try:
        rows = rows_below(path, CONFIGURATIONS, (headers[MEAN],))
        headless = not rows and bool(rows_below(path, CONFIGURATIONS, (KEY,)))
    except PermissionError as error:
        raise UserError(
            f"The workbook {path} cannot be read", got=str(error.strerror), hint="close it elsewhere and try again"
        ) from error
    except UserError:
        raise
    except ooxml.BROKEN:
        return Found()
    if headless:
        missing = f"The sheet {CONFIGURATIONS} of {path} has no column {headers[MEAN]}: none of its rows was imported."
        return Found(remarks=(missing,))
    plain = {header: name for name, header in headers.items()}
    named = [(at, {plain.get(name, name): cell for name, cell in cells.items()}) for at, cells in rows]
    return unknown_results(
        named, path, known, epochs, possible=possible, shown=partial(headed, task=task), kept=task.shown
    )
