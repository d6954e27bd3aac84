"""The files of a study: each file name is written here and nowhere else.

study.json                 settings, fingerprint and versions of the study
ledger.jsonl               the journal: the truth, a line for each training
ledger.xlsx                the workbook: what people read, drawn from the journal
rows.npz, rows-000.npz     the prepared rows that workers train with; with folds a file for each repeat
models/<key>/              the saved networks of a configuration, see `ModelFolder`
ensemble-mean.json, ...    which networks are averaged
decisions.json             of classes: how probabilities are calibrated, and thresholds, for each predictor
summary.md, best.txt, worst_rows.csv, test_predictions.csv, figures/, logs/
outcome.json               what it came to, of a study that a comparison has made

These names belong to the program (`belongs_to_study`): a new study is not made where one of them is taken, and no other
output is written to one of them. A comparison has a folder of its own with studies below it, see `comparison`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.errors import UserError

JOURNAL: Final = "ledger.jsonl"
WORKBOOK: Final = "ledger.xlsx"
IDENTITY: Final = "study.json"
WORST_ROWS: Final = "worst_rows.csv"
TEST_PREDICTIONS: Final = "test_predictions.csv"
FIGURES: Final = "figures"
MODELS: Final = "models"
LOGS: Final = "logs"
SUMMARY: Final = "summary.md"
BEST: Final = "best.txt"
LOCK: Final = ".lock"
HOLDER: Final = ".holder"
SIGNED: Final = "process "  # how the text in it begins
OUTCOME: Final = "outcome.json"
DECISIONS: Final = "decisions.json"

_ENSEMBLE: Final = re.compile(r"ensemble-([a-z]{1,20})\.json", re.ASCII)
_KEY: Final = re.compile("[0-9a-f]{16}", re.ASCII)
_LISTED: Final = 5  # names in an error
_TEMPORARY: Final = re.compile(r"\.(.+?)(?:\.[a-z0-9_]{8})?\.tmp")
_OWN: Final = re.compile(  # a whole name directly within the folder, in lower case: many file systems know no other
    r"ledger\..+|rows(-\d+)?\.npz|ensemble-.*\.json|"
    + "|".join(
        re.escape(each)
        for each in (
            IDENTITY,
            SUMMARY,
            BEST,
            WORST_ROWS,
            TEST_PREDICTIONS,
            OUTCOME,
            DECISIONS,
            LOCK,
            HOLDER,
            MODELS,
            FIGURES,
            LOGS,
        )
    ),
    re.ASCII | re.DOTALL,
)
_WEIGHTS: Final = re.compile(r"repeat-(\d{3,9})\.npz", re.ASCII)
_CURVE: Final = re.compile(r"repeat-(\d{3,9})\.curve\.json", re.ASCII)


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """The paths of one study's files; their contents are neither read nor written here."""

    path: Path

    @property
    def identity(self) -> Path:
        """The identity of the study: settings, fingerprint and versions."""
        return self.path / IDENTITY

    @property
    def journal(self) -> Path:
        """The journal, from which everything else is derived: one line for each training."""
        return self.path / JOURNAL

    @property
    def workbook(self) -> Path:
        """The workbook that people read."""
        return self.path / WORKBOOK

    @property
    def rows(self) -> Path:
        """The prepared rows, for workers; see `pipeline.data.rows.rows_file` for those of folds."""
        return (self.path / "rows.npz").resolve()

    @property
    def models(self) -> Path:
        """The folder with a folder for each configuration that has saved networks."""
        return self.path / MODELS

    def model(self, key: str) -> ModelFolder:
        """The saved networks of the configuration with that key."""
        return ModelFolder(self.models / key)

    def model_folders(self) -> Iterator[ModelFolder]:
        """The folders below `models` that are named like configurations, sorted; links are not among them."""
        for path in sorted(self.models.iterdir()) if self.models.is_dir() else ():
            if _KEY.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
                yield ModelFolder(path)

    @property
    def figures(self) -> Path:
        """The folder of the pictures."""
        return self.path / FIGURES

    @property
    def logs(self) -> Path:
        """The folder of the workers' output."""
        return self.path / LOGS

    @property
    def summary(self) -> Path:
        """The summary page in Markdown."""
        return self.path / SUMMARY

    @property
    def best(self) -> Path:
        """The best configuration, a line for each hyperparameter."""
        return self.path / BEST

    @property
    def worst_rows(self) -> Path:
        """The test rows with the largest errors."""
        return self.path / WORST_ROWS

    @property
    def test_predictions(self) -> Path:
        """The predictions of the best configuration for every test row."""
        return self.path / TEST_PREDICTIONS

    @property
    def outcome(self) -> Path:
        """What the study came to, where a comparison has made it."""
        return self.path / OUTCOME

    def ensemble(self, name: str) -> Path:
        """The file that names the members of an ensemble."""
        return self.path / f"ensemble-{name}.json"

    def ensembles(self) -> tuple[str, ...]:
        """The names of the ensembles in the folder, sorted."""
        found = (_ENSEMBLE.fullmatch(path.name) for path in self.path.glob("ensemble-*.json"))
        return tuple(sorted(each[1] for each in found if each))

    @property
    def decisions(self) -> Path:
        """How the classes of rows are decided, for each predictor of the study."""
        return self.path / DECISIONS

    @property
    def lock(self) -> Path:
        """The file that a run locks while it works on the study."""
        return self.path / LOCK

    @property
    def holder(self) -> Path:
        """The file that names the process with the lock, for people."""
        return self.path / HOLDER

    def workbooks_beside(self) -> tuple[Path, ...]:
        """The workbooks that were written beside the real one while it could not be replaced."""
        pending = sorted(self.path.glob(beside(self.workbook, "pending*").name))
        return (*pending, beside(self.workbook, "fresh"))

    @property
    def exists(self) -> bool:
        """True for a folder that a study was begun in, whatever has become of its files since."""
        return any(each.exists() or each.is_symlink() for each in (self.identity, self.journal))

    def check_free(self) -> None:
        """Raise UserError unless this is the folder of a study, or a new one would overwrite nothing of others here.

        Entries of other names may stand beside a study. An empty folder may have any name, and what a run leaves that
        was killed before it wrote study.json does not count: lock, holder, temporary files.
        """
        entries = sorted(self.path.iterdir()) if self.path.is_dir() and not self.exists else []
        taken = [each.name for each in entries if belongs_to_study(each.name) and not _harmless(each)]
        if taken:
            more = f" and {len(taken) - _LISTED} more" if len(taken) > _LISTED else ""
            raise UserError(
                f"{self.path} has files that a new study would overwrite",
                expected=f"a new or empty folder, the folder of a study (with {IDENTITY}), or one without such names",
                got=", ".join(taken[:_LISTED]) + more,
                hint="use another --study, or move them away",
            )

    def required(self) -> StudyFolder:
        """Return this folder. Raise UserError if it is not the folder of a study."""
        if not self.journal.is_file():
            raise UserError(
                f"{self.path} is not a study folder", expected=f"a folder with {JOURNAL}", hint="check the path"
            )
        return self


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """The paths of one configuration's saved networks; `index` is the number of a repeat.

    With folds, scalers and probe belong to one repeat, and `fold` is its number; without, `fold` is None.
    """

    path: Path

    @property
    def manifest(self) -> Path:
        """The SHA-256 of every other file."""
        return self.path / "manifest.json"

    @property
    def configuration(self) -> Path:
        """The hyperparameters, the kind of model, its inputs and outputs."""
        return self.path / "configuration.json"

    def preprocessing(self, fold: int | None = None) -> Path:
        """Scalers, encoders and imputers, as fitted on the training rows."""
        return self.path / f"preprocessing{_suffix(fold)}.skops"

    def probe(self, fold: int | None = None) -> Path:
        """A few rows of the user's table, unscaled."""
        return self.path / f"probe{_suffix(fold)}.json"

    def weights(self, index: int) -> Path:
        """The weights of one training, and its predictions for the probe."""
        return self.path / f"repeat-{index:03d}.npz"

    def facts(self, index: int) -> Path:
        """Its seeds, scores, threads and versions."""
        return self.path / f"repeat-{index:03d}.json"

    def curve(self, index: int) -> Path:
        """Its training loss and validation objective, epoch by epoch; models of earlier versions have none."""
        return self.path / f"repeat-{index:03d}.curve.json"

    def keras(self, index: int) -> Path:
        """The same network as a native Keras file; the top configurations have one."""
        return self.path / f"repeat-{index:03d}.keras"


