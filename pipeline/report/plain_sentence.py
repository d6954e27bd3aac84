"""The result in one plain sentence: how many configurations are as good, and the gain over the default network."""

from __future__ import annotations

import math

from pipeline.analysis.gap import Gap, gap
from pipeline.report.contents import Contents
from pipeline.report.wording import duration, escaped, number, rounded
from pipeline.trial import Summary


def plainly(contents: Contents) -> str:
    """One sentence: how many configurations are as good as the best, the smallest, and the gain on the test rows.

    Empty if nothing was trained twice.
    """
    group, verdict = contents.group, contents.verdict
    if not group.members or not verdict.best:
        return ""
    many = len(group.members)
    clauses = [f"{many} of {group.compared} configurations {'is' if many == 1 else 'are'} as good as the best"]
    if many == 1:
        clauses = [_alone(group.compared - 1)]
    smallest, fastest = group.smallest, group.fastest
    if smallest is not None:
        clauses.append(f"the smallest of them has {smallest.weights:,} weights ({_name(contents, smallest)})")
    if fastest is not None and fastest != smallest:
        clauses.append(f"the fastest trains in {duration(fastest.seconds)} ({_name(contents, fastest)})")
    if many == 1:
        del clauses[1:]
    default = verdict.default
    best = verdict.best[0]
    if default is not None and best.summary.key != default.summary.key:
        clauses.append(_gained(gap(best, default, contents.repeats)))
    return "; ".join(clauses) + "."


def _alone(others: int) -> str:
    if not others:
        return "Only one configuration was trained often enough to be compared"
    if others == 1:
        return "The other configuration is not as good as the best"
    return f"None of the other {others} configurations is as good as the best"


def _name(contents: Contents, summary: Summary) -> str:
    return escaped(contents.naming.title(summary.configuration))


def _gained(difference: Gap) -> str:
    if not math.isfinite(difference.mean):
        return "the best cannot be compared with the default network"
    word = "better" if difference.mean >= 0 else "worse"
    size = number(abs(difference.mean))
    if difference.low is not None and difference.high is not None:
        size = rounded(abs(difference.mean), (difference.high - difference.low) / 2)
        if difference.low <= 0.0 <= difference.high:
            return f"the best is not significantly different from the default network ({word} by {size} on test rows)"
    return f"the best is {word} than the default network by {size} on test rows"
