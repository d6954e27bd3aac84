"""The decisions of a study of classes at the end of a run: fitted for each predictor that can be loaded, and saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from pipeline import saved_models
from pipeline.analysis.decisions import Decided, Deciding, HeldOut, Predictor, cheapest, decide
from pipeline.analysis.ensemble import Ensemble, mean_of
from pipeline.data.rows import Rows
from pipeline.data.splits import parts_of
from pipeline.errors import UserError
from pipeline.ranking.statistics import Bounded
from pipeline.run.held_out import Answers, HeldOutRows, held_out, library_of
from pipeline.run.prepared_run import PreparedRun
from pipeline.saved_models import decisions
from pipeline.saved_models.member_files import Digests
from pipeline.settings import Settings
from pipeline.study_folder import identity
from pipeline.tasks import FITTED, UNCALIBRATED, Target
from pipeline.tasks.decisions import Costs, costs_of, thresholded

PARTS: Final = 5  # of the held-out rows, in cross-fitting

Counts = Mapping[tuple[str, int], int]
"""The networks of a predictor, and how often each counts in the mean."""


def costs_asked(settings: Settings, target: Target) -> Costs | None:
    """The costs that the settings give, for all pairs of classes; UserError for a mistake, and for other targets."""
    if not settings.cost:
        return None
    if not target.task.chances:
        raise UserError(
            f"The task {target.task.name} has no classes whose costs could count",
            expected="--cost for classes",
            hint="leave --cost out, or use --task classification",
        )
    return costs_of(settings.cost, target.labels)


def with_calibration(settings: Settings, target: Target) -> Settings:
    """The settings with what `auto` means: fitted for new studies of classes, and as they have it for others.

    Studies of earlier versions are not calibrated unless that is asked for, so that they predict as they did.
    """
    if settings.calibration == FITTED and not target.task.chances:
        raise UserError(
            f"The task {target.task.name} has no probabilities to calibrate",
            expected="--calibration fitted for classes",
            hint="leave --calibration out",
        )
    if settings.calibration != "auto":
        return settings
    usual = FITTED if target.task.chances else UNCALIBRATED
    return settings.model_copy(update={"calibration": identity.calibration_of(settings.study) or usual})


def threshold_of(settings: Settings, target: Target) -> str:
    """The measure whose best threshold is looked for, as the objective names it; empty for none."""
    measure = target.task.measure
    found = measure is not None and not settings.cost and thresholded(measure.name, target.labels)
    return target.task.objective if found else ""


def deciding(
    prepared: PreparedRun,
    examine: saved_models.Examine,
    answers: Answers,
    best: Sequence[str],
    ensembles: Sequence[Ensemble],
) -> Deciding | None:
    """Fit the decisions of the best configurations (their keys), of the ensembles, and of the default network.

    Those that can be loaded are written into the study folder. None for a study that has nothing to decide.
    """
    settings, rows = prepared.settings, prepared.rows
    answers = {key: answers[key] for key in (*best, *(each for each in answers if each not in best))}
    costs, threshold = costs_asked(settings, rows.target), threshold_of(settings, rows.target)
    calibrates = settings.calibration == FITTED
    # Class weights are for the likeliest class, which a shift would bring back to where it is without them.
    shifts = settings.class_weights == "none" or bool(costs or threshold)
    study = settings.study.resolve()
    if not (calibrates or threshold):
        decisions.remove(study)
    if not (calibrates or threshold or costs) or not best:
        return None
    found = held_out(answers, rows.validation, examine)
    held = _held_out(prepared, found)

    def decided(name: str, counts: Counts, *, group: bool = False) -> Decided:
        predictor = _predictor(name, counts, answers, found, group)
        return decide(predictor, held, rows.test, rows.target, calibrates=calibrates, shifts=shifts, costs=costs)

    groups = _groups(answers, best)
    others = {name: counts for name, counts in _counted(ensembles).items() if counts not in groups.values()}
    loadable = [decided(name, counts, group=True) for name, counts in groups.items()]
    loadable += [decided(name, counts) for name, counts in others.items()]
    if calibrates or threshold:
        _save(prepared, loadable, examine.digests)
    default = [decided("default network", _all(answers, [key])) for key in answers if key not in best]
    always = _cheapest(costs, rows) if costs else None
    return Deciding(calibrates, shifts, costs, threshold, (*loadable, *default), always)


def _cheapest(costs: Costs, rows: Rows) -> tuple[str, Bounded]:
    target = rows.target
    frequencies = target.to_units(target.constant(rows.train.measured, rows.train.weights))
    return cheapest(costs, frequencies[0], rows.test, target.labels)


def _held_out(prepared: PreparedRun, found: HeldOutRows) -> HeldOut | None:
    if not found.candidates:
        return None
    parts = parts_of(prepared.table, found.rows, PARTS, prepared.settings.seed)
    return HeldOut(found.measured, found.weights, parts)


def _groups(answers: Answers, best: Sequence[str]) -> dict[str, Counts]:
    """The best configuration, the best two together, and so on."""
    names = ["best configuration", *(f"best {many} together" for many in range(2, len(best) + 1))]
    return {name: _all(answers, best[:many]) for many, name in enumerate(names, 1)}


def _counted(ensembles: Sequence[Ensemble]) -> dict[str, Counts]:
    return {f"ensemble, {each.name}": dict(zip(each.members, each.times, strict=True)) for each in ensembles}


def _all(answers: Answers, keys: Sequence[str]) -> Counts:
    return {(key, index): 1 for key in keys for index in answers[key].indices}


def _predictor(name: str, counts: Counts, answers: Answers, found: HeldOutRows, group: bool) -> Predictor:
    """The mean predictions of some networks, for held-out rows by those that are not trained with them."""
    library, units = library_of(answers), np.concatenate([answer.units for answer in answers.values()])
    inside = [each for each in found.candidates if all(library[place] in counts for place in each.members)]
    times = [counts[library[each.members[0]]] for each in inside]
    places = [place for place, network in enumerate(library) if network in counts]
    return Predictor(
        name,
        tuple((*network, many) for network, many in counts.items()),
        mean_of(np.stack([each.predictions for each in inside]), times) if inside else None,
        mean_of(units[places], [counts[library[place]] for place in places]),
        group,
    )


def _save(prepared: PreparedRun, decided: Sequence[Decided], digests: Mapping[str, Digests]) -> None:
    decisions.save(
        prepared.settings.study.resolve(), prepared.rows.target.labels, [_fitted(each, digests) for each in decided]
    )


def _fitted(each: Decided, digests: Mapping[str, Digests]) -> decisions.Fitted:
    fitted, calibration = each.fitted, each.decision.calibration
    return decisions.Fitted(
        name=each.name,
        networks=decisions.digest_of((key, index, digests[key][index], times) for key, index, times in each.networks),
        rows=fitted.rows if fitted else 0,
        before=fitted.loss if fitted else 0.0,
        after=fitted.best if fitted and fitted.fitted else None,
        temperature=calibration.temperature if calibration else None,
        shift=calibration.shift if calibration else None,
        threshold=each.decision.threshold,
    )
