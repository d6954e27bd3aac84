"""One run from settings to summary: puts the rooms together, and is what a script calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline import models, saved_models
from pipeline.analysis.importance import importance_of
from pipeline.analysis.verdict import Verdict
from pipeline.data import preprocessing_file
from pipeline.data.preprocessing import Preprocessing
from pipeline.data.rows import Rows, rows_file, save_rows
from pipeline.ledger.journal import Journal, open_journal
from pipeline.ledger.known import best_group, elite_of, ranking
from pipeline.report.contents import Contents
from pipeline.run import test_phase
from pipeline.run.evaluator import Borrow, Evaluator
from pipeline.run.events import Committed, Event, Observe
from pipeline.run.notices import Mixture
from pipeline.run.prepare import Prepared, prepare
from pipeline.storage import atomic
from pipeline.storage.disk_space import Room
from pipeline.study_folder import identity, lock
from pipeline.study_folder.layout import StudyFolder
from pipeline.training.jobs import LARGEST_JOB, TrainJobs, limit_of
from pipeline.training.protocol import PROBE_ROWS, Trained, signature_of
from pipeline.trial import Job, Summary, Training
from pipeline.tuning.elite import best_of_each_depth, elite_of_front
from pipeline.tuning.stopping import Spent, unlimited
from pipeline.tuning.strategies.strategy import Say
from pipeline.tuning.study import Result, run
from pipeline.workbook.book import View, unknown
from pipeline.workbook.refresh import Book
from pipeline.workbook.view import view_of
from pipeline.workers.pool import StoppedError, Workers

__all__ = ["Finished", "Prepared", "launch", "prepare"]


Lend = Callable[[Callable[[Training], saved_models.Common]], Borrow]
"""Makes what copies trainings that another study has, from what the models of this one are saved with."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run leaves behind."""

    contents: Contents
    summary: str  # Markdown, also in summary.md
    workbook: Path


def launch(
    prepared: Prepared, *, observe: Observe, say: Say, stop: Callable[[], bool], lend: Lend | None = None
) -> Finished:
    """Run or resume the study; StoppedError when the user asked to stop, after everything known was written.

    What `lend` has of another study is copied from there instead of being trained.
    """
    settings, study, started = prepared.settings, prepared.settings.study, time.monotonic()
    if stop():
        raise StoppedError
    space_left = _room(prepared)
    space_left.check()
    with lock.held(study):
        identity.check(study, prepared.fingerprint)
        folder = StudyFolder(study)
        ledger = folder.journal
        if not ledger.exists():
            _say_what_it_is(prepared)  # there is never a journal without it
        with open_journal(ledger) as journal:
            _say_what_it_is(prepared)  # after the journal was read: where that is damaged, nothing is written
            common = _keep_rows(prepared, journal, _rows_file(study))
            _take_in(prepared, journal, say)
            book = Book(folder.workbook, lambda elite, test: _view(prepared, journal, elite, test), say)
            watch = _watched(observe, Mixture(journal.repeats), book, say)
            with Workers(prepared.slots, folder.logs, lambda: stop() or space_left.short()) as workers:
                evaluator = _evaluator(prepared, journal, workers, common, lend=lend, watch=watch)
                try:
                    chosen = elite_of_front if settings.elite_from == "front" else best_of_each_depth
                    spent = _clock(settings.seconds, started)
                    result = run(prepared.plan, evaluator, evaluator.begin, say, chosen, spent=spent)
                    verdict = test_phase.verdict(prepared, result, journal, workers)
                except StoppedError:
                    book.write()
                    if not stop():
                        space_left.check()
                    raise
            contents = _contents(prepared, result, verdict, journal, time.monotonic() - started)
            return _report(prepared, contents, book)


def _watched(observe: Observe, mixture: Mixture, book: Book, say: Say) -> Observe:
    """The observer, and with it what a study does itself at every repeat that the journal has."""

    def watch(event: Event) -> None:
        observe(event)
        if isinstance(event, Committed):
            mixture.note(event.repeat, say)
            book.refresh()

    return watch


def _evaluator(
    prepared: Prepared,
    journal: Journal,
    workers: Workers,
    common: Sequence[saved_models.Common],
    *,
    lend: Lend | None,
    watch: Observe,
) -> Evaluator:
    """What answers the trials of the study: the journal, or a lender, or else the workers, who train."""
    settings, study = prepared.settings, prepared.settings.study
    train = TrainJobs(_rows_file(study), prepared.protocol)

    def common_of(training: Training) -> saved_models.Common:
        return common[training.index if settings.folds else 0]

    def save(trained: Trained) -> str:
        # What was trained with fewer epochs chose what goes on: a fact, and no model that anybody wants.
        in_full = trained.training.epochs == settings.epochs
        return saved_models.save(study, trained, common_of(trained.training)) if in_full else ""

    def limit(job: Job) -> float:
        return settings.job_limit or limit_of(job, prepared.protocol, prepared.rows, prepared.most_weights)

    borrow: Borrow = lend(common_of) if lend else lambda _: None
    return Evaluator(journal, workers, train, save, watch, limit=limit, start=train.start, borrow=borrow)


