"""The folder of a comparison: each file name is written here and nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.errors import UserError
from pipeline.study_folder.layout import StudyFolder

PAGE: Final = "comparison.md"
LINES: Final = "comparison.csv"  # one for each method
SEEDS: Final = "seeds.csv"  # one for each method and seed
PROGRESS: Final = "progress.png"
SCORES: Final = "scores.png"
IMPORTANCE: Final = "importance.png"
NAMES: Final = (PAGE, LINES, SEEDS, PROGRESS, SCORES, IMPORTANCE)
_STUDY: Final = re.compile(r".+-\d+", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class ComparisonFolder:
    """The paths of a comparison's files: a page, tables and pictures, and a study for each method and seed."""

    path: Path

    def study(self, method: str, seed: int) -> Path:
        """The folder of the study of a method with a seed; a method `module:object` is named without the colon."""
        return self.path / f"{method.replace(':', '.')}-{seed}"

    @property
    def exists(self) -> bool:
        """True for a folder that holds a comparison: a study in it has come to its outcome, before which nothing of
        `NAMES` is written.
        """
        entries = self.path.iterdir() if self.path.is_dir() else ()
        return any(_STUDY.fullmatch(each.name) and StudyFolder(each).outcome.is_file() for each in entries)

    def check_free(self) -> None:
        """Raise UserError for files of others that a comparison in this folder would overwrite."""
        taken = [] if self.exists else [name for name in NAMES if (self.path / name).exists()]
        if taken:
            raise UserError(
                f"{self.path} has files that a new comparison would overwrite",
                expected="a new or empty folder, the folder of a comparison, or one without files of these names",
                got=", ".join(taken),
                hint="use another --folder, or move them away",
            )
