"""A comparison from its request to its files: runs the studies seed by seed, computes the figures, writes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline import models, space, tasks
from pipeline.analysis.importance import Importance, importance
from pipeline.compare import figures, tables
from pipeline.compare.request import BASELINE, Request
from pipeline.compare.studies import Outcome, baseline_of, outcome_of, relative, with_one_default
from pipeline.errors import UserError
from pipeline.settings import Settings
from pipeline.storage import atomic, disk_space
from pipeline.study_folder.comparison import LINES, PAGE, SEEDS, ComparisonFolder
from pipeline.study_folder.layout import StudyFolder


@dataclass(frozen=True, slots=True)
class Compared:
    """The outcomes of the methods, and everything derived from them."""

    outcomes: Mapping[str, tuple[Outcome, ...]]  # by method, one for each seed
    comparison: figures.Comparison


def compare(
    asked: Request,
    *,
    began: Callable[[str, int], None],
    finished: Callable[[Outcome], None],
    say: Callable[[str], None],
    stop: Callable[[], bool],
) -> Compared:
    """Run or resume every study, and compare the outcomes.

    Args:
        asked: The methods and seeds.
        began: Called with the method and the seed of each search, before it runs.
        finished: Called with the outcome of each search, as soon as there is one.
        say: Called with the notices of the studies, one line at a time.
        stop: Called from time to time; True ends the comparison as soon as the running trainings are saved.

    Returns:
        Outcomes and figures, the same for the same request and studies.

    Raises:
        StoppedError: `stop` was true. The same request resumes.
        UserError: A study cannot be run or resumed, or other files in the folder would be overwritten.
    """
    _check_free(asked)

    def search(settings: Settings, lenders: Sequence[Path]) -> Outcome:
        began(settings.strategy, settings.seed)
        # Shared results take no time, so the times would not be equal.
        outcome = outcome_of(settings, settings.strategy, () if asked.base.seconds else lenders, say, stop)
        finished(outcome)
        return outcome

    found = [_of_seed(asked, seed, search) for seed in asked.seeds]
    outcomes = {method: tuple(each[method] for each in found) for method in asked.methods}
    return Compared(outcomes, _comparison(outcomes, asked))


def _of_seed(asked: Request, seed: int, search: Callable[[Settings, Sequence[Path]], Outcome]) -> dict[str, Outcome]:
    """The outcomes of one seed; each study may borrow the results of those before it."""
    studies = [_study(asked.base, method, seed) for method in asked.searches]
    outcomes = [search(each, [lender.study for lender in studies[:place]]) for place, each in enumerate(studies)]
    found = with_one_default(outcomes)
    return {BASELINE: baseline_of(found[0]), **{each.method: each for each in found}}


def _study(base: Settings, method: str, seed: int) -> Settings:
    folder = ComparisonFolder(base.study).study(method, seed)
    options = base.strategy_options if method == base.strategy else None
    return base.model_copy(update={"strategy": method, "strategy_options": options, "seed": seed, "study": folder})


def _check_free(asked: Request) -> None:
    """Raise UserError, before anything is trained, where the page or a study would overwrite what others made."""
    folder = ComparisonFolder(asked.base.study)
    folder.check_free()
    for method in asked.searches:
        for seed in asked.seeds:
            StudyFolder(folder.study(method, seed)).check_free()


def _comparison(outcomes: figures.Outcomes, asked: Request) -> figures.Comparison:
    base, score = asked.base, asked.score
    return figures.Comparison(
        lines=figures.lines_of(outcomes, score),
        pairs=figures.pairs_of(outcomes),
        importance=_importance(outcomes, base),
        seeds=asked.seeds,
        objective=_objective(base.objective),
        epochs=base.epochs,
        budget=f"{base.seconds:g} seconds, and at most {base.trainings} trainings"
        if base.seconds
        else f"{base.trainings} trainings",
        target=f"a validation score of {score:g}"
        if score is not None
        else f"the final score of {figures.reference(outcomes)}",
    )


def _objective(name: str) -> str:
    """What the scores are, in words: as they are kept, so that lower is better for every objective."""
    if name == "auto":
        return "mean absolute error on scaled outputs (for classes the log loss)"
    measure = next(task.measures[name] for task in tasks.TASKS.values() if name in task.measures)
    return f"1 - {measure.header}" if measure.higher else measure.about


def _importance(outcomes: figures.Outcomes, base: Settings) -> Importance:
    """The importance over all measured configurations; one that several methods tried counts once for each seed."""
    measured = {
        (each.json, seed): (each, score)
        for seeds in outcomes.values()
        for seed, outcome in enumerate(seeds)
        for each, score in relative(outcome)
    }
    searched = models.load(base.model).complete(space.load(base.space))
    return importance(searched, list(measured.values()), seed=base.seed)


def write(compared: Compared, folder: Path, numbers: Path | None = None) -> str:
    """Write page, tables and pictures into the folder, and every figure into the JSON file `numbers`.

    Returns the page, in Markdown. Raise UserError if something cannot be written.
    """
    from pipeline.compare import pictures  # deferred: matplotlib takes a second to import

    page = tables.page(compared.comparison)
    try:
        atomic.make_folder(folder)
        for name, text in (
            (PAGE, page),
            (LINES, tables.as_csv(compared.comparison.lines)),
            (SEEDS, tables.seeds_csv(_rows(compared.outcomes))),
        ):
            atomic.replace_text(folder / name, text)
        pictures.draw(compared.outcomes, compared.comparison.importance, folder)
        if numbers is not None:
            atomic.make_folder(numbers.parent)
            atomic.replace_text(numbers, json.dumps(figures.flat(compared.comparison), indent=1, sort_keys=True) + "\n")
    except OSError as error:
        raise UserError(
            f"The comparison cannot be written: {error.filename}: {disk_space.reason_of(error)}",
            hint=f"{disk_space.advice_for(error)}, and give the same command again: nothing is trained twice",
        ) from error
    return page


def _rows(outcomes: Mapping[str, Sequence[Outcome]]) -> list[tuple[str, int, float, float, float, float]]:
    return [
        (method, each.seed, each.validation, each.test, each.trainings, each.training_seconds)
        for method, seeds in outcomes.items()
        for each in seeds
    ]
