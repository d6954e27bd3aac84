"""Summaries of repeats: the answers to trials, which are derived and never stored."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from pipeline.ranking.statistics import bounds, interval
from pipeline.trial import Configuration, Imported, Repeat, Summary


def summarise(configuration: Configuration, epochs: int, repeats: Sequence[Repeat]) -> Summary:
    """Summarise the repeats, at least one, of one configuration with one limit of epochs; their order is irrelevant."""
    ordered = sorted(repeats, key=lambda repeat: repeat.training.index)
    good = [repeat for repeat in ordered if repeat.objective is not None]
    values = [repeat.objective for repeat in good if repeat.objective is not None]
    mean, std, low, high = interval(values)
    return Summary(
        configuration=configuration,
        stage=ordered[0].stage,
        epochs=epochs,
        repeats=len(good),
        failures=len(ordered) - len(good),
        mean=mean,
        std=std,
        low=low,
        high=high,
        best=min(values, default=None),
        worst=max(values, default=None),
        scores=_mean_scores(good),
        epochs_run=statistics.fmean(repeat.epochs_run for repeat in good) if good else 0.0,
        seconds=statistics.fmean(repeat.seconds for repeat in ordered),
        weights=max((repeat.weights for repeat in good), default=0),
    )


def summarise_imported(row: Imported) -> Summary:
    """The summary of an imported result, with the interval that follows from its deviation and repeats."""
    low, high = bounds(row.mean, row.std, row.repeats)
    return Summary(row.configuration, "imported", row.epochs, row.repeats, 0, row.mean, row.std, low, high)


def _mean_scores(good: Sequence[Repeat]) -> dict[str, dict[str, float]]:
    if not good:
        return {}
    return {
        output: {metric: statistics.fmean(repeat.scores[output][metric] for repeat in good) for metric in metrics}
        for output, metrics in good[0].scores.items()
    }


def summaries(repeats: Iterable[Repeat], imported: Iterable[Imported]) -> tuple[Summary, ...]:
    """One summary for each configuration and epoch limit, sorted by key; own repeats take precedence over imports."""
    groups: dict[tuple[str, int], list[Repeat]] = {}
    configurations: dict[str, Configuration] = {}
    for repeat in repeats:
        configuration = repeat.training.configuration
        configurations[configuration.key] = configuration
        groups.setdefault((configuration.key, repeat.training.epochs), []).append(repeat)
    own = [summarise(configurations[key], epochs, each) for (key, epochs), each in sorted(groups.items())]
    others = [summarise_imported(row) for row in imported if (row.configuration.key, row.epochs) not in groups]
    return tuple(sorted((*own, *others), key=lambda summary: (summary.key, summary.epochs)))
