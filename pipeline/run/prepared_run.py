"""A prepared run as one value: everything that was read and checked before the first file is written."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.data.overview import Overview
from pipeline.data.preprocessing import Preprocessing
from pipeline.data.rows import Rows
from pipeline.data.tables import Table
from pipeline.settings import Settings
from pipeline.space import Space
from pipeline.study_folder.identity import Stored
from pipeline.training.protocol import Protocol
from pipeline.tuning.study import Plan
from pipeline.workers.places import OpenPlaces, Parcel
from pipeline.workers.slots import Slot


@dataclass(frozen=True, slots=True, eq=False)
class PreparedRun:
    """A run with checked settings, space, data and slots. Every field is computed once, by `prepare`.

    The run uses these values even if the user's files change in the meantime.
    """

    settings: Settings  # as the user gave them
    space: Space  # of the search space file, with every hyperparameter of the model
    table: Table  # the used columns of the data
    overview: Overview  # what its columns were taken for, and what is odd in them
    rows: Rows  # split and scaled; with folds those of repeat 0
    preprocessing: Preprocessing  # scalers and encoders, fitted on the training rows of `rows`
    slots: tuple[Slot, ...]  # one for each worker
    open_places: OpenPlaces  # where jobs run, on these slots
    most_weights: int  # of the largest network of the space
    plan: Plan  # of the study
    protocol: Protocol  # of its trainings
    identity: Stored  # for study.json and the sheet *Study*: fingerprint, settings, versions
    code: tuple[
        Parcel, ...
    ]  # user-defined model, task or engine, read once: the hashed source is the one that workers get