def _rows_file(study: Path) -> Path:
    return StudyFolder(study).rows


def _say_what_it_is(prepared: Prepared) -> None:
    """Write study.json and the folders of the study."""
    study = prepared.settings.study
    identity.write(study, prepared.fingerprint, prepared.settings.model_dump(mode="json"))
    folder = StudyFolder(study)
    for each in (folder.models, folder.logs, folder.figures):
        each.mkdir(exist_ok=True)


def _clock(seconds: float, started: float) -> Spent:
    return (lambda: (time.monotonic() - started) / seconds) if seconds else unlimited


def _room(prepared: Prepared) -> Room:
    """The room for what is lost if it cannot be written: a job for each worker, and the exported models."""
    asked = prepared.settings
    training = len(prepared.slots) * (LARGEST_JOB if asked.engine == "packed" else 1)
    return Room(
        asked.study, StudyFolder(asked.study).workbook, training + asked.top * asked.repeats, prepared.most_weights
    )


def _keep_rows(prepared: Prepared, journal: Journal, path: Path) -> tuple[saved_models.Common, ...]:
    """Write the rows that workers train with; returns what models are saved with, with folds that of each repeat."""
    folds, count = prepared.settings.folds, 1
    if folds:
        known = (repeat.training.index + 1 for repeat in journal.contents.repeats)
        count = max(prepared.plan.race.most, *known, 1)
    kept = []
    for index in range(count):
        rows, fitted = prepared.of_repeat(index)
        save_rows(rows, rows_file(path, folds, index))
        kept.append(_common(prepared, rows, fitted))
    return tuple(kept)


def _common(prepared: Prepared, rows: Rows, fitted: Preprocessing) -> saved_models.Common:
    raw = prepared.table.frame.loc[rows.validation.rows[:PROBE_ROWS], list(prepared.table.columns.inputs)]
    return saved_models.Common(
        model=prepared.settings.model,
        signature=signature_of(rows),
        preprocessing=preprocessing_file.dumps(fitted),
        probe=saved_models.probe_of(raw),
        versions=identity.versions(),
        folds=prepared.settings.folds,
    )


def _take_in(prepared: Prepared, journal: Journal, say: Say) -> None:
    """Rows that somebody added to the workbook, or that a lost journal had: results, never trained again."""
    epochs = prepared.settings.epochs
    known = {each.training.configuration.key for each in journal.contents.repeats if each.training.epochs == epochs}
    known |= {row.configuration.key for row in journal.contents.imported} | {prepared.plan.baseline.key}
    found = unknown(StudyFolder(prepared.settings.study).workbook, known, epochs, prepared.rows.target.task)
    for row in found:
        journal.append_imported(row)
    if found:
        say(f"{len(found)} configurations of the workbook were not in the journal: taken in, not to be trained again.")


def _view(prepared: Prepared, journal: Journal, elite: frozenset[str], test: Mapping[str, float]) -> View:
    return view_of(
        journal.contents,
        epochs=prepared.settings.epochs,
        outputs=prepared.rows.target.names,
        task=prepared.rows.target.task,
        facts={**prepared.settings.model_dump(mode="json"), **prepared.fingerprint, **identity.versions()},
        elite=elite or elite_of(journal.contents),
        test=test,
    )


def _summaries(prepared: Prepared, journal: Journal) -> tuple[Summary, ...]:
    return ranking(journal.contents, prepared.settings.epochs)


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
        folds=prepared.settings.folds,
        group=best_group(journal.contents, prepared.settings.epochs),
        importance=importance_of(prepared.space, _summaries(prepared, journal)),
        load_command="from pipeline import load_top_models\n"
        f'predicted = load_top_models("{study}", {prepared.settings.top}{named}).predict(frame)',
        folder=study,
    )


def _report(prepared: Prepared, contents: Contents, book: Book) -> Finished:
    from pipeline.report import best, figures, page, tasks  # deferred: matplotlib takes a second to import

    folder = StudyFolder(prepared.settings.study)
    elite = frozenset(each.key for each in contents.result.elite)
    test = {each.summary.key: each.mean for each in (*contents.verdict.best, contents.verdict.default) if each}
    written = book.write(elite, test)
    text, told = page.summary(contents), tasks.load(contents.task.name)
    atomic.replace(folder.summary, text.encode())
    atomic.replace(folder.best, best.best(contents).encode())
    atomic.replace(folder.worst_rows, told.worst_rows_csv(contents.verdict).encode())
    atomic.replace(folder.test_predictions, told.test_predictions_csv(contents.verdict).encode())
    figures.draw(contents, folder.figures)
    return Finished(contents, text, written)
