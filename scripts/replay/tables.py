"""Tables of trained networks: every configuration was trained several times, so that searches can be replayed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

import numpy as np

from pipeline.errors import UserError
from pipeline.space import Choice, Integer, Parameter, Space
from pipeline.trial import Configuration

Draws = Literal["with", "without"]
ORDERED: Final = "iuf"  # kinds of numpy types with an order
FORMAT: Final = (
    "search_space_NN_name (the values of each hyperparameter), index (configurations, hyperparameters) and"
    " val_... (configurations, repeats), a loss, or an accuracy or score between 0 and 1"
)


@dataclass(frozen=True)
class Table:
    """The score of each training of every configuration of a grid; lower is better."""

    name: str
    names: tuple[str, ...]  # of the hyperparameters
    values: tuple[np.ndarray, ...]  # of each hyperparameter, as stored
    index: np.ndarray  # (configurations, hyperparameters), positions in `values`
    scores: np.ndarray  # (configurations, repeats)

    @cached_property
    def truth(self) -> np.ndarray:
        """(configurations,) means over the repeats, to evaluate recommendations; failed ones count as the worst."""
        worst = np.nanmax(np.where(np.isfinite(self.scores), self.scores, np.nan))
        return np.asarray(np.where(np.isfinite(self.scores), self.scores, worst).mean(axis=1))

    @cached_property
    def scale(self) -> float:
        """The regret of the median configuration."""
        return float(np.median(self.truth) - self.truth.min())

    @cached_property
    def space(self) -> Space:
        """The grid as contestants see it: positions for ordered values, choices for others."""
        return Space(
            tuple(
                Parameter(name, Integer(0, len(values) - 1))
                if values.dtype.kind in ORDERED
                else Parameter(name, Choice(tuple(str(each) for each in values)))
                for name, values in zip(self.names, self.values, strict=True)
            )
        )

    def regret(self, row: int) -> float:
        """The regret of a configuration, relative to that of the median one."""
        return float(self.truth[row] - self.truth.min()) / self.scale

    def configuration(self, positions: Sequence[int]) -> Configuration:
        """The configuration at these positions, in the order of `names`."""
        return Configuration.of(
            {
                name: int(position) if values.dtype.kind in ORDERED else str(values[int(position)])
                for name, values, position in zip(self.names, self.values, positions, strict=True)
            }
        )

    def row_of(self, configuration: Configuration) -> int:
        """The row of a configuration of `space`; the nearest one if the table does not have it."""
        return self.row([self._position(name, configuration[name]) for name in self.names])

    def _position(self, name: str, value: object) -> int:
        if isinstance(value, int):
            return value
        return int(np.flatnonzero(self.values[self.names.index(name)].astype(str) == value)[0])

    def row(self, positions: Sequence[int]) -> int:
        """The row at these positions; the nearest one if the table does not have it."""
        place = tuple(int(position) for position in positions)
        if place not in self._rows:
            apart = np.abs(self.index.astype(float) - np.asarray(place)) / self._sizes
            return int(np.argmin(apart.sum(axis=1)))
        return self._rows[place]

    @cached_property
    def _sizes(self) -> np.ndarray:
        return np.array([max(1, len(each) - 1) for each in self.values], float)

    @cached_property
    def _rows(self) -> dict[tuple[int, ...], int]:
        return {tuple(each): row for row, each in enumerate(self.index.tolist())}

    def score(self, row: int, repeat: int, seed: int, draws: Draws) -> float:
        """The score of training number `repeat` of a configuration in the replay number `seed`: always the same."""
        several = self.scores.shape[1]
        if draws == "with":
            drawn = np.random.default_rng(np.random.SeedSequence([seed, row, repeat])).integers(several)
        else:
            order = np.random.default_rng(np.random.SeedSequence([seed, row])).permutation(several)
            drawn = order[repeat % several]
        return float(self.scores[row, drawn])


def read(folder: Path) -> tuple[Table, ...]:
    """Every table of a folder, by name. Raise UserError for a folder without tables or a file of another format."""
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise UserError(f"There is no table in {folder}", expected="a folder with .npz files", hint="check --tables")
    return tuple(_read(file) for file in files)


def _read(file: Path) -> Table:
    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read: {error}", expected=FORMAT) from error
    spaces = sorted(name for name in arrays if name.startswith("search_space_"))
    scored = [name for name in arrays if name.startswith("val_")]
    if not spaces or len(scored) != 1 or "index" not in arrays:
        raise UserError(f"{file} is not a table of trained networks", expected=FORMAT, got=", ".join(arrays))
    values, index = arrays[scored[0]].astype(float), arrays["index"].astype(int)
    if index.shape != (len(values), len(spaces)) or values.ndim != 2:
        raise UserError(f"The arrays of {file} do not fit together", expected=FORMAT)
    lower = any(word in scored[0] for word in ("loss", "err", "mse", "mae", "rmse"))
    names = tuple(name.removeprefix("search_space_").partition("_")[2] for name in spaces)
    return Table(file.stem, names, tuple(arrays[name] for name in spaces), index, values if lower else 1 - values)
