"""The ensembles on the page: their lines among the best configurations, and how to use them."""

from __future__ import annotations

from pipeline.analysis.ensemble import GREEDY, MEAN, Ensemble
from pipeline.ranking.statistics import DIFFERENCE
from pipeline.report.contents import Contents
from pipeline.report.wording import count, score, scored, with_bounds


def lines(contents: Contents, empty: int) -> list[list[str]]:
    """A row for each ensemble in the table of the best configurations, with `empty` cells before its scores."""
    weights = {each.summary.key: each.summary.weights for each in contents.verdict.best}
    return [
        [
            f"ensemble, {each.name}",
            *(["-"] * empty),
            score(contents.task, each.validation),
            scored(contents.task, *each.objective),
            str(len(each.members)),
            _size(sum(weights[key] for key, _ in each.members)),
            "-",
        ]
        for each in contents.verdict.ensembles
    ]


def section(contents: Contents) -> str:
    """The heading and the sentences about the ensembles; empty if there are none."""
    found = contents.verdict.ensembles
    if not found:
        return ""
    name, folder = contents.task.objective, contents.folder
    sentences = " ".join(_sentence(each, contents) for each in found)
    best = min(found, key=lambda each: each.validation)
    text = (
        f"{sentences} Intervals of ensembles are over the test rows, treated as independent, and not over seeds: each"
        " ensemble exists once. Gains are paired by row, against the mean of single networks of the best configuration."
        f" The greedy one was selected on the validation rows, so its {name} there is optimistic. An ensemble predicts"
        " like the other models:"
    )
    command = f'predicted = load_ensemble("{folder}", "{best.name}"{_model(contents)}).predict(frame)'
    return f"## The ensembles\n\n{text}\n\n```python\nfrom pipeline import load_ensemble\n{command}\n```"


def _sentence(ensemble: Ensemble, contents: Contents) -> str:
    name, many = contents.task.objective, len(ensemble.members)
    keys = count(len({key for key, _ in ensemble.members}), "configuration")
    what = {
        MEAN: f"**The mean of all {count(many, 'network')}** of the best {keys}",
        GREEDY: f"**The greedy selection**, {count(many, 'network')} of {keys} counted {sum(ensemble.times)} times,",
    }[ensemble.name]
    if many == 1:
        what = "**The greedy selection**, a single network on which no average improved,"
    mean, low, high = ensemble.gain
    size = with_bounds(*((mean, low, high) if mean >= 0 else (-mean, *_turned(high, low))), DIFFERENCE)
    where = "below" if (mean >= 0) != contents.task.higher else "above"
    insignificant = low is None or high is None or low <= 0 <= high
    verdict, default = contents.verdict, contents.verdict.default
    beaten = [
        words
        for words, level in (
            ("the default network", default.mean if default else None),
            (contents.task.constantly, verdict.constant),
        )
        if level is not None and ensemble.objective[0] < level
    ]
    better = f"It is better than {' and '.join(beaten)}." if beaten else "It beats neither baseline."
    return (
        f"{what} has the {name} {scored(contents.task, *ensemble.objective)} on the test rows,"
        f" {size} {where} that of single networks of the best configuration"
        f"{' (not significant)' if insignificant else ''}. {better}"
    )


def _turned(high: float | None, low: float | None) -> tuple[float | None, float | None]:
    return (None, None) if high is None or low is None else (-high, -low)


def _size(weights: int) -> str:
    return f"{weights:,}" if weights else "-"


def _model(contents: Contents) -> str:
    """The user's own function or task in the command that reloads the models, if it names one."""
    _, found, named = contents.load_command.partition(", model=")
    return f", model={named.split(')', 1)[0]}" if found else ""
