"""The end of a run: the best configurations, the default network and the ensembles on the test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline import saved_models, tasks
from pipeline.analysis.ensemble import NAMES, Candidate, Ensemble, choose, examined
from pipeline.analysis.verdict import Tested, Verdict, judge, tested
from pipeline.data.rows import Rows, load_rows, rows_file
from pipeline.errors import UserError
from pipeline.ledger.journal import Journal
from pipeline.ledger.known import ranking
from pipeline.plugins import load_object
from pipeline.run.prepare import Prepared
from pipeline.saved_models import ensembles
from pipeline.saved_models.member_files import Digests
from pipeline.study_folder.layout import StudyFolder
from pipeline.training.jobs import COMPILE_SECONDS
from pipeline.trial import Summary
from pipeline.tuning.study import Result
from pipeline.workers.pool import Workers


def verdict(prepared: Prepared, result: Result, journal: Journal, workers: Workers) -> Verdict:
    """What the test rows say: the only time that these are used. Ensembles and Keras files are in the folder then.

    UserError where the models of a configuration cannot be tested.
    """
    study, rows = prepared.settings.study.resolve(), prepared.rows
    sound = (each for each in ranking(journal.contents, prepared.settings.epochs) if each.failures == 0)
    best = [each for each in sound if each.stage not in ("baseline", "imported")][: prepared.settings.top]
    wanted = [*best, *([result.baseline] if result.baseline.repeats else [])]
    asked, target = prepared.settings, rows.target
    further = tasks.metrics(asked.metrics, load_object)
    examine = saved_models.Examine.of(study, journal.repeats, wanted, asked.model, asked.folds, task=target.task.name)
    answers = _answers(examine, wanted, workers, max(prepared.settings.job_limit, COMPILE_SECONDS))
    for each in best:
        for name, content in answers[each.key].keras.items():
            saved_models.add(StudyFolder(study).model(each.key), name, content)

    def test(summary: Summary) -> Tested:
        return tested(summary, answers[summary.key].predictions, rows.test, target, further)

    default = test(result.baseline) if result.baseline.repeats else None
    judged = judge(target, rows.test, rows.train, default, [test(each) for each in best], further=further)
    found = _ensembles(examine, rows, judged, {each.key: answers[each.key] for each in best})
    _keep(study, found, examine.digests)
    return replace(judged, ensembles=found)


def _answers(
    examine: saved_models.Examine, wanted: Sequence[Summary], workers: Workers, limit: float
) -> dict[str, saved_models.Examined]:
    answers: dict[str, saved_models.Examined] = {}
    for finished in workers.run(examine, [each.key for each in wanted], limit=lambda _: limit):
        if finished.answer is None:
            raise UserError(f"The models of configuration {finished.job} cannot be tested: {finished.lost}")
        answers[finished.job] = finished.answer
    return answers


def _ensembles(
    examine: saved_models.Examine, rows: Rows, judged: Verdict, answers: Mapping[str, saved_models.Examined]
) -> tuple[Ensemble, ...]:
    """The ensembles of the best configurations' networks: the validation rows choose them, then the test rows judge."""
    library = [(key, index) for key, each in answers.items() for index in each.indices]
    said = [units for each in answers.values() for units in each.validation]
    if examine.folds:
        candidates, measured, weights = _rounds(library, said, examine)
    else:
        candidates = [Candidate((place,), units) for place, units in enumerate(said)]
        measured, weights = rows.validation.measured, rows.validation.weights
    return tuple(
        examined(
            name,
            library,
            times,
            validation,
            predictions=np.concatenate([each.units for each in answers.values()]),
            best=judged.best[0].predictions,
            part=rows.test,
            target=rows.target,
        )
        for name, (times, validation) in choose(candidates, measured, weights, rows.target).items()
    )


def _rounds(
    library: Sequence[tuple[str, int]], said: Sequence[np.ndarray], examine: saved_models.Examine
) -> tuple[list[Candidate], np.ndarray, np.ndarray]:
    """With folds: a complete round predicts every row but the test rows, each by the network that held it out.

    So a round enters an ensemble at once. Also what was measured, and the weights, in the order of the table.
    """
    rounds: dict[tuple[str, int], list[int]] = {}
    for place, (key, index) in enumerate(library):
        rounds.setdefault((key, index // examine.folds), []).append(place)
    complete = [places for places in rounds.values() if len(places) == examine.folds]
    needed = sorted({library[place][1] for places in complete for place in places})
    held = {index: load_rows(rows_file(examine.rows, examine.folds, index)).validation for index in needed}

    def in_order(places: Sequence[int], arrays: Sequence[np.ndarray]) -> np.ndarray:
        rows = np.concatenate([held[library[place][1]].rows for place in places])
        return np.concatenate(arrays)[np.argsort(rows)]

    candidates = [Candidate(tuple(places), in_order(places, [said[place] for place in places])) for places in complete]
    if not candidates:
        return [], np.empty(0), np.empty(0)
    parts = [held[library[place][1]] for place in complete[0]]
    measured, weights = ([getattr(part, name) for part in parts] for name in ("measured", "weights"))
    return candidates, in_order(complete[0], measured), in_order(complete[0], weights)


def _keep(study: Path, found: Sequence[Ensemble], digests: Mapping[str, Digests]) -> None:
    """Write the ensembles, and take away what an earlier run had and this one has not."""
    made = {each.name: each for each in found}
    for name in NAMES:
        if name not in made:
            ensembles.remove(study, name)
            continue
        members = zip(made[name].members, made[name].times, strict=True)
        entries = [ensembles.Entry(key, index, digests[key][index], times) for (key, index), times in members]
        ensembles.save(study, name, entries)
