"""The rows that networks are trained with, prepared once, or with folds once for each repeat, and kept in files."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline import saved_models
from pipeline.data import preprocessing_file
from pipeline.data.preprocessing import Preprocessing
from pipeline.data.rows import Rows, prepare_rows, rows_file, save_rows
from pipeline.data.tables import Table
from pipeline.errors import UserError
from pipeline.models import Signature
from pipeline.run.parcels import rows_parcel
from pipeline.run.prepared_run import PreparedRun
from pipeline.settings import Settings
from pipeline.study_folder.layout import StudyFolder
from pipeline.tasks import Target, transforms
from pipeline.training.protocol import PROBE_ROWS, signature_of
from pipeline.trial import Repeat
from pipeline.workers.places import Parcel


def rows_of_repeat(settings: Settings, table: Table, index: int) -> tuple[Rows, Preprocessing]:
    """The rows of a repeat, and the preprocessing fitted on its training rows; the same for all without folds."""
    return prepare_rows(
        table,
        validation=settings.validation,
        test=settings.test,
        seed=settings.seed,
        input_scaler=settings.input_scaler,
        output_scaler=settings.output_scaler,
        loss=settings.loss,
        class_weights=settings.class_weights,
        folds=settings.folds,
        index=index,
        asked=settings.asked,
    )


def with_chosen(settings: Settings, target: Target) -> Settings:
    """The settings with the transforms that `auto` chose on the training rows of repeat 0, which are those of all."""
    if transforms.AUTO not in (settings.target_transform or {}).values():
        return settings
    chosen = getattr(target, "transforms", ()) or (transforms.Transform(),) * len(target.names)
    kinds = {name: each.kind for name, each in zip(target.names, chosen, strict=True)}
    return settings.model_copy(update={"target_transform": kinds})


def largest_signature(settings: Settings, table: Table, rows: Rows) -> Signature:
    """The signature with the most inputs of all repeats: a category may be missing in the training rows of a fold.

    All repeats that the study may need are prepared once, so that a UserError about a fold without a class is raised
    now and not in the middle of a run. `rows` are those of repeat 0.
    """
    signatures = [signature_of(rows)]
    labels = rows.target.labels
    for index in range(1, settings.budget.contender_repeats) if settings.folds else ():
        other, _ = rows_of_repeat(settings, table, index)
        if other.target.labels != labels:
            raise UserError(
                f"The training rows of repeat {index} do not have the classes of those of repeat 0",
                expected="rows of every class in all folds",
                hint="use fewer --folds, merge rare classes, or remove their rows",
            )
        signatures.append(signature_of(other))
    return max(signatures, key=lambda each: each.features)


def write_rows(
    prepared: PreparedRun, known: Iterable[Repeat]
) -> tuple[tuple[Parcel, ...], tuple[saved_models.Common, ...]]:
    """Write the files of rows that workers train with. Return the files, and what models are saved with.

    With folds there is one of each for each repeat.

    `known` are the repeats of the journal: with folds, each of them keeps its file.
    """
    file, folds = StudyFolder(prepared.settings.study).rows, prepared.settings.folds
    count = max(prepared.plan.budget.contender_repeats, *(each.training.index + 1 for each in known), 1) if folds else 1
    parcels, saved_with = [], []
    for index in range(count):
        if index:
            rows, fitted = rows_of_repeat(prepared.settings, prepared.table, index)
        else:
            rows, fitted = prepared.rows, prepared.preprocessing
        own = rows_file(file, folds, index)
        parcels.append(rows_parcel(own, save_rows(rows, own)))
        saved_with.append(_common(prepared, rows, fitted))
    return tuple(parcels), tuple(saved_with)


def _common(prepared: PreparedRun, rows: Rows, fitted: Preprocessing) -> saved_models.Common:
    raw = prepared.table.frame.loc[rows.validation.rows[:PROBE_ROWS], list(prepared.table.columns.inputs)]
    return saved_models.Common(
        model=prepared.settings.model,
        signature=signature_of(rows),
        preprocessing=preprocessing_file.dumps(fitted),
        probe=saved_models.probe_of(raw),
        versions=prepared.identity.versions,
        folds=prepared.settings.folds,
    )
