"""Answers trials: look up, plan, run, commit, summarise. Connects the strategy with files and workers."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from pipeline.ledger.journal import Journal, before
from pipeline.ranking.summaries import summaries, summarise, summarise_imported
from pipeline.run.events import Asked, Committed, Observe
from pipeline.training.jobs import TrainJobs, jobs_of, parts_of
from pipeline.training.protocol import Trained, seeds
from pipeline.trial import Imported, Job, Repeat, Stage, Summary, Training, Trial, plan
from pipeline.workers.places import Parcel, Place
from pipeline.workers.pool import Workers

LONGEST_ERROR: Final = 32_767  # characters: what a cell of the workbook holds


Borrow = Callable[[Training], Repeat | None]
"""Copies a training and its model from a study of the same protocol; None if that study does not have it."""


class Evaluator:
    """Answers trials from the journal and trains what is missing; every repeat is committed as soon as it is known."""

    def __init__(
        self,
        journal: Journal,
        workers: Workers,
        train: TrainJobs,
        save: Callable[[Trained], str],
        observe: Observe,
        *,
        limit: Callable[[Job], float] = lambda _: math.inf,
        start: Callable[[], None] | None = None,
        borrow: Borrow = lambda _: None,
        needs: Callable[[Job], Sequence[Parcel]] = lambda _: (),
    ) -> None:
        self._journal = journal
        # The journal's repeats by training. Nobody else appends from here on, so this index stays complete.
        self._imported = {(row.configuration.key, row.epochs): row for row in journal.imported}
        self._known = {repeat.training.identity: repeat for repeat in journal.repeats}
        self._workers = workers
        self._train = train
        self._save = save
        self._observe = observe
        self._limit = limit  # seconds after which a job counts as hung, from the end of `start`
        self._start = start
        self._borrow = borrow
        self._needs = needs
        self._stage: Stage = "baseline"
        self._best, self._epochs = math.inf, 0  # among the trainings with the most epochs

    def __call__(self, trials: Sequence[Trial]) -> tuple[Summary, ...]:
        """The summaries in the order of the trials, each of exactly the repeats that its trial asks for."""
        known = self._known
        rows = [self._imported_of(trial) for trial in trials]
        asked = [trial for trial, row in zip(trials, rows, strict=True) if row is None]
        needed = [training for trial in asked for training in trial.trainings]
        missing = plan(asked, (training for training in needed if training.identity in known))
        self._observe(Asked(self._stage, len(needed), len(needed) - len(missing), tuple(trials)))
        for trial in asked:
            self._note(trial)
        waiting = {(trial.configuration.key, trial.epochs): trial for trial in asked}
        for repeat in self._trained(missing):
            self._note(waiting[repeat.training.identity[:2]])
            self._observe(Committed(repeat, self._best))
        return tuple(
            summarise_imported(row) if row else _answer(trial, known) for trial, row in zip(trials, rows, strict=True)
        )

    def _imported_of(self, trial: Trial) -> Imported | None:
        """The imported result that answers a trial, unless it was trained here as well."""
        row = self._imported.get((trial.configuration.key, trial.epochs))
        return None if row is None or trial.trainings[0].identity in self._known else row

    def begin(self, stage: Stage, facts: Mapping[str, object]) -> tuple[Summary, ...]:
        """Open a stage, to which the following trainings belong. Return what was measured before it first began.

        `facts` are what the stage depends on. Summaries are sorted by key, because the order in which workers finish
        must not matter. All imported results count as measured before.
        """
        identity = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
        self._stage = stage
        if not any(each.stage == stage and each.identity == identity for each in self._journal.stages):
            self._journal.append_stage(stage, identity, facts)
        contents = self._journal.contents
        return summaries(before(contents, stage, identity).repeats, contents.imported)

    def _note(self, trial: Trial) -> None:
        """Let a trial count for the best so far once it has all its repeats."""
        if all(training.identity in self._known for training in trial.trainings):
            summary = _answer(trial, self._known)
            if trial.epochs > self._epochs:
                self._epochs, self._best = trial.epochs, math.inf
            if summary.failures == 0 and trial.epochs == self._epochs:
                self._best = min(self._best, summary.mean)

    def _trained(self, missing: Sequence[Training]) -> Iterable[Repeat]:
        left = []
        for training in missing:
            borrowed = self._borrow(training)
            if borrowed is None:
                left.append(training)
            else:
                yield self._record(replace(borrowed, stage=self._stage))
        jobs = jobs_of(left, self._train.protocol, self._workers.count)
        running = self._workers.run(
            self._train,
            jobs,
            kind=lambda job: job.kind,
            parts=parts_of,
            limit=self._limit,
            start=self._start,
            needs=self._needs,
        )
        for finished in running:
            if finished.answer is None:
                error = "\n".join(filter(None, (finished.lost, finished.stack)))
                for training in finished.job.trainings:
                    yield self._commit(self._lost(training, finished.place, error), finished.place)
            else:
                for trained in finished.answer:
                    yield self._commit(trained, finished.place)

    def _lost(self, training: Training, place: Place, error: str) -> Trained:
        seed = seeds(self._train.protocol.seed, training.index)[0]
        return Trained(training=training, seed=seed, seconds=0.0, threads=place.slot.threads, error=error)

    def _commit(self, trained: Trained, place: Place) -> Repeat:
        """Save the model first and append its line second: models in the journal are always on the disk."""
        repeat = Repeat(
            training=trained.training,
            stage=self._stage,
            seed=trained.seed,
            objective=trained.objective,
            scores=trained.scores,
            epochs_run=trained.epochs_run,
            best_epoch=trained.best_epoch,
            seconds=trained.seconds,
            slot=place.name,
            threads=trained.threads,
            weights=trained.parameters,
            error=trained.error[:LONGEST_ERROR],
            model="" if trained.error else self._save(trained),
            program=trained.program,
            device=trained.device,
            versions=trained.versions,
            started=trained.started,
        )
        return self._record(repeat)

    def _record(self, repeat: Repeat) -> Repeat:
        self._journal.append_repeat(repeat)
        self._known[repeat.training.identity] = repeat
        return repeat


def _answer(trial: Trial, known: Mapping[tuple[str, int, int], Repeat]) -> Summary:
    return summarise(trial.configuration, trial.epochs, [known[training.identity] for training in trial.trainings])
