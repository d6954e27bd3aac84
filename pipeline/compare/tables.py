"""A comparison as text: Markdown for people, CSV for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from pipeline.analysis.importance import Importance, Part
from pipeline.compare.figures import LEVEL, Comparison, Line, Mean, apart
from pipeline.compare.pairs import Pair
from pipeline.ranking.statistics import DIFFERENCE, OBJECTIVE
from pipeline.report.importance import nothing
from pipeline.report.wording import count, duration, table, with_bounds

PAIRS = 10  # hyperparameters that are listed
SMALLEST = 0.001  # smallest part of the variance of a listed pair


def page(comparison: Comparison) -> str:
    """The whole comparison as Markdown; equal comparisons give equal text."""
    return "\n\n".join(_sections(comparison)) + "\n"


def _sections(comparison: Comparison) -> Iterator[str]:
    seeds = len(comparison.seeds)
    yield "# Methods compared"
    yield methods(comparison.lines, seeds)
    yield costs(comparison.lines)
    yield (
        f"Scores are the {comparison.objective}, lower is better: means over {count(seeds, 'seed')} with 95 %"
        " intervals. Each seed splits the rows differently, so these intervals are wide; differences are tested in"
        " pairs, below."
    )
    yield "\n".join(f"- {line}" for line in _columns(comparison))
    yield "## Which differences are significant"
    yield apart(comparison.pairs, {line.method: line.test.value for line in comparison.lines})
    yield differences(comparison.pairs)
    yield "## What mattered"
    yield from _importance(comparison.importance)


def _columns(comparison: Comparison) -> Iterator[str]:
    """Explain the columns of the first two tables."""
    yield (
        "The recommended configuration was selected on the *validation* rows, so that score is optimistic; the *test*"
        " rows were used only once."
    )
    yield "*Test / default* is the test score divided by that of the default network."
    yield (
        f"*Goal reached* counts the seeds in which a search found {comparison.target}; the trainings and seconds of"
        " training until then are medians."
    )
    yield (
        f"Each search was given {comparison.budget}; a training limited to fewer than {comparison.epochs} epochs counts"
        " as a fraction of one."
    )
    yield "*Shared* trainings were copied from another method's study of the same seed; they count like all others."


def methods(lines: Sequence[Line], seeds: int) -> str:
    """The scores of each method, and when it reached the goal."""
    header = ["Method", "Validation", "Test", "Test / default", "Goal reached", "Trainings until", "Seconds until"]
    rows = [
        [
            line.method,
            *(_bounded(each) for each in (line.validation, line.test, line.ratio)),
            f"{line.reached} of {seeds}",
            f"{line.reached_trainings:.1f}" if line.reached else "-",
            duration(line.reached_seconds) if line.reached else "-",
        ]
        for line in lines
    ]
    return table(header, rows)


def costs(lines: Sequence[Line]) -> str:
    """The configurations, trainings and time of each method, means over the seeds."""
    header = ["Method", "Configurations started", "Trained in full", "Trainings", "Shared", "Seconds of training"]
    rows = [
        [
            line.method,
            f"{max(line.configurations, line.screened):.1f}",
            f"{line.configurations:.1f}",
            f"{line.trainings:.1f}",
            f"{100 * line.borrowed:.0f} %",
            duration(line.seconds),
        ]
        for line in lines
    ]
    return table(header, rows)


def _bounded(mean: Mean) -> str:
    return with_bounds(mean.value, mean.low, mean.high, OBJECTIVE)


def differences(pairs: Sequence[Pair]) -> str:
    """A row for each pair of methods, the lowest p-value first."""
    ordered = sorted(pairs, key=lambda pair: (pair.chance is None, pair.chance, pair.one, pair.other))
    rows = [
        [
            f"{pair.other} - {pair.one}",
            with_bounds(pair.mean, pair.low, pair.high, DIFFERENCE),
            "-" if pair.chance is None else f"{pair.chance:.4f}",
            "-" if pair.adjusted is None else f"{pair.adjusted:.4f}",
            "yes" if pair.apart(LEVEL) else "no",
        ]
        for pair in ordered
    ]
    return table(["Test score", "Difference", "p", "p after Holm", "Significant"], rows)


def _importance(found: Importance) -> Iterator[str]:
    if not found.meaningful:
        yield nothing(found)
        return
    yield (
        "How much of the differences in score between configurations each hyperparameter decides, over the whole search"
        " space: parts of the variance (functional ANOVA of a random forest), with their deviation over its trees. It"
        f" was fitted to the validation scores of {found.configurations} configurations, divided by the default"
        " network's, as logarithms. On configurations that a tree was not fitted to (out-of-bag), it explains"
        f" {100 * found.explained:.0f} % of the variance."
    )
    yield parts("Hyperparameter", found.of(1))
    together = [each for each in found.of(2) if each.mean >= SMALLEST]
    if together:
        yield parts("Pair, beyond both alone", together[:PAIRS])


def parts(header: str, found: Sequence[Part]) -> str:
    """A row for each part, largest first."""
    return table(
        [header, "Part of the variance", "Deviation over trees"],
        [[" and ".join(each.names), f"{100 * each.mean:.1f} %", f"{100 * each.deviation:.1f} %"] for each in found],
    )


def as_csv(lines: Sequence[Line]) -> str:
    """The table of methods with all digits; intervals in columns of their own."""
    scores = ("validation", "test", "ratio")
    numbers = ["configurations", "screened", "trainings", "borrowed", "seconds", "reached"]
    numbers += ["reached_trainings", "reached_seconds"]
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    bounds = [f"{score}{end}" for score in scores for end in ("", "_low", "_high")]
    writer.writerow(["method", *bounds, *numbers])
    for line in lines:
        means: list[Mean] = [getattr(line, score) for score in scores]
        ends = [value for mean in means for value in (mean.value, mean.low, mean.high)]
        writer.writerow([line.method, *ends, *(getattr(line, name) for name in numbers)])
    return written.getvalue()


def seeds_csv(rows: Sequence[tuple[str, int, float, float, float, float]]) -> str:
    """The outcome of every method with every seed."""
    header = "method,seed,validation,test,trainings,seconds\n"
    return header + "".join(f"{method},{seed},{','.join(map(repr, rest))}\n" for method, seed, *rest in rows)
