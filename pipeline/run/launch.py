"""One run of a prepared study: opens its folder, searches, tests the best and writes what people read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline import saved_models
from pipeline.ledger.journal import Journal, open_journal
from pipeline.report.contents import Contents
from pipeline.run import test_phase
from pipeline.run.contents import contents_of, workbook_view
from pipeline.run.evaluator import Borrow, Evaluator
from pipeline.run.events import Committed, Event, Observe
from pipeline.run.notices import Notices
from pipeline.run.prepared_run import PreparedRun
from pipeline.run.training_rows import write_rows
from pipeline.storage import atomic
from pipeline.storage.disk_space import Room
from pipeline.study_folder import identity, lock
from pipeline.study_folder.layout import StudyFolder
from pipeline.training import engines
from pipeline.training.jobs import TrainJobs, limit_of
from pipeline.training.protocol import Trained
from pipeline.trial import Job, Training
from pipeline.tuning.stages import Say
from pipeline.tuning.stopping import clock
from pipeline.tuning.study import Result, run
from pipeline.workbook.book import unknown
from pipeline.workbook.refresh import Book
from pipeline.workbook.view import View
from pipeline.workers.places import Parcel
from pipeline.workers.pool import StoppedError, Workers

Lend = Callable[[Callable[[Training], saved_models.Common]], Borrow]
"""Makes what copies trainings that another study has, from what the models of this one are saved with."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run leaves behind."""

    contents: Contents
    summary: str  # Markdown, also in summary.md
    workbook: Path


def launch(
    prepared: PreparedRun, *, observe: Observe, say: Say, stop: Callable[[], bool], lend: Lend | None = None
) -> Finished:
    """Run the study, or go on where it stopped; what `lend` has of another study is copied instead of trained.

    `observe` gets what happens, `say` sentences for the user. Raise StoppedError once `stop` answers True, DiskFailed
    if the disk is full, and UserError if the folder cannot be worked on; everything finished is on the disk then.
    """
    if stop():
        raise StoppedError
    began, folder = time.monotonic(), StudyFolder(prepared.settings.study)
    room = _room(prepared)
    room.check()
    with lock.held(folder.path):
        identity.check(folder.path, prepared.identity.fingerprint)
        if not folder.journal.exists():
            _write_identity(prepared)  # there is never a journal without it
        with open_journal(folder.journal) as journal:
            _write_identity(prepared)  # after the journal was read: where that is damaged, nothing is written
            rows, common = write_rows(prepared, journal.repeats)
            _import_rows(prepared, journal, say)
            book = Book(folder.workbook, _viewer(prepared, journal), say)
            watch = _watched(observe, Notices(journal.repeats), book, say)
            places = prepared.open_places(prepared.slots, folder.logs)
            with Workers(places, lambda: stop() or room.short()) as workers:
                evaluator = _evaluator(prepared, journal, workers, rows, common, lend=lend, watch=watch)
                try:
                    result = _search(prepared, evaluator, say, began)
                    verdict = test_phase.verdict(prepared, result, journal, workers)
                except StoppedError:
                    book.write()
                    if not stop():
                        room.check()
                    raise
            contents = contents_of(prepared, result, verdict, journal.contents, time.monotonic() - began)
            return _report(folder, contents, book, prepared.settings.figures)


def _room(prepared: PreparedRun) -> Room:
    """The room for what is lost if it cannot be written: a job for each worker, and the exported models."""
    settings = prepared.settings
    in_training = len(prepared.slots) * engines.load(settings.engine).largest_job
    models = in_training + settings.top * settings.repeats
    return Room(settings.study, StudyFolder(settings.study).workbook, models, prepared.most_weights)


def _write_identity(prepared: PreparedRun) -> None:
    """Write study.json, and make the folders of the study."""
    folder = StudyFolder(prepared.settings.study)
    identity.write(folder.path, prepared.identity)
    for each in (folder.models, folder.logs, folder.figures):
        each.mkdir(exist_ok=True)


