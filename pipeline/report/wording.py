"""How values are written for readers: configurations, numbers, durations, Markdown cells."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.models import LAYERS, Layers
from pipeline.ranking.statistics import Range
from pipeline.space import Space
from pipeline.tasks import Metric, Task
from pipeline.tasks.naming import all_distinct
from pipeline.trial import Configuration, Summary, Value

MAE, R2, WITHIN = "mae", "r2", "within"  # metrics of `tasks.regression`
STRUCTURE = ("hidden_layers", "units")  # shown in separate columns
NAMED = 4  # most hyperparameters in the name of a configuration


def layers(count: int | None) -> str:
    """`3 hidden layers`, `1 hidden layer`, or `all configurations` if the number is unknown."""
    if count is None:
        return "all configurations"
    return f"{count} hidden layer{'' if count == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Naming:
    """How the configurations of a study are named: by their layers, or by the other hyperparameters searched."""

    layers: Layers = LAYERS
    searched: tuple[str, ...] = STRUCTURE  # the hyperparameters that have several values in the space

    @classmethod
    def of(cls, layers: Layers, space: Space) -> Naming:
        """The naming for configurations of a space, of a model with such layers."""
        return cls(layers, tuple(each.name for each in space.parameters if each.domain.size != 1))

    def depth(self, configuration: Configuration) -> int | None:
        """The number of hidden layers; None if the configuration does not define it."""
        return self.layers.depth(configuration)

    def neurons(self, configuration: Configuration) -> str:
        """The units of the layers as `37-41-35`; `none` without hidden layers, empty if not defined."""
        units = self.layers.of(configuration)[1]
        if units is None:
            return ""
        if isinstance(units, tuple):
            return "-".join(written(each) for each in units) or "none"
        return written(units)

    def title(self, configuration: Configuration) -> str:
        """The name of a configuration in a sentence, never empty.

        Its layers and neurons if those were searched, or else the first values that were: `learning_rate 0.0305`.
        """
        structure = self._structure(configuration)
        if structure and not set(self.searched).isdisjoint(self.layers.names):
            return structure
        found = others(configuration, sorted(self.searched)[:NAMED])
        return found or structure or others(configuration, sorted(configuration.as_dict())[:NAMED])

    def _structure(self, configuration: Configuration) -> str:
        units, count = self.neurons(configuration), self.depth(configuration)
        parts = [layers(count)] if count is not None else []
        if units and units != "none":
            parts.append(f"{units} neurons")
        return " with ".join(parts)


def written(value: Value) -> str:
    """A hyperparameter's value with at most four significant digits."""
    if isinstance(value, tuple):
        return "[" + ", ".join(written(each) for each in value) + "]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def varying(configurations: Iterable[Configuration]) -> tuple[str, ...]:
    """The sorted names with more than one value in these configurations, except layers and neurons."""
    values: dict[str, set[tuple[str, Value]]] = {}
    for configuration in configurations:
        for name, value in configuration.items:
            values.setdefault(name, set()).add((type(value).__name__, value))
    return tuple(sorted(name for name, seen in values.items() if len(seen) > 1 and name not in STRUCTURE))


def others(configuration: Configuration, names: Sequence[str]) -> str:
    """The named hyperparameters as `activation relu, dropout 0.1`; those that the configuration lacks are left out."""
    values: Mapping[str, Value] = configuration.as_dict()
    return ", ".join(f"{name} {written(values[name])}" for name in names if name in values)


def number(value: float | None) -> str:
    """Four significant digits; a dash for an unknown value, `failed` for infinity and NaN."""
    if value is None:
        return "-"
    if not math.isfinite(value):
        return "failed"
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.3e}"
    return f"{value:.{_decimals(value, 4)}f}"


def range_of(metric: Metric) -> Range:
    """The values that a metric can have."""
    return Range(metric.low, metric.high)


def with_bounds(mean: float, low: float | None, high: float | None, within: Range) -> str:
    """`0.271 (0.259 to 0.284)`, with two digits of the interval's half width; only the mean without an interval.

    `within` are the values that the quantity can have: the interval is cut there.
    """
    mean, low, high = within.cut(mean, low, high)
    if low is None or high is None or not all(map(math.isfinite, (mean, low, high))):
        return number(mean)
    half = (high - low) / 2
    largest = max(abs(mean), abs(low), abs(high))
    if largest and not 1e-3 <= largest < 1e6:
        return f"{mean:.3e} ({low:.3e} to {high:.3e})"
    digits = min(_decimals(half, 2), 6) if half > 0 else _decimals(mean, 4)
    return f"{mean:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def scored(task: Task, mean: float, low: float | None = None, high: float | None = None) -> str:
    """A value of the objective as people know it, with its interval as `with_bounds` has it."""
    return with_bounds(*task.shown_bounds(mean, low, high), Range(*task.ends))


def score(task: Task, value: float) -> str:
    """A value of the objective as people know it, as `number` has it."""
    return number(task.shown(value))


def rounded(value: float, half: float) -> str:
    """`0.031 +- 0.006`: two digits of the half width, and the value with as many decimals."""
    if not half > 0:
        return number(value)
    digits = min(_decimals(half, 2), 6)
    return f"{value:.{digits}f} +- {half:.{digits}f}"


def _decimals(value: float, significant: int) -> int:
    return max(0, significant - 1 - math.floor(math.log10(abs(value)))) if value else 1


def duration(seconds: float) -> str:
    """`9 ms`, `0.8 s`, `42 s`, `3 min 20 s` or `2 h 05 min`."""
    if 0 < seconds < 0.0995:
        return f"{max(1, round(1000 * seconds))} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def capital(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def count(many: int, thing: str) -> str:
    """`1 training`, `2 trainings`."""
    return f"{many} {thing}{'' if many == 1 else 's'}"


def usable(summary: Summary) -> bool:
    """True if the configuration may be the best: every repeat succeeded."""
    return summary.failures == 0 and math.isfinite(summary.mean)


_SPECIAL = re.compile(r"[\\`*|<>\[\]#~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def escaped(text: str) -> str:
    """Escape a text for one line of Markdown, such as a table's cell: nothing in it is markup."""
    return _SPECIAL.sub(lambda match: "\\" + match.group(), " ".join(text.split()))


def table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A Markdown table of escaped cells and distinct headers; the first `left` columns align left, the others right."""
    marks = [":--" if position < left else "--:" for position in range(len(header))]
    names = [escaped(each) for each in all_distinct(header, "2")]
    lines = [names, marks, *([escaped(each) for each in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
