"""Seams: a user's own task, model, engine, metric and figure in one study, and how many files name what is built in."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from pipeline import load_top_models, models, tasks
from pipeline.errors import UserError
from pipeline.ledger import journal
from pipeline.maintenance.audit import audit
from pipeline.maintenance.import_results import import_ledger
from pipeline.maintenance.rebuild import rebuild
from pipeline.plugins import is_reference, load_object
from pipeline.report import figures
from pipeline.training import engines

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pipeline"
PARTS = Path(__file__).parent / "outside"
OWN = ["--task", "parts:COUNTS", "--model", "parts:build", "--engine", "parts:DRAWN"]
SHOWN = ["--metrics", "parts:BIAS", "--figures", "parts_report:SIZES"]


def command(folder: Path, script: str, *words: str) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, str(ROOT / "scripts" / script), *words]
    return subprocess.run(call, capture_output=True, text=True, cwd=folder, check=False, timeout=300)


def search(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    asked = "--data table.csv --target y --space space.toml --study study --configurations 3 --repeats 1"
    asked += " --max-repeats 1 --calls 1 --elite 1 --epochs 3 --top 1 --slots cpu:1"
    return command(folder, "run_pipeline.py", *asked.split(), *words)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outside")
    for module in PARTS.glob("*.py"):
        shutil.copy(module, folder)
    counts = [(place * 7) % 13 for place in range(60)]
    pd.DataFrame({"x": range(60), "y": counts}).to_csv(folder / "table.csv", index=False)
    (folder / "space.toml").write_text('width = { type = "integer", low = 2, high = 9 }\n')
    answer = search(folder, *OWN, *SHOWN)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return folder


@pytest.mark.slow
def test_parts_of_a_users_own_run_through_a_study(home: Path) -> None:
    study = home / "study"
    trained = journal.read(study / "ledger.jsonl").repeats
    assert {each.program for each in trained} == {"drawn"}
    assert all({"mae", "doubled", "bias"} <= each.scores["y"].keys() for each in trained)
    fingerprint = json.loads((study / "study.json").read_text())["fingerprint"]
    assert (fingerprint["task"], fingerprint["engine"], fingerprint["model"]) == (OWN[1], OWN[5], OWN[3])
    assert {"task_sha256", "engine_sha256", "model_sha256"} <= fingerprint.keys()
    page = (study / "summary.md").read_text()
    for words in (
        "has **width ",
        "counted are counts of y",
        "Share within a factor of 2",
        "Bias",
        "predict how many there",
    ):
        assert words in page, words
    assert {"sizes.png", "predicted_against_measured.png"} <= {each.name for each in (study / "figures").iterdir()}
    header = [cell.value for cell in openpyxl.load_workbook(study / "ledger.xlsx")["Configurations"][1]]
    assert {"log error mean", "test log error", "y share within a factor of 2", "y bias"} <= set(header)
    before = (study / "ledger.jsonl").read_bytes()
    assert search(home, *OWN, *SHOWN).returncode == 0
    assert (study / "ledger.jsonl").read_bytes() == before


@pytest.mark.slow
def test_a_study_of_them_opens_for_who_names_them_and_imports_nothing_otherwise(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(home / "study", tmp_path / "study")
    marker = tmp_path / "imported"
    (tmp_path / "parts.py").write_text(f"open({str(marker)!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    study = Path("study")
    for name, act in (
        (OWN[3], lambda: load_top_models(study, 1)),
        (OWN[3], lambda: load_top_models(study, 1, model="elsewhere:build")),
        (OWN[1], lambda: rebuild(study, print)),
        (OWN[1], lambda: import_ledger(study, study / "ledger.xlsx", print)),
    ):
        with pytest.raises(UserError, match=name):
            act()
    (finding,) = audit(study)
    assert f"--task {OWN[1]}" in str(finding)
    assert not marker.exists()
    rows = ["--input", "table.csv", "--output", "out.csv", "--top", "1"]
    answer = command(home, "predict.py", "--study", "study", *rows, "--model", OWN[3], "--task", OWN[1])
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert list(pd.read_csv(home / "out.csv").columns) == ["y", "y spread"]
    assert command(home, "ledger.py", "verify", "study", "--task", OWN[1]).returncode == 0


def test_what_is_not_such_a_part_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "odd_parts.py").write_text("number = 7\n")
    monkeypatch.syspath_prepend(tmp_path)
    for take in (
        lambda name: tasks.use(name, load_object),
        lambda name: tasks.metrics([name], load_object),
        lambda name: figures.own([name]),
        engines.load,
    ):
        for name in ("odd_parts:number", "odd_parts:missing", "no_such_module_anywhere:number"):
            with pytest.raises(UserError, match=name.split(":")[0]):
                take(name)
    with pytest.raises(UserError, match="odd_parts:number is a task that is not part"):
        tasks.load("odd_parts:number")
    with pytest.raises(UserError, match="does not train --model convnet"):
        engines.check("packed", "convnet")


# ------------------------------------------------------------------------------------- files that name what is built in

TASK, MODEL, ENGINE = 4, 3, 2


def words_of(path: Path) -> set[str]:
    """The texts of a file that are not documentation, and the modules that it imports."""
    tree = ast.parse(path.read_text())
    documentation = {
        node.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    found = {
        str(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in documentation
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


WORDS = {path: words_of(path) for path in sorted(PACKAGE.rglob("*.py"))}


def naming(name: str, *modules: str) -> list[str]:
    """The files of the package that say the name, or import one of its modules."""
    return [
        str(path.relative_to(PACKAGE))
        for path, words in WORDS.items()
        if path.stem == name or name in words or any(module in words for module in modules)
    ]


@pytest.mark.parametrize("task", tasks.TASKS)
def test_a_task_touches_its_own_files_and_the_registry(task: str) -> None:
    assert all(not is_reference(name) for name in tasks.TASKS)
    found = naming(task, f"pipeline.tasks.{task}", f"pipeline.report.tasks.{task}")
    own = [each for each in found if not each.startswith("report/figures/")]  # each figure is a file of its own
    assert len(own) <= TASK - 1, found


@pytest.mark.parametrize("model", list(models.MODELS))
def test_a_model_touches_its_own_files_and_the_registry(model: str) -> None:
    found = naming(model, f"pipeline.models.{model}")
    engine = [each for each in found if each.startswith("training/")]  # an engine may be for one model
    assert len(found) - len(engine) <= MODEL, found
    assert not engine or model == "mlp", found


@pytest.mark.parametrize("engine", engines.ENGINES.values(), ids=lambda engine: engine.name)
def test_an_engine_touches_its_own_file_and_the_registry(engine: engines.Engine) -> None:
    # Keras is a library as well, whose version study.json has.
    found = [
        each
        for each in naming(engine.name, engine.module)
        if each not in ("study_folder/identity.py", "training/provenance.py")
    ]
    assert len({*found, engine.module.removeprefix("pipeline.").replace(".", "/") + ".py"}) <= ENGINE, found


def test_a_figure_is_one_file() -> None:
    for path in (PACKAGE / "report" / "figures").glob("*.py"):
        module = f"pipeline.report.figures.{path.stem}"
        if path.stem not in ("__init__", "theme"):
            assert not [each for each, words in WORDS.items() if module in words], module


def test_a_metric_is_one_file() -> None:
    # "mae" and the like are words of losses and pictures too: what a metric is called in tables is said once.
    for task in tasks.TASKS.values():
        for metric in task.metrics[1:]:
            found = [path for path, words in WORDS.items() if metric.header in words and "/tasks/" in str(path)]
            assert len(found) == 1, (metric, found)
