"""The best configuration as a few lines of text."""

from __future__ import annotations

from pipeline.ranking.order import ahead, ahead_in_words, ranks, with_models
from pipeline.report.contents import Contents
from pipeline.report.wording import count, scored
from pipeline.trial import Value


def best(contents: Contents) -> str:
    """The scores of the best configuration, then one line `name = value` for each hyperparameter, exactly.

    The lines are a valid space file with only this configuration, unless a hyperparameter repeats.
    """
    found = next(iter(with_models(contents.ranking)), None)
    if found is None:
        return "# No configuration was trained here without a failure.\n"
    measure = contents.task.objective
    score = scored(contents.task, found.mean, found.low, found.high)
    lines = [
        f"# The best of {len(ranks(contents.ranking))} configurations of {contents.name}, of key {found.key}",
        f"# {measure} on validation rows: {score}, mean of {count(found.repeats, 'training')}",
    ]
    tested = next((each for each in contents.verdict.best if each.summary.key == found.key), None)
    if tested is not None:
        lines.append(f"# {measure} on test rows: {scored(contents.task, tested.mean, *tested.bounds)}")
    better = ahead(contents.ranking)
    if better:
        first = f"{measure} {scored(contents.task, better[0].mean, better[0].low, better[0].high)}"
        many = ahead_in_words(contents.ranking)
        lines.append(f"# Ahead of it, without models here: {many}, the best of key {better[0].key} with {first}")
    lines += [f"{name} = {_written(value)}" for name, value in found.configuration.items]
    return "\n".join(lines) + "\n"


def _written(value: Value) -> str:
    """The value in TOML, with all digits needed to read it back bit by bit."""
    if isinstance(value, tuple):
        return "[" + ", ".join(_written(each) for each in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)