def _import_rows(prepared: PreparedRun, journal: Journal, say: Say) -> None:
    """Record rows that somebody added to the workbook, or that a lost journal had: results, never trained again."""
    epochs, workbook = prepared.settings.epochs, StudyFolder(prepared.settings.study).workbook
    known = {each.training.configuration.key for each in journal.repeats if each.training.epochs == epochs}
    known |= {row.configuration.key for row in journal.imported} | {prepared.plan.baseline.key}
    found = unknown(workbook, known, epochs, prepared.rows.target.task)
    for row in found:
        journal.append_imported(row)
    if found:
        say(f"{len(found)} configurations of the workbook were not in the journal: taken in, not to be trained again.")


def _viewer(prepared: PreparedRun, journal: Journal) -> Callable[[frozenset[str], Mapping[str, float]], View]:
    """What the workbook shows whenever it is drawn: what the journal has then."""
    return lambda elite, test: workbook_view(prepared, journal.contents, elite, test)


def _watched(observe: Observe, notices: Notices, book: Book, say: Say) -> Observe:
    """The observer, and with it what a run does itself at every repeat that the journal has."""

    def watch(event: Event) -> None:
        observe(event)
        if isinstance(event, Committed):
            for sentence in notices.of(event.repeat):
                say(sentence)
            book.refresh()

    return watch


def _evaluator(
    prepared: PreparedRun,
    journal: Journal,
    workers: Workers,
    rows: Sequence[Parcel],
    common: Sequence[saved_models.Common],
    *,
    lend: Lend | None,
    watch: Observe,
) -> Evaluator:
    """What answers the trials of the study: the journal, or a lender, or else the workers, who train."""
    settings, study = prepared.settings, prepared.settings.study
    train = TrainJobs(tuple(each.digest for each in rows), prepared.protocol)

    def common_of(training: Training) -> saved_models.Common:
        return common[training.index if settings.folds else 0]

    def needs(job: Job) -> Sequence[Parcel]:
        return (*prepared.code, rows[job.trainings[0].index if settings.folds else 0])

    def save(trained: Trained) -> str:
        # Trainings with fewer epochs chose what goes on: they are facts, and nobody wants their models.
        in_full = trained.training.epochs == settings.epochs
        return saved_models.save(study, trained, common_of(trained.training)) if in_full else ""

    def limit(job: Job) -> float:
        return settings.job_limit or limit_of(job, prepared.protocol, prepared.rows, prepared.most_weights)

    borrow: Borrow = lend(common_of) if lend else lambda _: None
    return Evaluator(journal, workers, train, save, watch, limit=limit, start=train.start, borrow=borrow, needs=needs)


def _search(prepared: PreparedRun, evaluator: Evaluator, say: Say, began: float) -> Result:
    elapsed = clock(prepared.settings.seconds, began)
    return run(prepared.plan, evaluator, evaluator.begin, say, elapsed=elapsed)


def _report(folder: StudyFolder, contents: Contents, book: Book, own: Sequence[str]) -> Finished:
    """Write everything that people read."""
    from pipeline.report import best, figures, page, tasks  # deferred: matplotlib takes a second to import

    elite = frozenset(each.key for each in contents.result.elite)
    test = {each.summary.key: each.mean for each in (*contents.verdict.best, contents.verdict.default) if each}
    workbook = book.write(elite, test)
    text, task = page.summary(contents), tasks.load(contents.task)
    atomic.replace_text(folder.summary, text)
    atomic.replace_text(folder.best, best.best(contents))
    atomic.replace_text(folder.worst_rows, task.worst_rows_csv(contents.verdict))
    atomic.replace_text(folder.test_predictions, task.test_predictions_csv(contents.verdict))
    figures.draw(contents, folder.figures, figures.own(own))
    return Finished(contents, text, workbook)
