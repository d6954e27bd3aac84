"""Results with their spread: as a flat object, as tables, as a figure."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from scripts.benchmark.plan import WIDTHS

TO_REACH: Final = {
    "diabetes_vs_keras": 300.0,
    "california_vs_keras": 100.0,
    "california_dropout_vs_keras": 100.0,
    "california_vs_keras_tuned": 45.0,
    "california_vs_sklearn": 12.0,
    "california_vs_torch": 18.0,
    **{f"flops_ratio_{width}": 0.5 for width in WIDTHS},
    "end_to_end_diabetes_vs_kerastuner": 30.0,
    "end_to_end_diabetes_vs_optuna": 30.0,
    "end_to_end_california_vs_kerastuner": 60.0,
    "end_to_end_california_vs_optuna": 60.0,
    "two_workers_vs_one": 1.8,
}
COLOURS: Final = {"engine": "#0b6e4f", "keras": "#c1440e", "sklearn": "#7a6c9d", "torch": "#d99b2b"}
WORDS: Final = {"engine": "this engine", "keras": "Keras fit", "sklearn": "scikit-learn", "torch": "PyTorch loop"}


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of some rounds, and their smallest and largest value."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """The median, followed by the spread if there is one."""
        if self.low == self.high:
            return f"{self.value:.3g}"
        return f"{self.value:.3g} ({self.low:.3g}-{self.high:.3g})"


def figure(values: Sequence[float]) -> Figure:
    """Summarise the rounds, at least one."""
    return Figure(statistics.median(values), min(values), max(values))


def flat(figures: Mapping[str, Figure]) -> dict[str, float]:
    """Each figure's median under its name, its spread under NAME_low and NAME_high."""
    numbers: dict[str, float] = {}
    for name, each in figures.items():
        numbers |= {name: each.value, f"{name}_low": each.low, f"{name}_high": each.high}
    return numbers


def tables(figures: Mapping[str, Figure]) -> Iterator[Table]:
    """The cost of each measured contestant, then the comparison with the goals."""
    costs = sorted({match[1] for name in figures if (match := re.fullmatch(r"(?:diabetes|california)_(.+)_ms", name))})
    if costs:
        table = Table("ms per network and epoch", "diabetes", "", "california", "", title="Steady cost")
        table.columns[2].header = table.columns[4].header = "first, s"
        for name in costs:
            keys = [f"{data}_{name}{end}" for data in ("diabetes", "california") for end in ("_ms", "_first_s")]
            table.add_row(name.replace("_", " "), *(str(figures[key]) if key in figures else "" for key in keys))
        yield table
    table = Table("figure", "median (spread)", "to reach", title="Against the others")
    for name, each in figures.items():
        if name in TO_REACH:
            met = "reached" if each.value >= TO_REACH[name] else "missed"
            table.add_row(name, str(each), f"{TO_REACH[name]:g}: {met}")
        elif not name.endswith(("_ms", "_first_s")) or name in ("diabetes_ms", "california_ms"):
            table.add_row(name, str(each), "")
    yield table


def draw(figures: Mapping[str, Figure], file: Path) -> Path | None:
    """Draw the figure, unless no steady cost was measured."""
    if "california_engine_ms" not in figures:
        return None
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(13, 4.2), layout="constrained")
    by_rows, by_width, by_places = canvas.subplots(1, 3)
    for library in COLOURS:
        _line(by_rows, _points(figures, r"california_(\d+)_rows_" + library, library, 13_000), library)
        _line(by_width, _points(figures, r"california_(\d+)_units_" + library, library, WIDTHS[0]), library)
    by_rows.set(xlabel="training rows (8 inputs, 64-64 units)", ylabel="ms per network and epoch")
    by_width.set(xlabel="units of each of two layers (13,000 rows)", xscale="log")
    by_width.set_xticks(WIDTHS, [str(width) for width in WIDTHS], minor=False)
    by_width.minorticks_off()
    for data, colour in (("diabetes", "#3b6ea5"), ("california", COLOURS["engine"])):
        _line(by_places, _points(figures, data + r"_engine_(\d+)_places"), "engine", colour, data)
        if f"{data}_engine_ms" in figures:
            label = f"{data}, places by its own rule"
            by_places.axhline(figures[f"{data}_engine_ms"].value, color=colour, linestyle=":", label=label)
    by_places.set(xlabel="places (networks side by side)")
    for axes in (by_rows, by_width, by_places):
        axes.set_yscale("log")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize="small")
    by_rows.set_xscale("log")
    by_places.set_xscale("log")
    canvas.suptitle("Training on one core, validation after each epoch: median, and smallest to largest of the rounds")
    canvas.savefig(file, dpi=150)
    return file


def _points(figures: Mapping[str, Figure], pattern: str, library: str = "", at: int = 0) -> dict[int, Figure]:
    found = {int(match[1]): each for name, each in figures.items() if (match := re.fullmatch(pattern + "_ms", name))}
    if at and f"california_{library}_ms" in figures:
        found[at] = figures[f"california_{library}_ms"]
    return dict(sorted(found.items()))


def _line(axes: Any, points: Mapping[int, Figure], library: str, colour: str = "", label: str = "") -> None:
    if not points:
        return
    middle = [each.value for each in points.values()]
    spread = [[each.value - each.low for each in points.values()], [each.high - each.value for each in points.values()]]
    axes.errorbar(
        list(points), middle, yerr=spread, marker="o", markersize=4, capsize=2, linewidth=1.5,
        color=colour or COLOURS[library], label=label or WORDS[library],
    )  # fmt: skip
