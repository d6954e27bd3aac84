"""One run from settings to summary: puts the rooms together, and is what a script calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pipeline import bundle, files, folder, models, sizing, space
from pipeline.analysis.verdict import Tested, Verdict, judge, tested
from pipeline.data import stored, tables, task
from pipeline.data.preprocessing import Preprocessing
from pipeline.data.task import Rows
from pipeline.errors import UserError
from pipeline.evaluate import Committed, Evaluator, Event, Observe
from pipeline.ledger import workbook
from pipeline.ledger.journal import Journal, open_journal
from pipeline.ledger.journal import read as read_journal
from pipeline.ledger.mixture import Mixture
from pipeline.report.contents import Contents
from pipeline.room import Room
from pipeline.settings import Settings
from pipeline.space import Narrowing, Space
from pipeline.study import Plan, Result, Say, run
from pipeline.training.jobs import COMPILE_SECONDS, LARGEST_JOB, TrainJobs, limit_of
from pipeline.training.protocol import PROBE_ROWS, Loss, Protocol, signature_of
from pipeline.trial import Summary
from pipeline.upkeep import ranking, view_of
from pipeline.workers import slots
from pipeline.workers.pool import StoppedError, Workers

REFRESH_SECONDS = 10.0  # the workbook is drawn anew at most so often while training goes on,
REFRESH_RATIO = 20.0  # and at most every so many times the last drawing took
LISTED = 20  # names of inputs; an image has thousands


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

    @property
    def description(self) -> tuple[str, ...]:
        """What is about to happen, a line each."""
        columns, rows, asked = self.table.columns, self.rows, self.settings
        parts = ", ".join(f"{len(getattr(rows, name).rows)} {name}" for name in ("train", "validation", "test"))
        count = space.size(self.space)
        grouped = f", grouped by {', '.join(columns.groups)}" if columns.groups else ""
        return (
            f"Data: {self.table.source}, {len(self.table.frame)} rows ({parts}{grouped})",
            f"Inputs: {_listed(columns.inputs)} ({len(rows.features)} numbers)",
            f"Task: {self._task}",
            f"Outputs: {rows.target.words}",
            f"Space: {asked.space}, {'infinitely many' if count is None else count} configurations",
            f"Stage 1: {self.plan.drawn} configurations x {asked.repeats} repeats, up to {asked.epochs} epochs",
            f"Stage 2: {self._second}, {asked.repeats} repeats each, contenders up to {self.plan.race.most}",
            f"Workers: {', '.join(slot.name for slot in self.slots)}; study: {asked.study}",
        )

    @property
    def _task(self) -> str:
        task = self.rows.target.task
        why = f", for {self.table.why} (--task regression takes numbers)" if self.table.why else ""
        weighed = f", class weights {self.settings.class_weights}" if self.settings.class_weights != "none" else ""
        return f"{task.name}{why}; loss {self.loss}{weighed}, judged by {task.about}"

    @property
    def loss(self) -> Loss:
        """The loss that the setting means for this task."""
        return cast("Loss", self.rows.target.task.loss(self.settings.loss, task.targets_of(self.table)))

    @property
    def _second(self) -> str:
        if self.settings.strategy == "gp":
            return f"one Gaussian process ({self.settings.acquisition}), {self.plan.proposals} configurations in turn"
        if self.settings.trainings:
            return f"until {self.settings.trainings} trainings are made"
        return f"{self.settings.elite * self.settings.calls} configurations, {self.settings.elite} at once"

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
            acquisition=asked.acquisition if asked.strategy == "gp" else "",
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
            "format": folder.FORMAT,
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
            **self._further,
            **sizing.facts(asked, self.rows),
        }

    @property
    def _further(self) -> dict[str, str]:
        """What the fingerprints of studies had not when regression was the only task: it says nothing of itself."""
        name = self.rows.target.task.name
        return {} if name == "regression" else {"task": name, "class_weights": self.settings.class_weights}


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run leaves behind."""

    contents: Contents
    summary: str  # Markdown, also in summary.md
    workbook: Path


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names if len(names) <= LISTED else (*names[: LISTED - 2], "...", names[-1]))


