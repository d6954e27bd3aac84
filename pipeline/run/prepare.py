"""A run before its first file: settings, space, data and slots checked, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline import models, space, tasks
from pipeline.data import tables
from pipeline.data.preprocessing import Preprocessing
from pipeline.data.rows import Rows, prepare_rows, targets_of
from pipeline.errors import UserError
from pipeline.ledger.known import open_study
from pipeline.models import Signature
from pipeline.plugins import load_object
from pipeline.run import model_size
from pipeline.settings import Settings
from pipeline.space import Narrowing, Space
from pipeline.storage import untrusted
from pipeline.study_folder import identity
from pipeline.study_folder.layout import StudyFolder
from pipeline.training import engines
from pipeline.training.protocol import Protocol, signature_of
from pipeline.trial import Configuration
from pipeline.tuning.study import Plan
from pipeline.workers import slots

LISTED = 20  # names of inputs; an image has thousands
INHERITED = 100  # configurations of a prior, its best ones


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run whose settings, space, data and slots were found sound; nothing was written yet."""

    settings: Settings
    space: Space
    table: tables.Table
    rows: Rows
    preprocessing: Preprocessing
    slots: tuple[slots.Slot, ...]
    most_weights: int  # of the largest network of the space
    prior: tuple[Configuration, ...] = ()  # best first, of another study

    def of_repeat(self, index: int) -> tuple[Rows, Preprocessing]:
        """The rows of a repeat and what they were prepared with: where there are no folds, those of every repeat."""
        return (
            _rows(self.settings, self.table, index)
            if self.settings.folds and index
            else (self.rows, self.preprocessing)
        )

    @property
    def description(self) -> tuple[str, ...]:
        """What is about to happen, a line each."""
        columns, rows, asked = self.table.columns, self.rows, self.settings
        parts = ", ".join(f"{len(getattr(rows, name).rows)} {name}" for name in ("train", "validation", "test"))
        count = space.size(self.space)
        grouped = f", grouped by {', '.join(columns.groups)}" if columns.groups else ""
        return (
            f"Data: {self.table.source}, {len(self.table.frame)} rows ({parts}{grouped})",
            *((f"Folds: {self._folds}",) if asked.folds else ()),
            f"Inputs: {_listed(columns.inputs)} ({len(rows.features)} numbers)",
            f"Task: {self._task}",
            f"Outputs: {rows.target.words}",
            f"Space: {asked.space}, {'infinitely many' if count is None else count} configurations",
            f"Stage 1: {self._first}",
            f"Stage 2: {self._second}, contenders up to {self.plan.race.most}",
            *((f"Ends earlier: {', '.join(self._ends)}",) if self._ends else ()),
            *((f"Prior: {len(self.prior)} configurations of {asked.prior}, best first",) if self.prior else ()),
            f"Workers: {', '.join(slot.name for slot in self.slots)}; study: {asked.study}",
        )

    @property
    def _folds(self) -> str:
        folds, repeats, most = self.settings.folds, self.settings.repeats, self.plan.race.most
        text = (
            f"{folds}, of all rows but the test rows; the numbers above are those of repeat 0, which holds out fold 0"
        )
        if repeats < folds:
            text += f"; {repeats} repeats are {repeats} of the folds, contenders have up to {most}"
        return text

    @property
    def _task(self) -> str:
        task = self.rows.target.task
        why = f", for {self.table.why} (--task {tasks.FIRST.name} takes {tasks.FIRST.takes})" if self.table.why else ""
        weighed = f", class weights {self.settings.class_weights}" if self.settings.class_weights != "none" else ""
        return f"{task.name}{why}; loss {self.loss}{weighed}, judged by {task.about}"

    @property
    def loss(self) -> str:
        """The loss that the setting means for this task."""
        return self.rows.target.task.loss(self.settings.loss, targets_of(self.table))

    @property
    def _first(self) -> str:
        asked, way = self.settings, self.plan.way
        if way.screens:
            return (
                f"{way.about}, {asked.repeats} repeats, up to {asked.epochs} epochs; as many epochs in all as"
                f" {self.plan.drawn} configurations take"
            )
        drawn = "" if way.proposes else f" of {way.about}"
        return f"{self.plan.drawn} configurations{drawn} x {asked.repeats} repeats, up to {asked.epochs} epochs"

    @property
    def _second(self) -> str:
        asked = self.settings
        each = f", {asked.repeats} repeats each"
        if not self.plan.way.proposes:
            return "nothing new"
        if asked.strategy == "gp":
            return f"one Gaussian process ({asked.acquisition}), {self.plan.proposals} configurations in turn{each}"
        if asked.trainings:
            return f"until {asked.trainings} trainings are made{each}"
        since = "" if self.plan.joint else ", from the front of score and weights"
        return f"{asked.elite * asked.calls} configurations, {asked.elite} at once{since}{each}"

    @property
    def _ends(self) -> tuple[str, ...]:
        asked = self.settings
        ends = (
            (asked.seconds > 0, f"after {asked.seconds:g} seconds"),
            (asked.target_score is not None, f"at an objective of {asked.target_score}"),
            (asked.settled > 0, f"after {asked.settled} rounds below the noise"),
        )
        return tuple(words for wanted, words in ends if wanted)

    @property
    def plan(self) -> Plan:
        """What the study does."""
        asked = self.settings
        return Plan(
            space=self.space,
            baseline=models.load(asked.model).baseline(self.space),
            configurations=asked.configurations,
            repeats=asked.repeats,
            elite=asked.elite,
            calls=asked.calls,
            epochs=asked.epochs,
            seed=asked.seed,
            max_repeats=asked.max_repeats,
            trainings=asked.trainings,
            narrowing=Narrowing(asked.box_fraction, asked.units_radius or 0, asked.units_step),
            target=asked.target_score,
            settled=asked.settled,
            prior=self.prior,
            joint=asked.elite_from == "score",
            strategy=asked.strategy,
            acquisition=asked.acquisition,
        )

    @property
    def protocol(self) -> Protocol:
        """How it trains."""
        asked = self.settings
        return Protocol(
            model=asked.model,
            loss=self.loss,
            patience=asked.patience,
            min_delta=asked.min_delta,
            seed=asked.seed,
            space=self.space,
            engine=asked.engine,
            tf32=asked.tf32,
            folds=asked.folds,
            task=self.rows.target.task.name,
            metrics=asked.metrics,
            # On a GPU many places share a program, and their arithmetic is cheap beside a compilation.
            rows=0 if any(slot.gpu for slot in self.slots) else len(self.rows.train.rows),
        )

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What results must share to stand in one ledger."""
        asked, columns = self.settings, self.table.columns
        same = (
            "validation",
            "test",
            "input_scaler",
            "output_scaler",
            "model",
            "engine",
            "tf32",
            "epochs",
            "patience",
        )
        return {
            "format": identity.FORMAT,
            "data": self.table.sha256,
            "target": columns.targets,
            "inputs": columns.inputs,
            "categories": columns.categories,
            "weight": columns.weight,
            "group": columns.groups,
            "min_delta": asked.min_delta,
            "seed": asked.seed,
            "loss": self.loss,
            **{name: getattr(asked, name) for name in same},
            **self.rows.target.task.facts(asked.class_weights),
            **({"folds": asked.folds} if asked.folds else {}),
            **model_size.facts(asked, self.rows),
        }


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names if len(names) <= LISTED else (*names[: LISTED - 2], "...", names[-1]))


def prepare(settings: Settings) -> Prepared:
    """Check everything that can be checked before the first file is written; UserError says what is wrong."""
    if settings.task != "auto":
        tasks.use(settings.task, load_object)
    tasks.metrics(settings.metrics, load_object)
    if settings.figures:
        from pipeline.report import figures  # deferred: matplotlib takes a second to import

        figures.own(settings.figures)
    engines.check(settings.engine, settings.model)
    kind = models.load(settings.model)
    searched = kind.complete(space.load(settings.space))
    owned = slots.parse(settings.slots)
    table = tables.read(
        settings.data,
        targets=settings.target,
        inputs=settings.inputs,
        ignore=settings.ignore,
        categories=settings.categories,
        weight=settings.weight,
        groups=settings.group,
        time=settings.time,
        window=settings.window,
        horizon=settings.horizon,
        task=settings.task,
    )
    rows, fitted = _rows(settings, table, 0)
    signature = _largest(settings, table, rows)
    kind.check(searched, signature)
    largest = model_size.most_weights(settings.model, searched, signature, owned[0])
    prepared = Prepared(settings, searched, table, rows, fitted, owned, largest, _prior(settings, searched))
    identity.check(settings.study, prepared.fingerprint)
    if settings.study.is_dir():
        untrusted.plain(settings.study)
    return prepared


def _rows(settings: Settings, table: tables.Table, index: int) -> tuple[Rows, Preprocessing]:
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
    )


def _largest(settings: Settings, table: tables.Table, rows: Rows) -> Signature:
    """The signature with the most inputs: a category may be missing in the training rows of a fold.

    Every repeat that the study may ask for is prepared once, so that a fold without a class, say, is told of now.
    """
    signatures = [signature_of(rows)]
    labels = rows.target.labels
    for index in range(1, max(settings.repeats, settings.max_repeats)) if settings.folds else ():
        other, _ = _rows(settings, table, index)
        if other.target.labels != labels:
            raise UserError(
                f"The training rows of repeat {index} do not have the classes of those of repeat 0",
                expected="rows of every class in all folds",
                hint="use fewer --folds, merge rare classes, or remove their rows",
            )
        signatures.append(signature_of(other))
    return max(signatures, key=lambda each: each.features)


def _prior(settings: Settings, searched: Space) -> tuple[Configuration, ...]:
    """The best configurations of another study that the space has; UserError where there is none."""
    if settings.prior is None:
        return ()
    if settings.prior.resolve() == settings.study.resolve():
        raise UserError("A study is no prior of itself", hint="give --prior the folder of another study")
    StudyFolder(settings.prior).required()
    untrusted.plain(settings.prior)
    best = [each.configuration for each in open_study(settings.prior).ranking if not each.failures]
    fitting = [each for each in best if space.contains(searched, each)]
    if not fitting:
        raise UserError(
            f"The prior {settings.prior} has nothing to begin with",
            expected="a study with configurations of the same space",
            got=f"{len(best)} configurations, none of them in {settings.space}",
        )
    return tuple(fitting[:INHERITED])
