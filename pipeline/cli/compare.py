"""The command: runs or reads the studies, writes table, tests and pictures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markdown import Markdown

from pipeline import models, space
from pipeline.analysis.importance import importance
from pipeline.cli.console import PLAIN_WIDTH
from pipeline.cli.interrupts import Interrupts
from pipeline.compare import figures, pictures, tables
from pipeline.compare.studies import BASELINE, Outcome, baseline_of, outcome_of, relative, with_one_default
from pipeline.errors import UserError
from pipeline.report.wording import duration, number
from pipeline.settings import Settings, read
from pipeline.space import nearest
from pipeline.storage import atomic
from pipeline.tuning.strategies.registry import STRATEGIES, load_strategy
from pipeline.workers.pool import StoppedError

METHODS: Final = (BASELINE, *sorted(STRATEGIES, key=lambda name: load_strategy(name).proposes))
TRAININGS: Final = 40


def main(words: Sequence[str]) -> int:
    """Compare what the command line asks for; 2 and a clear text for what a user can mend."""
    asked = parser().parse_args(words)
    console = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    try:
        with Interrupts() as interrupts:
            try:
                compare(asked, console, interrupts)
            except StoppedError:
                console.print("Stopped. Everything finished is kept; the same command goes on.")
                return interrupts.exit_code
    except UserError as error:
        Console(stderr=True, soft_wrap=True).print(f"Error: {error}", highlight=False, markup=False)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--settings", type=Path, default=Path("search_spaces/compare_california.settings.toml"),
        help="data, space and protocol, as for a study",
    )  # fmt: skip
    options.add_argument("--data", help="the table, in place of the one in the settings")
    options.add_argument("--target", help="its target, likewise")
    options.add_argument("--space", type=Path, help="the search space, likewise")
    options.add_argument("--epochs", type=int, help="most epochs of a full training, likewise")
    options.add_argument("--folder", type=Path, help="a study folder below for each method and seed; resumes")
    options.add_argument("--methods", nargs="+", default=list(METHODS), help=", ".join(METHODS))
    options.add_argument("--seeds", type=int, default=5, help="of the split, the search and the trainings")
    options.add_argument(
        "--trainings", type=int, help="of each search, in full ones: as many epochs; of the settings, or 40"
    )
    options.add_argument(
        "--seconds", type=float,
        help="of the clock for each search, starts and compilation included: equal time. Nothing is shared then, and"
        " designs and rungs are laid out for --trainings, which still end a search: give more of them than fit",
    )  # fmt: skip
    options.add_argument("--score", type=float, help="validation score to reach; what random search ends with if not")
    options.add_argument("--slots", help="workers")
    options.add_argument("--json", type=Path, help="file for every figure: {name: value}")
    return options


def compare(asked: argparse.Namespace, console: Console, interrupts: Interrupts) -> None:
    """Run the studies seed by seed, tell what they came to and write it."""
    methods = _methods(asked.methods)
    if asked.seeds < 1:
        raise UserError("At least one seed is needed", got=str(asked.seeds), hint="give --seeds 5")
    base = _settings(asked)
    outcomes: dict[str, list[Outcome]] = {method: [] for method in methods}
    for seed in range(base.seed, base.seed + asked.seeds):
        for outcome in _of_seed(base, seed, methods, console, interrupts):
            outcomes[outcome.method].append(outcome)
    comparison = _comparison(outcomes, base, asked.score)
    _write(comparison, outcomes, base.study, asked.json, console)


def _methods(names: Sequence[str]) -> list[str]:
    for name in names:
        if name not in METHODS:
            near = nearest(name, METHODS)
            raise UserError(f"There is no method {name!r}", expected=", ".join(METHODS), hint=near)
    chosen = [method for method in METHODS if method in names]
    if chosen == [BASELINE]:
        raise UserError(
            "The baseline is the default network that every study trains: it needs a search beside it",
            hint="name another method in --methods, random for instance",
        )
    return chosen


def _settings(asked: argparse.Namespace) -> Settings:
    given: dict[str, Any] = {
        name: getattr(asked, name) for name in ("data", "target", "space", "epochs", "trainings", "seconds", "slots")
    }
    base = read(asked.settings, {**given, "study": asked.folder})
    base = base if base.trainings else read(asked.settings, {**given, "study": asked.folder, "trainings": TRAININGS})
    if base.trainings < 5 * base.repeats:
        raise UserError(
            f"{base.trainings} trainings are too few to compare searches that train everything {base.repeats} times",
            expected=f"at least {5 * base.repeats}",
            hint="give more --trainings",
        )
    return base


def _of_seed(
    base: Settings, seed: int, methods: Sequence[str], console: Console, interrupts: Interrupts
) -> list[Outcome]:
    """The outcomes of one seed; each study may borrow what those before it have trained, unless time is what counts."""
    found: list[Outcome] = []
    lenders: list[Path] = []
    for method in methods:
        if method == BASELINE:
            continue
        study = base.study / f"{method}-{seed}"
        asked = base.model_copy(update={"strategy": method, "seed": seed, "study": study})
        # What is shared takes no time, and equal time would be none.
        outcome = outcome_of(asked, method, () if base.seconds else lenders, console.print, interrupts.asked)
        found.append(outcome)
        lenders.append(study)
        console.print(
            f"{method}, seed {seed}: validation {number(outcome.validation)}, test {number(outcome.test)},"
            f" {outcome.trained} trainings that cost {outcome.trainings:.1f} full ones, {outcome.borrowed} of them"
            f" shared; {duration(outcome.seconds)}"
        )
    found = with_one_default(found)
    return [baseline_of(found[0]), *found] if BASELINE in methods else found


def _comparison(outcomes: figures.Outcomes, base: Settings, target: float | None) -> figures.Comparison:
    searched = models.load(base.model).complete(space.load(base.space))
    measured = {
        (each.json, seed): (each, score)
        for method in outcomes.values()
        for seed, outcome in enumerate(method)
        for each, score in relative(outcome)
    }
    first = next(iter(outcomes.values()))
    return figures.Comparison(
        lines=figures.lines_of(outcomes, target),
        pairs=figures.pairs_of(outcomes),
        importance=importance(searched, list(measured.values()), seed=base.seed),
        seeds=tuple(each.seed for each in first),
        objective="mean absolute error on scaled outputs (for classes the log loss)",
        epochs=base.epochs,
        budget=f"{base.seconds:g} seconds, and at most {base.trainings} trainings"
        if base.seconds
        else f"{base.trainings} trainings",
        target=f"a validation score of {target:g}"
        if target is not None
        else f"what {figures.reference(outcomes)} ends with, with the same seed",
    )


def _write(
    comparison: figures.Comparison, outcomes: figures.Outcomes, folder: Path, numbers: Path | None, console: Console
) -> None:
    text = tables.page(comparison)
    rows = [
        (method, each.seed, each.validation, each.test, each.trainings, each.training_seconds)
        for method, seeds in outcomes.items()
        for each in seeds
    ]
    atomic.replace(folder / "comparison.md", text.encode())
    atomic.replace(folder / "comparison.csv", tables.as_csv(comparison.lines).encode())
    atomic.replace(folder / "seeds.csv", tables.seeds_csv(rows).encode())
    pictures.draw(outcomes, comparison.importance, folder)
    console.print(Markdown(text))
    console.print(f"Table, tests and pictures: {folder}")
    if numbers is not None:
        numbers.parent.mkdir(parents=True, exist_ok=True)
        numbers.write_text(json.dumps(figures.flat(comparison), indent=1, sort_keys=True) + "\n")
        console.print(f"Figures: {numbers}")