def prepare(settings: Settings) -> Prepared:
    """Check everything that can be checked before the first file is written; UserError says what is wrong."""
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
    rows, fitted = task.prepare(
        table,
        validation=settings.validation,
        test=settings.test,
        seed=settings.seed,
        input_scaler=settings.input_scaler,
        output_scaler=settings.output_scaler,
        loss=settings.loss,
        class_weights=settings.class_weights,
    )
    signature = signature_of(rows)
    kind.check(searched, signature)
    largest = sizing.most_weights(settings.model, searched, signature, owned[0])
    prepared = Prepared(settings, searched, table, rows, fitted, owned, largest)
    folder.check(settings.study, prepared.fingerprint)
    read_journal(settings.study / "ledger.jsonl")  # a damaged one is found before anything is written
    return prepared


def launch(prepared: Prepared, *, observe: Observe, say: Say, stop: Callable[[], bool]) -> Finished:
    """Run or resume the study; StoppedError when the user asked to stop, after everything known was written."""
    settings, study, started = prepared.settings, prepared.settings.study, time.monotonic()
    if stop():
        raise StoppedError
    space_left = _room(prepared)
    space_left.check()
    with folder.held(study):
        folder.check(study, prepared.fingerprint)
        folder.write(study, prepared.fingerprint, settings.model_dump(mode="json"))
        for name in ("models", "logs", "figures"):
            (study / name).mkdir(exist_ok=True)
        rows_file = (study / "rows.npz").resolve()
        task.save(prepared.rows, rows_file)
        with open_journal(study / "ledger.jsonl") as journal:
            _take_in(prepared, journal, say)
            book = _Workbook(prepared, journal, say)
            mixture = Mixture(journal.repeats)

            def watch(event: Event) -> None:
                observe(event)
                if isinstance(event, Committed):
                    mixture.note(event.repeat, say)
                    book.refresh()

            with Workers(prepared.slots, study / "logs", lambda: stop() or space_left.short()) as workers:
                common = _common(prepared)
                train = TrainJobs(rows_file, prepared.protocol)
                evaluator = Evaluator(
                    journal,
                    workers,
                    train,
                    lambda trained: bundle.save(study, trained, common),
                    watch,
                    limit=lambda job: (
                        settings.job_limit or limit_of(job, prepared.protocol, prepared.rows, prepared.most_weights)
                    ),
                    start=train.start,
                )
                try:
                    result = run(prepared.plan, evaluator, evaluator.begin, say)
                    verdict = _verdict(prepared, result, journal, workers)
                except StoppedError:
                    book.write()
                    if not stop():
                        space_left.check()
                    raise
            contents = _contents(prepared, result, verdict, journal, time.monotonic() - started)
            return _report(prepared, contents, book)


def _room(prepared: Prepared) -> Room:
    """The room for what is lost if it cannot be written: a job for each worker, and the exported models."""
    asked = prepared.settings
    training = len(prepared.slots) * (LARGEST_JOB if asked.engine == "packed" else 1)
    return Room(asked.study, training + asked.top * asked.repeats, prepared.most_weights)


def _common(prepared: Prepared) -> bundle.Common:
    probe = prepared.rows.validation.rows[:PROBE_ROWS]
    raw = prepared.table.frame.loc[probe, list(prepared.table.columns.inputs)]
    return bundle.Common(
        model=prepared.settings.model,
        signature=signature_of(prepared.rows),
        preprocessing=stored.dumps(prepared.preprocessing),
        probe=bundle.probe_of(raw),
        versions=folder.versions(),
    )


def _take_in(prepared: Prepared, journal: Journal, say: Say) -> None:
    """Rows that somebody added to the workbook, or that a lost journal had: results, never trained again."""
    known = {repeat.training.configuration.key for repeat in journal.contents.repeats}
    known |= {row.configuration.key for row in journal.contents.imported} | {prepared.plan.baseline.key}
    found = workbook.unknown(
        prepared.settings.study / "ledger.xlsx", known, prepared.settings.epochs, prepared.rows.target.task
    )
    for row in found:
        journal.append_imported(row)
    if found:
        say(f"{len(found)} configurations of the workbook were not in the journal: taken in, not to be trained again.")


