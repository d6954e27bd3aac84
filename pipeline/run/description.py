"""The description of a run, printed before it begins."""

from __future__ import annotations

from pipeline import space
from pipeline.data.duplicates import equal_rows
from pipeline.data.new_categories import new_categories
from pipeline.data.times import in_words
from pipeline.run.prepared_run import PreparedRun
from pipeline.run.understood import LISTED, understood


def describe(prepared: PreparedRun) -> tuple[str, ...]:
    """What a prepared run is going to do, one line for each fact."""
    settings = prepared.settings
    slots = ", ".join(slot.name for slot in prepared.slots)
    return (
        _data(prepared),
        *_split(prepared),
        *((f"Folds: {_folds(prepared)}",) if settings.folds else ()),
        *_time(prepared),
        *understood(prepared),
        f"Outputs: {prepared.rows.target.words}",
        f"Space: {settings.space}, {_size(prepared)} configurations",
        *prepared.plan.description,
        *_prior(prepared),
        f"Workers: {slots}; study: {settings.study}",
    )


def _data(prepared: PreparedRun) -> str:
    table, rows = prepared.table, prepared.rows
    parts = ", ".join(f"{len(getattr(rows, name).rows)} {name}" for name in ("train", "validation", "test"))
    grouped = f", grouped by {', '.join(table.columns.groups)}" if table.columns.groups else ""
    return f"Data: {table.files.words}, {len(table.frame)} rows ({parts}{grouped})"


def _split(prepared: PreparedRun) -> tuple[str, ...]:
    """What is to be said of the parts: where they come from, and which rows are in more than one."""
    table, settings = prepared.table, prepared.settings
    given, lines = table.split, []
    if given:
        divided = f"--folds {settings.folds}" if settings.folds else f"--validation {settings.validation:g}"
        divided = divided if given.has_test else f"--test {settings.test:g}"
        whole = given.folds or (given.has_validation and given.has_test)
        rest = "" if whole else f"; {divided} divides those that are for training"
        source = "by file" if table.files.several else f"of {given.source}"
        lines.append(f"Split: {source} ({given.words}){rest}")
    return (*lines, *_equal(prepared), *_new(prepared))


def _equal(prepared: PreparedRun) -> tuple[str, ...]:
    """Which rows of a part are in an earlier one too."""
    table, rows, said = prepared.table, prepared.rows, []
    tested = equal_rows(table, rows.test, (rows.train, rows.validation))
    if tested:
        said.append(f"{tested} of the {len(rows.test.rows)} test rows are training or validation rows too")
    validated = equal_rows(table, rows.validation, (rows.train,)) if table.split and table.split.has_validation else 0
    if validated:
        said.append(f"{validated} of the {len(rows.validation.rows)} validation rows are training rows too")
    return (f"Equal rows: {'; '.join(said)}",) if said else ()


def _new(prepared: PreparedRun) -> tuple[str, ...]:
    """The categories that only files of validation or test rows have, where these are files of their own."""
    new = new_categories(prepared.table).items()
    more = {name: f" and {len(texts) - LISTED} more" for name, texts in new if len(texts) > LISTED}
    found = [f"{name} {', '.join(texts[:LISTED])}{more.get(name, '')}" for name, texts in new]
    return (f"New categories: {'; '.join(found)}; the training file lacks them",) if found else ()


def _folds(prepared: PreparedRun) -> str:
    folds, repeats, most = prepared.settings.folds, prepared.settings.repeats, prepared.plan.budget.contender_repeats
    text = f"{folds}, of all rows but the test rows; the numbers above are those of repeat 0, which holds out fold 0"
    if repeats < folds:
        text += f"; {repeats} repeats are {repeats} of the folds, contenders have up to {most}"
    return text


def _time(prepared: PreparedRun) -> tuple[str, ...]:
    """How the times of a series were understood; nothing of those that an earlier version has read."""
    columns, times = prepared.table.columns, prepared.table.times
    if not times:
        return ()
    return (f"Time: {columns.time}, {in_words(columns.time_format)}; predicted are {times[0]} to {times[-1]}",)


def _size(prepared: PreparedRun) -> str:
    count = space.size(prepared.space)
    return "infinitely many" if count is None else str(count)


def _prior(prepared: PreparedRun) -> tuple[str, ...]:
    found = prepared.plan.prior
    return (f"Prior: {len(found)} configurations of {prepared.settings.prior}, best first",) if found else ()
