"""One run of a prepared study: opens its folder, searches, tests the best and writes the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from pipeline import models, running_time, saved_models, space
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

LISTED: Final = 5  # rows of the workbook in a sentence

Lend = Callable[[Callable[[Training], saved_models.Common]], Borrow]
"""Makes a function that copies trainings of another study, given what the models of this one are saved with."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The result of a run."""

    contents: Contents
    summary: str  # Markdown, also in summary.md
    workbook: Path


def launch(
    prepared: PreparedRun, *, observe: Observe, say: Say, stop: Callable[[], bool], lend: Lend | None = None
) -> Finished:
    """Run or resume the study; trainings that `lend` has from another study are copied instead of trained.

    `observe` gets the events, `say` sentences for the user. Raise StoppedError once `stop` returns True, DiskFailed
    if the disk is full, and UserError if the folder cannot be used; everything finished is then on the disk.
    """
    if stop():
        raise StoppedError
    began, folder = running_time.seconds(), StudyFolder(prepared.settings.study)
    room = _room(prepared)
    room.check()
    with lock.held(folder.path):
        identity.check(folder.path, prepared.identity.fingerprint)
        if not folder.journal.exists():
            _write_identity(prepared)  # a journal never exists without it
        with open_journal(folder.journal) as journal:
            _write_identity(prepared)  # after the journal was read: if that is damaged, nothing is written
            rows, common = write_rows(prepared, journal.repeats)
            saved_models.check_known(folder.path, journal.repeats, _common_of(prepared, common))
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
            contents = contents_of(prepared, result, verdict, journal.contents, running_time.seconds() - began)
            return _report(folder, contents, book, prepared.settings.figures)


def _room(prepared: PreparedRun) -> Room:
    """The disk space needed to save the models in training, a job for each worker, and the exported ones."""
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
    """Import rows that were added to the workbook, or that a lost journal had: they are not trained again."""
    epochs, workbook = prepared.settings.epochs, StudyFolder(prepared.settings.study).workbook
    known = {each.training.configuration.key for each in journal.repeats if each.training.epochs == epochs}
    known |= {row.configuration.key for row in journal.imported if row.epochs == epochs} | {prepared.plan.baseline.key}
    task, possible = prepared.rows.target.task, partial(models.impossible, prepared.settings.model)
    found = unknown(workbook, known, epochs, task=task, possible=possible)
    for remark in found.remarks:
        say(remark)
    for row in found.results:
        journal.append_imported(row)
    many = len(found.results)
    if many:
        which = "1 configuration of the workbook was" if many == 1 else f"{many} configurations of the workbook were"
        say(f"{which} not in the journal: imported, and not trained again.")
    outside = [row.source for row in found.results if not space.contains(prepared.space, row.configuration)]
    if outside:
        say(
            f"Outside of the search space {prepared.settings.space}, which finds none like it:"
            f" {'; '.join(outside[:LISTED])}{f' and {len(outside) - LISTED} more' if len(outside) > LISTED else ''}."
            " It counts like the others."
        )


def _viewer(prepared: PreparedRun, journal: Journal) -> Callable[[frozenset[str], Mapping[str, float]], View]:
    """A function that makes the view of the workbook from the journal's current contents."""
    return lambda elite, test: workbook_view(prepared, journal.contents, elite, test)


def _watched(observe: Observe, notices: Notices, book: Book, say: Say) -> Observe:
    """The observer, extended by what a run itself does at every committed repeat."""

    def watch(event: Event) -> None:
        observe(event)
        if isinstance(event, Committed):
            for sentence in notices.of(event.repeat):
                say(sentence)
            book.refresh()

    return watch


def _common_of(
    prepared: PreparedRun, common: Sequence[saved_models.Common]
) -> Callable[[Training], saved_models.Common]:
    """What the model of a training is saved with."""
    return lambda training: common[training.index if prepared.settings.folds else 0]


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
    """The evaluator of the study: trials are answered by the journal, by a lender, or by training on workers."""
    settings, study = prepared.settings, prepared.settings.study
    train = TrainJobs(tuple(each.digest for each in rows), prepared.protocol)

    common_of = _common_of(prepared, common)

    def needs(job: Job) -> Sequence[Parcel]:
        return (*prepared.code, rows[job.trainings[0].index if settings.folds else 0])

    def save(trained: Trained) -> str:
        # Trainings with fewer epochs only select configurations: they are recorded without models.
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
    """Write the summary, the tables and the figures."""
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