def belongs_to_study(name: str) -> bool:
    """True for a name directly within a study folder that belongs to the program: a file, a folder, a temporary file.

    Names that differ in case alone count: on many file systems they are the same file.
    """
    folded = name.casefold()
    temporary = _TEMPORARY.fullmatch(folded)
    return bool(_OWN.fullmatch(temporary[1] if temporary else folded))


def _harmless(entry: Path) -> bool:
    """True for an empty folder, and for what a run leaves that was killed before it wrote anything to keep."""
    name = entry.name
    if entry.is_dir():
        return name in (MODELS, FIGURES, LOGS) and not any(entry.iterdir())
    if name == HOLDER:  # it may have been killed on the way to its first word
        return entry.read_bytes()[: len(SIGNED)] == SIGNED.encode()[: entry.stat().st_size]
    return bool(_TEMPORARY.fullmatch(name)) or (name == LOCK and entry.stat().st_size == 0)


def weights_index(name: str) -> int | None:
    """The number of the repeat whose weights are in the file of that name; None for other files."""
    found = _WEIGHTS.fullmatch(name)
    return int(found[1]) if found and name == ModelFolder(Path()).weights(int(found[1])).name else None


def curve_index(name: str) -> int | None:
    """The number of the repeat whose curve is in the file of that name; None for other files."""
    found = _CURVE.fullmatch(name)
    return int(found[1]) if found and name == ModelFolder(Path()).curve(int(found[1])).name else None


def beside(workbook: Path, word: str) -> Path:
    """The file beside a workbook that is named after it: `ledger.pending.xlsx`."""
    return workbook.with_name(f"{workbook.stem}.{word}{workbook.suffix}")


def _suffix(fold: int | None) -> str:
    return "" if fold is None else f"-{fold:03d}"