class _Workbook:
    """Draws the workbook from the journal, now and then while training goes on, and whenever asked."""

    def __init__(self, prepared: Prepared, journal: Journal, say: Say) -> None:
        self._prepared = prepared
        self._journal = journal
        self._say = say
        self._next = time.monotonic() + REFRESH_SECONDS
        self._said: set[str] = set()

    def refresh(self) -> None:
        """Draw it when the last time is long enough ago."""
        if time.monotonic() > self._next:
            self.write()

    def write(self, elite: frozenset[str] = frozenset(), test: Mapping[str, float] | None = None) -> Path:
        """Draw it now; returns where it was written, which is beside the workbook while somebody has that open."""
        began = time.monotonic()
        path = self._prepared.settings.study / "ledger.xlsx"
        try:
            written = workbook.write(path, self._view(elite, test or {}), self._once)
        except OSError as error:
            self._once(f"{path} cannot be written ({error.strerror or error}): the results are safe in the journal.")
            written = path
        self._next = time.monotonic() + max(REFRESH_SECONDS, REFRESH_RATIO * (time.monotonic() - began))
        return written

    def _once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._say(text)

    def _view(self, elite: frozenset[str], test: Mapping[str, float]) -> workbook.View:
        prepared = self._prepared
        return view_of(
            self._journal.contents,
            epochs=prepared.settings.epochs,
            outputs=prepared.rows.target.names,
            task=prepared.rows.target.task,
            facts={**prepared.settings.model_dump(mode="json"), **prepared.fingerprint, **folder.versions()},
            elite=elite,
            test=test,
        )


def _summaries(prepared: Prepared, journal: Journal) -> tuple[Summary, ...]:
    return ranking(journal.contents, prepared.settings.epochs)


def _verdict(prepared: Prepared, result: Result, journal: Journal, workers: Workers) -> Verdict:
    """The best configurations and the default network predict the test rows: the only time that these are used."""
    study = prepared.settings.study.resolve()
    sound = (each for each in _summaries(prepared, journal) if each.failures == 0)
    best = [each for each in sound if each.stage not in ("baseline", "imported")][: prepared.settings.top]
    wanted = [*best, *([result.baseline] if result.baseline.repeats else [])]
    examine = bundle.Examine.of(study, journal.repeats, wanted, prepared.settings.model)
    answers: dict[str, bundle.Examined] = {}
    limit = max(prepared.settings.job_limit, COMPILE_SECONDS)
    for finished in workers.run(examine, [each.key for each in wanted], limit=lambda _: limit):
        if finished.answer is None:
            raise UserError(f"The models of configuration {finished.job} cannot be tested: {finished.lost}")
        answers[finished.job] = finished.answer
    for each in best:
        for name, content in answers[each.key].keras.items():
            bundle.add(bundle.folder_of(study, each.key), name, content)

    def test(summary: Summary) -> Tested:
        return tested(summary, answers[summary.key].predictions, prepared.rows.test, prepared.rows.target)

    default = test(result.baseline) if result.baseline.repeats else None
    return judge(prepared.rows.target, prepared.rows.test, prepared.rows.train, default, [test(each) for each in best])


def _contents(prepared: Prepared, result: Result, verdict: Verdict, journal: Journal, elapsed: float) -> Contents:
    repeats = journal.contents.repeats
    rounds = range(max((len(search.found) for search in result.searches), default=0))
    refined = [search.found[turn] for turn in rounds for search in result.searches if turn < len(search.found)]
    study = str(prepared.settings.study)
    named = f', model="{prepared.settings.model}"' if models.is_own(prepared.settings.model) else ""
    return Contents(
        name=prepared.settings.study.name,
        result=result,
        ranking=tuple(each for each in _summaries(prepared, journal) if each.stage != "baseline"),
        verdict=verdict,
        timeline=(*result.explored, *refined),
        trainings=len(repeats),
        failed=sum(repeat.failed for repeat in repeats),
        seconds=sum(repeat.seconds for repeat in repeats),
        elapsed=elapsed,
        repeats=prepared.settings.repeats,
        load_command="from pipeline import load_top_models\n"
        f'predicted = load_top_models("{study}", {prepared.settings.top}{named}).predict(frame)',
        folder=study,
    )


def _report(prepared: Prepared, contents: Contents, book: _Workbook) -> Finished:
    from pipeline.report import best, figures, page, tasks  # deferred: matplotlib takes a second to import

    study = prepared.settings.study
    elite = frozenset(each.key for each in contents.result.elite)
    test = {each.summary.key: each.mean for each in (*contents.verdict.best, contents.verdict.default) if each}
    written = book.write(elite, test)
    text, told = page.summary(contents), tasks.load(contents.task.name)
    files.replace(study / "summary.md", text.encode())
    files.replace(study / "best.txt", best.best(contents).encode())
    files.replace(study / "worst_rows.csv", told.worst_rows_csv(contents.verdict).encode())
    files.replace(study / "test_predictions.csv", told.test_predictions_csv(contents.verdict).encode())
    figures.draw(contents, study / "figures")
    return Finished(contents, text, written)
