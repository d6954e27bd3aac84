"""Tolerances: how far off a prediction may be to be acceptable, as a share of the measured value or in its units."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.errors import UserError

_FIGURE: Final = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A prediction is within if its error is at most `share` of the measured value, or at most `size`."""

    share: float = 0.0  # of the absolute measured value
    size: float = 0.0  # in original units

    @classmethod
    def of(cls, name: str, given: object) -> Tolerance:
        """Read `5%`, `0.01` or `5%|0.01` (within either). Raise UserError, naming the target, for anything else."""
        found = {"share": 0.0, "size": 0.0}
        parts = [part.strip() for part in str(given).split("|")]
        for part in parts:
            kind = "share" if part.endswith("%") else "size"
            figure = part.removesuffix("%").strip()
            value = float(figure) if _FIGURE.fullmatch(figure) else math.nan
            value = value / 100 if kind == "share" else value
            if not 0 < value < math.inf or found[kind] or len(parts) > 2:
                raise UserError(
                    f"The tolerance of {name!r} is wrong",
                    expected="a percentage such as 5%, a size such as 0.01, or 5%|0.01 for within either",
                    got=str(given),
                )
            found[kind] = value
        return cls(**found)

    def within(self, measured: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """Whether each prediction (...,) is within: |predicted - measured| <= max(share * |measured|, size)."""
        errors = np.abs(np.asarray(predicted, dtype=np.float64) - measured)
        found: np.ndarray = errors <= np.maximum(self.share * np.abs(measured), self.size)
        return found

    def check(self, name: str, measured: np.ndarray, rows: Sequence[str]) -> None:
        """Raise UserError for a measured value of which no prediction but itself is within: 0 under a share alone.

        `rows` say where each of the values stands.
        """
        zeros = np.flatnonzero(np.asarray(measured) == 0.0) if not self.size else np.empty(0, int)
        if len(zeros):
            raise UserError(
                f"The tolerance of {name!r} is a percentage, and it is 0 in {rows[zeros[0]]}",
                expected="values other than 0, or a size beside the percentage",
                got=f"0 in {len(zeros)} rows",
                hint=f'write --tolerance "{name}={self.share * 100:g}%|SIZE": within either',
            )

    @property
    def words(self) -> str:
        """As `of` reads it."""
        share, size = f"{self.share * 100:.12g}%", f"{self.size:g}"
        return "|".join(text for text, asked in ((share, self.share), (size, self.size)) if asked)
