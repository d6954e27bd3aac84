"""Preparation of a run: checks everything that can be checked before the first file is written."""

from __future__ import annotations

from typing import Final

from pipeline import models, space, tasks
from pipeline.data import rules, tables
from pipeline.data.overview import overview
from pipeline.data.rows import targets_of
from pipeline.errors import UserError
from pipeline.plugins import load_object
from pipeline.run import model_size
from pipeline.run.deciding import with_calibration
from pipeline.run.fingerprint import fingerprint_of
from pipeline.run.parcels import code_of
from pipeline.run.plan import plan_of, protocol_of
from pipeline.run.prepared_run import PreparedRun
from pipeline.run.training_rows import largest_signature, rows_of_repeat, with_chosen
from pipeline.settings import Settings
from pipeline.storage import untrusted
from pipeline.study_folder import identity
from pipeline.training import engines
from pipeline.workers import backends, slots

CODE: Final = ("model", "task", "engine")  # settings that may name user-defined code on which results depend


def prepare(settings: Settings) -> PreparedRun:
    """Read and check everything that the settings name, without writing anything.

    Raise UserError for a mistake in the space, the data, the model or the prior, and for a study folder with results
    of other data or another protocol.
    """
    _load_named(settings)
    kind = models.load(settings.model)
    code = {name: parcels for name in CODE if (parcels := code_of(getattr(settings, name)))}
    searched = kind.complete(space.load(settings.space))
    owned, open_places = slots.parse(settings.slots), backends.load(settings.cluster)
    table = _table(settings)
    settings = _with_folds(settings, table)
    rows, fitted = rows_of_repeat(settings, table, 0)
    settings = with_calibration(with_chosen(settings, rows.target), rows.target)
    signature = largest_signature(settings, table, rows)
    kind.check(searched, signature)
    most_weights = model_size.most_weights(settings.model, searched, signature, owned[0], code.get("model", ()))
    loss = rows.target.task.loss(settings.loss, targets_of(table))
    plan = plan_of(settings, searched, rows.target.task)
    stored = identity.Stored(
        fingerprint=fingerprint_of(settings, table, rows, loss, code),
        settings={**settings.model_dump(mode="json"), **(identity.ON_ONE_THREAD if plan.one_thread else {})},
        versions=identity.versions(),
    )
    prepared = PreparedRun(
        settings=settings,
        space=searched,
        table=table,
        overview=overview(table, rows.train.rows),
        rows=rows,
        preprocessing=fitted,
        slots=owned,
        open_places=open_places,
        most_weights=most_weights,
        plan=plan,
        protocol=protocol_of(settings, searched, rows, loss, owned),
        identity=stored,
        code=tuple(each for parcels in code.values() for each in parcels),
    )
    identity.check(settings.study, stored.fingerprint)
    if settings.study.is_dir():
        untrusted.plain(settings.study)
    return prepared


def _load_named(settings: Settings) -> None:
    """Import the user-defined code that the settings name, so that it can be looked up by name."""
    if settings.task != "auto":
        tasks.use(settings.task, load_object)
    tasks.metrics(settings.metrics, load_object)
    if settings.figures:
        from pipeline.report import figures  # deferred: matplotlib takes a second to import

        figures.own(settings.figures)
    engines.check(settings.engine, settings.model)


def _with_folds(settings: Settings, table: tables.Table) -> Settings:
    """The settings with the folds that the table has itself; UserError for others beside its parts."""
    given = table.split
    if given is None or not (given.folds or given.has_validation):
        return settings
    for name in ("validation", "folds"):
        if name in settings.model_fields_set and getattr(settings, name):
            raise UserError(
                f"--{name} stands beside a split with {'folds' if given.folds else 'validation rows'} of its own",
                expected=f"the parts of {given.source}: {given.words}",
                hint=f"leave --{name} out",
            )
    return settings.model_copy(update={"folds": given.folds})


def _table(settings: Settings) -> tables.Table:
    return tables.read(
        settings.data,
        targets=settings.target,
        inputs=settings.inputs,
        ignore=settings.ignore,
        categories=settings.categories,
        weight=settings.weight,
        groups=settings.group,
        time=settings.time,
        time_format=settings.time_format,
        window=settings.window,
        horizon=settings.horizon,
        split=settings.split,
        validation_data=settings.validation_data,
        test_data=settings.test_data,
        times=settings.times,
        task=settings.task,
        reading=identity.reading_of(settings.study) or rules.LATEST,
    )
