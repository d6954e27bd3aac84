"""A run before its first file, as one value: what was read and checked, and what follows from it."""

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
    """A run whose settings, space, data and slots were found sound. Every field was computed once, by `prepare`.

    Whatever happens to the files of the user while the run goes on, the run goes by these values.
    """

    settings: Settings  # as the user gave them
    space: Space  # of the search space file, with every hyperparameter of the model
    table: Table  # the used columns of the data
    overview: Overview  # what its columns were taken for, and what is odd in them
    rows: Rows  # split and scaled: of repeat 0, and without folds of every repeat
    preprocessing: Preprocessing  # scalers and encoders that were fitted on the training rows of `rows`
    slots: tuple[Slot, ...]  # that workers own, one each
    open_places: OpenPlaces  # of these slots, where jobs run
    most_weights: int  # of the largest network of the space
    plan: Plan  # what the study does
    protocol: Protocol  # how it trains
    identity: Stored  # what study.json and the sheet *Study* say: fingerprint, settings, versions
    code: tuple[Parcel, ...]  # a user's own model, task or engine, read once: one source is hashed and sent to workers
