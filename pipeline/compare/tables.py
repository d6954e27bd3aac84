"""A comparison as text: Markdown for people, CSV for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from pipeline.analysis.importance import Importance, Part
from pipeline.compare.figures import LEVEL, Comparison, Line, Mean, apart
from pipeline.compare.pairs import Pair
from pipeline.report.importance import nothing
from pipeline.report.wording import duration, number, table, with_bounds

PAIRS = 10  # of hyperparameters that are listed


def page(comparison: Comparison) -> str:
    """The whole comparison as Markdown; equal comparisons give equal text."""
    return "\n\n".join(_sections(comparison)) + "\n"


def _sections(comparison: Comparison) -> Iterator[str]:
    seeds = len(comparison.seeds)
    yield "# Methods compared"
    yield methods(comparison.lines, seeds)
    yield costs(comparison.lines)
    yield (
        f"{comparison.objective[:1].upper()}{comparison.objective[1:]}, lower is better; means over {seeds} seeds with"
        " 95 % intervals. Each seed splits the rows anew, so the intervals of the scores are wide and differences are"
        " judged in pairs. *Validation* chose what is recommended, and flatters it; *test* rows were used once."
        f" *To default* is the test score in units of the default network's. Each search was given {comparison.budget};"
        f" a training is counted as the part of {comparison.epochs} epochs that it was allowed, restarts included."
        " *Shared* is the part of a method's trainings that another's study had already: looked up, and counted like"
        f" all others. *Reached* is {comparison.target}: in how many seeds, and the median of the trainings and of the"
        " seconds of training until then."
    )
    yield "## What can be told apart"
    yield apart(comparison.pairs, {line.method: line.test.value for line in comparison.lines})
    yield differences(comparison.pairs)
    yield "## What decides the score"
    yield from _importance(comparison.importance)


def methods(lines: Sequence[Line], seeds: int) -> str:
    """The scores of each method, and when it had the score to reach."""
    header = ["Method", "Validation", "Test", "To default", "Reached", "Trainings to it", "Seconds to it"]
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
    """What each method has tried and spent, means over the seeds."""
    header = ["Method", "Configurations begun", "Trained in full", "Trainings", "Shared", "Seconds of training"]
    rows = [
        [
            line.method,
            f"{max(line.configurations, line.screened):.1f}",
            f"{line.configurations:.1f}",
            f"{line.trainings:.1f}",
            f"{line.borrowed:.0%}",
            duration(line.seconds),
        ]
        for line in lines
    ]
    return table(header, rows)


def _bounded(mean: Mean) -> str:
    return with_bounds(mean.value, mean.low, mean.high)


def differences(pairs: Sequence[Pair]) -> str:
    """A row for each pair of methods, the least likely first."""
    ordered = sorted(pairs, key=lambda pair: (pair.chance is None, pair.chance, pair.one, pair.other))
    rows = [
        [
            f"{pair.other} - {pair.one}",
            with_bounds(pair.mean, pair.low, pair.high),
            "-" if pair.chance is None else f"{pair.chance:.4f}",
            "-" if pair.adjusted is None else f"{pair.adjusted:.4f}",
            "yes" if pair.apart(LEVEL) else "no",
        ]
        for pair in ordered
    ]
    return table(["Test score", "Difference", "p", "p after Holm", "Told apart"], rows)


def _importance(found: Importance) -> Iterator[str]:
    if not found.meaningful:
        yield nothing(found)
        return
    yield (
        f"Parts of the variance of the score over the space, by functional ANOVA of a random forest fitted to"
        f" {found.configurations} measured configurations (the logarithm of the validation score in units of the"
        f" default network's), with the deviation over its trees. The forest explains {found.explained:.0%} of the"
        " variance of configurations that it was not fitted to."
    )
    yield parts("Hyperparameter", found.of(1))
    yield parts("Pair, beyond both alone", found.of(2)[:PAIRS])


def parts(header: str, found: Sequence[Part]) -> str:
    """A row for each part, largest first."""
    return table(
        [header, "Part of the variance", "Deviation over trees"],
        [[" and ".join(each.names), f"{each.mean:.1%}", f"{each.deviation:.1%}"] for each in found],
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
    """What every method came to with every seed."""
    header = "method,seed,validation,test,trainings,seconds\n"
    return header + "".join(f"{method},{seed},{','.join(map(repr, rest))}\n" for method, seed, *rest in rows)


def brief(line: Line) -> str:
    """One line for the terminal."""
    return f"{line.method}: test {number(line.test.value)} after {line.trainings:.1f} trainings"
