"""The benchmark's arguments, the names of its figures, and a tiny run of every contestant that is installed."""

import importlib.util
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.errors import UserError
from pipeline.workers.slots import available_cores
from scripts.benchmark import command, plan, report
from scripts.benchmark.command import Bench
from scripts.benchmark.contestants import NEEDS, operations
from scripts.benchmark.process import Worker
from scripts.benchmark.report import Figure, figure

ROOT = Path(__file__).parents[2]
TINY = replace(
    plan.QUICK, rounds=2, seconds=0.0, least={"diabetes": 1, "california": 1}, epochs={"diabetes": 2, "california": 1}
)


@pytest.fixture
def bench(tmp_path):
    return Bench(available_cores()[-1], tmp_path, tmp_path, Console(file=io.StringIO()))


def told(bench):
    return bench.console.file.getvalue()


def test_every_figure_to_reach_is_named_as_the_measurement_names_it():
    """Costs as they would be measured, from which all ratios follow."""
    figures: dict[str, Figure] = {}
    for name in ("diabetes", "california"):
        each = plan.Data(name, "", {}, Path(f"{name}.npz"), _rows())
        labels = [label for label, _ in plan.cases(each, plan.QUICK, Path())]
        rounds = {label: [1.0, 2.0] if "_engine" in label else [40.0, 50.0] for label in labels}
        figures |= command.compared(name, rounds) | (command.arithmetic(each, rounds) if name == "california" else {})
    steady = {name for name in report.TO_REACH if not name.startswith(("end_to_end", "two_workers"))}
    assert steady <= set(figures)
    assert (figures["california_vs_torch"].value, figures["california_vs_torch"].low) == (32.5, 25.0)
    assert {"diabetes_ms", "california_ms"} <= set(report.flat(figures))


def _rows():
    from pipeline.data import tables
    from pipeline.data.rows import prepare_rows

    table = tables.read("builtin:diabetes", targets=("target",))
    return prepare_rows(table, validation=0.2, test=0.2, seed=0, input_scaler="standard", output_scaler="standard")[0]


def test_spread_is_beside_each_median():
    assert report.flat({"a": figure([3.0, 1.0, 2.0])}) == {"a": 2.0, "a_low": 1.0, "a_high": 3.0}
    assert str(figure([2.0])) == "2"
    assert str(figure([3.0, 1.0, 2.0])) == "2 (1-3)"


def test_operations_of_one_layer_by_hand():
    assert operations(10, 5, 3, (4,)) == (6 * 10 + 2 * 5) * (3 * 4 + 4 * 1)


def test_a_core_that_is_not_there_and_a_part_that_is_not_there_are_refused(capsys):
    with pytest.raises(UserError, match="core 9999"):
        command.chosen_core(9999)
    assert command.chosen_core(None) == available_cores()[-1]
    assert command.main(["--core", "9999"]) == 2
    with pytest.raises(SystemExit):
        command.main(["--parts", "steady,lunch"])
    assert "lunch" in capsys.readouterr().err


def test_the_script_says_what_it_takes():
    script = [sys.executable, str(ROOT / "scripts" / "benchmark_training.py"), "--help"]
    answer = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert all(option in answer for option in ("--core", "--quick", "--json", "--out"))


def test_a_library_that_is_not_installed_is_left_out_and_said(bench, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not command.available("torch", bench.console)
    assert "torch is not installed" in told(bench)
    assert command.available("engine", bench.console)


@pytest.mark.slow
def test_a_tiny_run_of_the_steady_cost(bench, tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "PLACES", ())
    given = plan.data(tmp_path)
    figures = command.steady({"diabetes": given["diabetes"]}, TINY, bench)
    libraries = {"engine", "keras", "sklearn", "torch"} - {
        name for name, module in NEEDS.items() if importlib.util.find_spec(module) is None
    }
    assert {f"diabetes_{library}_ms" for library in libraries} <= set(figures), told(bench)
    assert figures["diabetes_vs_keras"].low > 1
    assert all(value > 0 for value in report.flat(figures).values())
    json.dumps(report.flat(figures))
    assert "diabetes_ms" in figures
    assert list(report.tables(figures))


@pytest.mark.slow
def test_a_contestant_that_fails_is_told_and_the_others_go_on(bench, tmp_path):
    given = plan.data(tmp_path)["diabetes"]
    cases = dict(plan.cases(given, TINY, tmp_path))
    broken = replace(cases["diabetes_sklearn"], rows=str(tmp_path / "absent.npz"))
    with Worker("sklearn", [bench.core], tmp_path / "log") as worker:
        both = {"good": cases["diabetes_sklearn"], "bad": broken}
        rounds, first = command.in_turn(both, {"sklearn": worker}, 1, TINY, bench.console)
    assert set(rounds) == set(first) == {"good"}
    assert len(rounds["good"]) == TINY.rounds
    assert "bad: DamagedFile" in told(bench)


def test_the_picture_is_drawn_from_what_there_is(tmp_path):
    assert report.draw({}, tmp_path / "none.png") is None
    names = ["california_engine_ms", "california_1000_rows_keras_ms", "diabetes_engine_20_places_ms"]
    names += ["california_128_units_torch_ms"]
    picture = report.draw({name: figure([1.0, 2.0]) for name in names}, tmp_path / "some.png")
    assert picture is not None
    assert picture.read_bytes().startswith(b"\x89PNG")
