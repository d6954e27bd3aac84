"""The end of a run: the best configurations, the default network and the ensembles on the test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline import saved_models, tasks
from pipeline.analysis.ensemble import NAMES, Ensemble, choose, examined
from pipeline.analysis.verdict import Tested, Verdict, judge, tested
from pipeline.baselines.constant import constant
from pipeline.data.rows import Rows
from pipeline.data.tables import Table
from pipeline.errors import UserError
from pipeline.ledger.journal import Journal
from pipeline.ledger.known import searched
from pipeline.plugins import load_object
from pipeline.ranking.order import with_models
from pipeline.run.deciding import deciding
from pipeline.run.held_out import Answers, held_out, library_of
from pipeline.run.prepared_run import PreparedRun
from pipeline.saved_models import ensembles
from pipeline.saved_models.member_files import Digests
from pipeline.study_folder.layout import StudyFolder
from pipeline.training.jobs import COMPILE_SECONDS
from pipeline.trial import Summary
from pipeline.tuning.study import Result
from pipeline.workers.places import Parcel
from pipeline.workers.pool import Workers


def verdict(prepared: PreparedRun, result: Result, journal: Journal, workers: Workers) -> Verdict:
    """Score the best models on the test rows, which are used only here; also write ensembles, decisions, Keras files.

    Raise UserError if the saved models of a configuration cannot be tested.
    """
    settings, rows = prepared.settings, prepared.rows
    study = settings.study.resolve()
    best = _best(prepared, journal)
    wanted = [*best, *([result.baseline] if result.baseline.repeats else [])]
    target, further = rows.target, tasks.metrics(settings.metrics, load_object)
    examine = saved_models.Examine.of(
        study, journal.repeats, wanted, settings.model, settings.folds, task=target.task.name
    )
    answers = _answers(examine, wanted, workers, max(settings.job_limit, COMPILE_SECONDS), prepared.code)
    _add_keras_files(study, best, answers)

    def test(summary: Summary) -> Tested:
        return tested(summary, answers[summary.key].predictions, rows.test, target, further)

    median = constant(target, rows.train, rows.test, further)
    default = test(result.baseline) if result.baseline.repeats else None
    judged = judge(target, rows.test, median, default, [test(each) for each in best], further=further)
    chosen = _ensembles(examine, rows, judged, {each.key: answers[each.key] for each in best})
    _save_ensembles(study, chosen, examine.digests)
    decided = deciding(prepared, examine, answers, [each.key for each in best], chosen)
    table, tests = prepared.table, rows.test.rows
    return replace(judged, ensembles=chosen, times=_times(table, tests), places=_places(table, tests), deciding=decided)


def _places(table: Table, rows: np.ndarray) -> tuple[tuple[str, int], ...]:
    """The file of each row, and the row in it; nothing where the number of a row says that."""
    return () if table.files.numbered else tuple(table.files.place(int(row)) for row in rows)


def _times(table: Table, rows: np.ndarray) -> tuple[str, ...]:
    """The times of some rows of a series, as the table spells them; nothing where it does not say them."""
    at = dict(zip(table.frame.index, table.times, strict=False))
    return tuple(at[row] for row in rows) if at else ()


def _best(prepared: PreparedRun, journal: Journal) -> list[Summary]:
    """The best configurations with models, as many as are tested."""
    return [*with_models(searched(journal.contents, prepared.settings.epochs))[: prepared.settings.top]]


def _answers(
    examine: saved_models.Examine, wanted: Sequence[Summary], workers: Workers, limit: float, code: Sequence[Parcel]
) -> dict[str, saved_models.Examined]:
    answers: dict[str, saved_models.Examined] = {}
    for finished in workers.run(examine, [each.key for each in wanted], limit=lambda _: limit, needs=lambda _: code):
        if finished.answer is None:
            raise UserError(
                f"The saved models of configuration {finished.job} cannot be tested",
                expected="predictions for the test rows",
                got=finished.lost,
                hint="fix that (`ledger verify` checks the models), and give the same command again: all trainings are"
                " kept",
            )
        answers[finished.job] = finished.answer
    return answers


def _add_keras_files(study: Path, best: Sequence[Summary], answers: Answers) -> None:
    for each in best:
        for name, content in answers[each.key].keras.items():
            saved_models.add(StudyFolder(study).model(each.key), name, content)


def _ensembles(examine: saved_models.Examine, rows: Rows, judged: Verdict, answers: Answers) -> tuple[Ensemble, ...]:
    """The ensembles of the best configurations' networks, selected on the validation and scored on the test rows."""
    library, found = library_of(answers), held_out(answers, rows.validation, examine)
    return tuple(
        examined(
            name,
            library,
            times,
            objective,
            predictions=np.concatenate([answer.units for answer in answers.values()]),
            best=judged.best[0].predictions,
            part=rows.test,
            target=rows.target,
        )
        for name, (times, objective) in choose(found.candidates, found.measured, found.weights, rows.target).items()
    )


def _save_ensembles(study: Path, chosen: Sequence[Ensemble], digests: Mapping[str, Digests]) -> None:
    """Write the ensembles, and delete those that an earlier run had and this one does not have."""
    made = {each.name: each for each in chosen}
    for name in NAMES:
        if name not in made:
            ensembles.remove(study, name)
            continue
        members = zip(made[name].members, made[name].times, strict=True)
        entries = [ensembles.Entry(key, index, digests[key][index], times) for (key, index), times in members]
        ensembles.save(study, name, entries)
