"""The golden studies as their files and the product's public doors show them: what the maker and the tests share."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd

import pipeline

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STUDIES = ("gaps", "classes", "series", "folds", "own")
NUMPY_ALONE = ("gaps", "classes", "folds")  # perceptrons predict without Keras
MORE = {"gaps": 3, "folds": 4, "own": 3}  # repeats of the studies that are asked for one more
MODEL = {"own": "own_network:build"}
RUN = ("run_pipeline.py", "--settings", "settings.toml")
ENGINES = ("packed", "keras")
RANKED = ("rank", "stage", "elite", "{score} mean", "{score} std", "test {score}", "group", "front", "repeats")
SHEETS: dict[str, tuple[str, ...]] = {
    "Configurations": (*RANKED, "failures", "weights", "key", "configuration"),
    "Repeats": ("key", "stage", "repeat", "seed", "objective", "epochs run", "best epoch", "error"),
}
TRAINED = ("key", "configuration", "epochs", "index", "stage", "seed", "objective", "scores")
FACTS = (*TRAINED, "epochs_run", "best_epoch", "weights", "error", "model")


def call(home: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A script of the product in a fresh process, started in that folder."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(ROOT / "scripts" / script), *arguments]
    return subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=300, check=False)


def more_of(name: str) -> tuple[str, ...]:
    """The options that ask for one more training of everything."""
    return "--repeats", str(MORE[name]), "--max-repeats", str(MORE[name])


def predicting(name: str, *options: str) -> tuple[str, ...]:
    """The command that predicts the new rows of a study into `predicted.csv`."""
    own = ("--model", MODEL[name]) if name in MODEL else ()
    return "predict.py", "--study", "study", "--input", "new.csv", "--output", "predicted.csv", *options, *own


# ------------------------------------------------------------------------------------------------------------ journal


def records(home: Path) -> list[dict[str, Any]]:
    """The records of the journal, in file order."""
    return [json.loads(line)["record"] for line in (home / "study" / "ledger.jsonl").read_text().splitlines()]


def trainings(home: Path) -> list[dict[str, Any]]:
    """What the journal says of each training but for its time and place, in file order."""
    return [{name: each[name] for name in FACTS} for each in records(home) if each["kind"] == "repeat"]


def stages(home: Path) -> list[dict[str, Any]]:
    """The stages that were begun, with what each depends on."""
    return [each for each in records(home) if each["kind"] == "stage"]


def study_json(home: Path) -> dict[str, Any]:
    """The content of study.json."""
    found: dict[str, Any] = json.loads((home / "study" / "study.json").read_text())
    return found


# ----------------------------------------------------------------------------------------------------------- workbook


def workbook(home: Path) -> dict[str, list[dict[str, Any]]]:
    """The cells of the workbook that follow from the trainings, by sheet: a dictionary for each row."""
    book, found = openpyxl.load_workbook(home / "study" / "ledger.xlsx"), {}
    score = "log loss" if study_json(home)["fingerprint"].get("task") == "classification" else "MAE"
    for sheet, names in SHEETS.items():
        headers, *rows = list(book[sheet].iter_rows(values_only=True))
        wanted = [name.format(score=score) for name in names]
        found[sheet] = [{name: row[headers.index(name)] for name in wanted} for row in rows]
    return found


# ------------------------------------------------------------------------------------------- opening, in this process


def opened(home: Path) -> dict[str, Any]:
    """The group of the best and the fronts, as `pipeline` gives them."""
    group = pipeline.best_group(home / "study")
    assert group.smallest
    assert group.fastest
    return {
        "group": [_summary(each) for each in group.members],
        "compared": group.compared,
        "smallest": group.smallest.key,
        "fastest": group.fastest.key,
        "front of weights": [_summary(each) for each in pipeline.pareto_front(home / "study")],
        "front of seconds": [_summary(each) for each in pipeline.pareto_front(home / "study", "seconds")],
    }


def _summary(each: Any) -> dict[str, Any]:
    names = ("key", "stage", "epochs", "repeats", "failures", "mean", "std", "low", "high", "best", "worst", "weights")
    return {name: getattr(each, name) for name in names}


def ranking(home: Path, name: str) -> list[str]:
    """The keys of all configurations, best first, as the models are reloaded; each model is checked for that."""
    top = pipeline.load_top_models(home / "study", 50, MODEL.get(name, ""))
    return [each.key for each in top.configurations]


def predictions(home: Path, name: str) -> dict[str, dict[str, list[Any]]]:
    """What the best two configurations and both ensembles predict for the new rows, by column."""
    new, model = pd.read_csv(home / "new.csv", dtype={"code": str}), MODEL.get(name, "")
    return {
        "top 2": columns(pipeline.load_top_models(home / "study", 2, model).predict(new)),
        "greedy": columns(pipeline.load_ensemble(home / "study", "greedy", model).predict(new)),
        "mean": columns(pipeline.load_ensemble(home / "study", "mean", model).predict(new)),
    }


def columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """The columns of a table, by name."""
    return {str(name): frame[name].tolist() for name in frame.columns}


# ---------------------------------------------------------------------------------------------------------- processor


def processor(home: Path, start: Callable[..., Any] = call) -> dict[str, Any]:
    """A tiny training of each engine, done now in that folder: the SHA-256 of its weights, and what that depends on."""
    found: dict[str, Any] = {}
    for engine in ENGINES:
        small = ("--configurations", "1", "--repeats", "1", "--max-repeats", "1", "--calls", "0", "--top", "1")
        answer = start(home, *RUN, *small, "--engine", engine, "--study", engine)
        assert answer.returncode == 0, answer.stderr
        lines = [json.loads(line)["record"] for line in (home / engine / "ledger.jsonl").read_text().splitlines()]
        last = [each for each in lines if each["kind"] == "repeat"][-1]
        manifest = json.loads((home / engine / "models" / last["key"] / "manifest.json").read_text())
        found[engine] = manifest["files"]["repeat-000.npz"]
        found["device"], found["versions"] = last["device"], last["versions"]
    return {**found, "instructions": _instructions()}


def _instructions(table: Path = Path("/proc/cpuinfo")) -> str:
    """The SHA-256 of the processor's instruction sets, nothing where the system does not say: names may be vague."""
    lines: Sequence[str] = table.read_text().splitlines() if table.exists() else ()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return hashlib.sha256(flags.encode()).hexdigest() if flags else ""
