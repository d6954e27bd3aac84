"""What every task promises, whichever it is: a new one is a new line of `CASES`."""

from __future__ import annotations

import csv
import io
import json
import typing
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import tasks
from pipeline.analysis import verdict as verdicts
from pipeline.baselines.constant import constant
from pipeline.data.preprocessing_file import dumps, loads
from pipeline.data.roles import Columns
from pipeline.data.rows import Part, load_rows, prepare_rows, save_rows
from pipeline.data.tables import Table
from pipeline.ranking.summaries import summarise
from pipeline.report import figures
from pipeline.report import tasks as reports
from pipeline.report.rows import worst_places
from pipeline.tasks import NOTHING_ASKED, Asked, Target, with_options
from pipeline.tasks.task import metrics_of
from pipeline.training.losses import LOSSES
from pipeline.trial import Configuration, Repeat, Training


def numbers(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    return {"y": rng.normal(5, 2, count), "z": rng.lognormal(0, 3, count)}


def classes(*labels: str) -> Callable[[np.random.Generator, int], dict[str, np.ndarray]]:
    def drawn(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        shares = np.arange(1, len(labels) + 1) / np.arange(1, len(labels) + 1).sum()
        return {"kind": np.array([*labels, *rng.choice(labels, count - len(labels), p=shares)], dtype=object)}

    return drawn


@dataclass(frozen=True, slots=True)
class Case:
    task: str
    columns: Callable[[np.random.Generator, int], dict[str, np.ndarray]]
    loss: str = "auto"
    asked: Asked = NOTHING_ASKED

    def target(self, columns: dict[str, np.ndarray]) -> Target:
        task = with_options(tasks.load(self.task), self.asked)
        weights = np.ones(len(next(iter(columns.values()))))
        return task.fit(columns, weights, "standard", task.loss(self.loss, columns))

    def drawn(self, seed: int = 0, count: int = 60) -> tuple[Target, np.ndarray]:
        columns = self.columns(np.random.default_rng(seed), count)
        target = self.target(columns)
        return target, target.measured(columns)

    def table(self, count: int = 120) -> Table:
        rng = np.random.default_rng(3)
        columns = self.columns(rng, count)
        frame = pd.DataFrame({"x": rng.normal(size=count), **columns})
        return Table(frame, Columns(tuple(columns), ("x",), ()), "made", "0", self.task)


CASES = {
    "one number": Case("regression", lambda rng, count: {"y": rng.normal(size=count)}),
    "two numbers": Case("regression", numbers),
    "two classes": Case("classification", classes("no", "yes")),
    "two classes, two logits": Case("classification", classes("no", "yes"), "categorical_crossentropy"),
    "five classes": Case("classification", classes("10", "2", "30", "4", "5")),
    "transformed, original errors": Case(
        "regression", numbers, asked=Asked(transforms={"z": "log", "y": "yeo-johnson"}, judge_on="original")
    ),
    "transformed, root of squares": Case(
        "regression", numbers, asked=Asked("rmse", transforms={"": "quantile", "y": "none"}, shares={"y": 3})
    ),
    "within tolerance": Case(
        "regression", numbers, asked=Asked("within-tolerance", {"z": "asinh"}, tolerances={"y": 0.5, "z": "5%|0.01"})
    ),
    "explained": Case("regression", numbers, asked=Asked("r2", {"": "auto"})),
    "percent": Case("regression", numbers, asked=Asked("percent-error")),
    "area under the curve": Case("classification", classes("a", "b", "c"), asked=Asked("roc-auc")),
    "Brier": Case("classification", classes("no", "yes"), asked=Asked("brier")),
}
SEARCHED = "within-tolerance"  # whose best constant is looked for among the rows alone
SPLIT = {"validation": 0.2, "test": 0.2, "seed": 1}
SCALERS: typing.Any = {"input_scaler": "standard", "output_scaler": "standard"}


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[str(request.param)]


def sharp(target: Target, measured: np.ndarray) -> np.ndarray:
    """What a network gives that is right and sure."""
    scaled = target.to_scaled(measured)
    return scaled if target.task.name == "regression" else 60.0 * (2 * scaled - 1)


def judged(target: Target, measured: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    """The objective by the measure of the study."""
    part = Part(np.empty((len(measured), 0)), target.to_scaled(measured), measured, weights, np.arange(len(measured)))
    return tasks.objective(target, part, predicted)


def test_it_says_what_it_is(case: Case) -> None:
    target, _ = case.drawn()
    task = target.task
    assert case.asked != NOTHING_ASKED or task is tasks.load(case.task)
    assert task.name == case.task in tasks.TASKS
    assert task.loss(case.loss, case.columns(np.random.default_rng(0), 60)) in task.losses
    assert task.metrics
    assert set(task.losses) <= set(LOSSES)
    assert any(task.name in figure.tasks for figure in figures.known())
    assert all(word in target.words for word in target.names)


def test_it_comes_back_from_json(case: Case) -> None:
    target, measured = case.drawn()
    again = tasks.restore(json.loads(json.dumps(target.describe(), allow_nan=False)))
    assert again == target
    assert np.array_equal(again.to_units(target.to_scaled(measured)), target.to_units(target.to_scaled(measured)))


def test_what_is_no_target_is_refused(case: Case) -> None:
    about = case.drawn()[0].describe()
    for name, value in about.items():
        wrongs: tuple[object, ...] = (None, [], {}, 7, "x", [None], [float("nan")] * 3)
        wrongs = (*wrongs, [*value, *value]) if isinstance(value, list) else wrongs
        for wrong in wrongs:
            with pytest.raises((ValueError, KeyError, TypeError)):
                tasks.restore({**about, name: wrong})
    with pytest.raises((ValueError, TypeError)):
        tasks.restore({**about, "further": 1})


def test_its_arrays_have_the_shapes_that_it_says(case: Case) -> None:
    target, measured = case.drawn(count=40)
    assert measured.shape == (40, len(target.names))
    scaled = target.to_scaled(measured)
    assert scaled.shape == (40, target.outputs)
    units = target.to_units(np.stack([scaled, scaled + 1]))
    assert units.shape[:2] == (2, 40)
    back = target.of_units(units)
    assert back.shape == (2, 40, target.outputs)
    assert target.to_units(back) == pytest.approx(units)
    assert measured.dtype == scaled.dtype == units.dtype == np.float64
    assert target.constant(measured, np.ones(40)).shape == (1, target.outputs)
    assert target.row_errors(measured, units[0]).shape == (40,)


@given(seed=st.integers(0, 999))
@settings(deadline=None, max_examples=25)
def test_lower_is_better_from_zero_on(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for case in CASES.values():
        target, measured = case.drawn(seed)
        ones = np.ones(len(measured))
        best = judged(target, measured, sharp(target, measured), ones)
        constant = np.repeat(target.constant(measured, ones), len(measured), axis=0)
        other = constant + rng.normal(size=(1, target.outputs))
        known, further = judged(target, measured, constant, ones), judged(target, measured, other, ones)
        assert 0 <= best < 1e-9 < known
        assert known <= further + 1e-12 or case.asked.objective == SEARCHED


def test_the_objective_is_the_mean_of_the_rows_errors_where_it_is_one_of_rows(case: Case) -> None:
    target, measured = case.drawn()
    rng = np.random.default_rng(5)
    predicted, weights = rng.normal(size=(len(measured), target.outputs)), rng.uniform(0, 2, len(measured))
    errors = target.row_errors(measured, target.to_units(predicted))
    found = judged(target, measured, predicted, weights)
    assert found == pytest.approx(tasks.objective_of_units(target, measured, target.to_units(predicted), weights))
    if case.asked.objective == "auto":
        assert found == pytest.approx(np.average(errors, weights=weights))


def test_a_weight_of_two_counts_as_two_rows(case: Case) -> None:
    target, measured = case.drawn()
    predicted = np.random.default_rng(5).normal(size=(len(measured), target.outputs))
    twice = np.arange(len(measured)) < 20
    rows = np.concatenate([np.arange(len(measured)), np.flatnonzero(twice)])
    by_weight = tasks.scores(target, measured, target.to_units(predicted), 1.0 + twice)
    by_row = tasks.scores(target, measured[rows], target.to_units(predicted[rows]), np.ones(len(rows)))
    for name in target.names:
        assert by_weight[name] == pytest.approx(by_row[name])


def test_the_best_constant_is_that_of_the_weights_of_the_score(case: Case) -> None:
    columns, weights = case.columns(np.random.default_rng(2), 60), np.random.default_rng(7).integers(0, 5, 60)
    weights[:5] += 1  # every class counts
    rows = np.repeat(np.arange(60), weights)
    task = with_options(tasks.load(case.task), case.asked)

    def fitted(each: np.ndarray, by: np.ndarray) -> tuple[Target, np.ndarray]:
        chosen = {name: values[each] for name, values in columns.items()}
        target = task.fit(chosen, by, "standard", task.loss(case.loss, chosen))
        return target, target.constant(target.measured(chosen), by)

    target, by_weight = fitted(np.arange(60), weights.astype(np.float32))
    other, by_row = fitted(rows, np.ones(len(rows), np.float32))
    if case.asked.transforms:  # fitted to rows, whatever their weights
        chosen = {name: values[rows] for name, values in columns.items()}
        other, by_row = target, target.constant(target.measured(chosen), np.ones(len(rows)))
    assert target.to_units(by_weight) == pytest.approx(other.to_units(by_row))
    measured = target.measured(columns)
    best = judged(target, measured, np.repeat(by_weight, 60, axis=0), weights)
    for step in np.random.default_rng(3).normal(size=(200, 1, target.outputs)):
        further = judged(target, measured, np.repeat(by_weight + step, 60, axis=0), weights)
        assert best <= further + 1e-9 or case.asked.objective == SEARCHED


def test_a_row_of_weight_zero_is_not_among_the_worst(case: Case) -> None:
    target, measured = case.drawn()
    summary = summarise(Configuration.of({}), 9, [Repeat(Training(Configuration.of({}), 9, 0), "explore", 0, 0.5)])
    predicted = np.random.default_rng(5).normal(size=(1, len(measured), target.outputs))
    weights = (np.arange(len(measured)) % 4 > 0).astype(np.float32)
    outputs = target.to_scaled(measured)
    part = Part(np.zeros((len(measured), 1), np.float32), outputs, measured, weights, np.arange(len(measured)))
    nothing_known = constant(target, part, part)
    verdict = verdicts.judge(target, part, nothing_known, None, [verdicts.tested(summary, predicted, part, target)])
    places = [place for place, _ in worst_places(verdict, 1000)]
    assert sorted(places) == np.flatnonzero(weights).tolist()
    assert verdict.weighted
    text = "".join(reports.load(target.task).worst_rows_csv(verdict).splitlines(keepends=True)[1:])
    assert not {int(line.split(",")[0]) for line in text.splitlines()} & set(np.flatnonzero(weights == 0).tolist())


def test_scores_are_those_that_are_named_and_finite_even_of_one_row(case: Case) -> None:
    target, measured = case.drawn()
    predicted = np.random.default_rng(5).normal(size=(len(measured), target.outputs))
    for rows in (slice(None), slice(0, 1), slice(3, 5)):
        found = tasks.scores(target, measured[rows], target.to_units(predicted[rows]), np.ones(len(measured[rows])))
        assert tuple(found)[: len(target.names)] == target.names
        for name in target.names:
            assert tuple(found[name]) == tuple(metric.name for metric in metrics_of(target, name))
            assert set(found[name]) <= {metric.name for metric in target.task.metrics}
        for scores in found.values():
            assert all(type(value) is float and np.isfinite(value) for value in scores.values())


@given(seed=st.integers(0, 9999), rows=st.integers(1, 12))
@settings(deadline=None, max_examples=25)
def test_metrics_stay_within_the_values_that_they_say(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    for case in CASES.values():
        target, measured = case.drawn(seed)
        predicted = rng.normal(scale=10.0 ** rng.integers(-3, 4), size=(rows, target.outputs))
        weights = rng.integers(0, 4, rows) + (np.arange(rows) == 0)
        found = tasks.scores(target, measured[:rows], target.to_units(predicted), weights)
        for metric in target.task.metrics:
            values = [each[metric.name] for each in found.values() if metric.name in each]
            assert all(metric.low <= value <= metric.high + 1e-12 for value in values)
            assert metric.low > -np.inf or metric.high < np.inf


def test_predictions_that_are_no_numbers_have_no_score(case: Case) -> None:
    target, measured = case.drawn()
    predicted = np.full((len(measured), target.outputs), np.nan)
    assert not np.isfinite(judged(target, measured, predicted, np.ones(len(measured))))


def test_shapes_that_would_broadcast_are_a_defect(case: Case) -> None:
    target, measured = case.drawn()
    with pytest.raises(ValueError, match="cannot be compared"):
        judged(target, measured, np.zeros(len(measured)), np.ones(len(measured)))


@pytest.mark.parametrize("networks", [1, 3])
def test_predictions_are_a_table_of_the_targets_first(case: Case, networks: int) -> None:
    target, measured = case.drawn()
    units = target.to_units(np.stack([sharp(target, measured)] * networks))
    frame = pd.DataFrame(target.table(units))
    assert len(frame) == len(measured)
    assert frame.columns[0] == target.names[0]
    spread = frame[f"{target.names[0]} spread"]
    assert spread.isna().all() if networks == 1 else np.allclose(spread, 0)
    told = target.measured({name: frame[name].to_numpy() for name in target.names})
    assert told == pytest.approx(measured)


def test_what_is_stored_with_it_comes_back(case: Case, tmp_path: Path) -> None:
    rows, fitted = prepare_rows(case.table(), **SPLIT, **SCALERS, asked=case.asked)  # type: ignore[arg-type]
    save_rows(rows, tmp_path / "rows.npz")
    again = load_rows(tmp_path / "rows.npz")
    assert again.target == rows.target == fitted.target == loads(dumps(fitted)).target
    assert np.array_equal(again.validation.outputs, rows.validation.outputs)
    assert rows.train.outputs.shape == (72, rows.target.outputs)
    assert rows.train.weights.mean() == pytest.approx(1)


def test_folds_hold_out_every_row_but_the_test_rows_once(case: Case, tmp_path: Path) -> None:
    held: list[int] = []
    for index in range(3):
        rows, fitted = prepare_rows(case.table(), **SPLIT, **SCALERS, folds=3, index=index, asked=case.asked)  # type: ignore[arg-type]
        save_rows(rows, tmp_path / "rows.npz")
        assert load_rows(tmp_path / "rows.npz").target == rows.target == loads(dumps(fitted)).target
        assert rows.train.outputs.shape == (64, rows.target.outputs)
        held += [*rows.validation.rows.tolist()]
    assert sorted(held + rows.test.rows.tolist()) == list(range(120))


def test_every_weighting_keeps_the_mean_and_others_are_refused(case: Case) -> None:
    target, measured = case.drawn()
    weights = np.ones(len(measured), dtype=np.float32)
    for setting in target.task.weightings:
        assert target.task.weigh(measured, weights, setting).mean() == pytest.approx(1)


def test_the_report_tells_it_with_a_verdict_and_without(case: Case) -> None:
    rows, _ = prepare_rows(case.table(), **SPLIT, **SCALERS, asked=case.asked)  # type: ignore[arg-type]
    known = Configuration.of({"hidden_layers": 0, "units": ()})
    summary = summarise(known, 9, [Repeat(Training(known, 9, index), "explore", index, 0.5) for index in range(2)])
    raw = np.stack([sharp(rows.target, rows.test.measured), rows.test.outputs])
    nothing_known = constant(rows.target, rows.train, rows.test)
    verdict = verdicts.judge(
        rows.target, rows.test, nothing_known, None, [verdicts.tested(summary, raw, rows.test, rows.target)]
    )
    report = reports.load(tasks.load(case.task))
    nothing = verdicts.judge(rows.target, rows.test, nothing_known, None, [])
    for text in (report.worst_rows_csv, report.test_predictions_csv):
        assert text(nothing).splitlines() == text(verdict).splitlines()[:1]
    lines = report.test_predictions_csv(verdict).splitlines()[1:]
    assert [int(line.split(",")[0]) for line in lines] == sorted(rows.test.rows.tolist())
    assert len(report.worst_rows_csv(verdict).splitlines()) == 11
    timed = replace(verdict, times=tuple(f"day {row}" for row in rows.test.rows))
    for written in (report.worst_rows_csv(timed), report.test_predictions_csv(timed)):
        for each in csv.DictReader(io.StringIO(written)):
            assert each["time"] == f"day {each['row']}"
            assert int(each["spreadsheet row"]) == int(each["row"]) + 2
    assert "time" not in report.worst_rows_csv(verdict).splitlines()[0].split(",")
