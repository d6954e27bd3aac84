"""Measures are scikit-learn's where it has them, and their written formula where it does not, weighted by row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from pipeline import tasks
from pipeline.errors import UserError
from pipeline.tasks import Asked, Target, with_options
from pipeline.tasks.classification import Classes
from pipeline.tasks.measures import objective_of_units
from pipeline.tasks.number_measures import MEASURES as NUMBERS

CLOSE = 1e-9
SEEDS = st.integers(0, 9_999)


def numbers(asked: Asked, measured: np.ndarray) -> Target:
    columns = {f"y{at}": column for at, column in enumerate(measured.T)}
    task = with_options(tasks.load("regression"), asked)
    assert task.check_rows is not None
    task.check_rows(columns, [f"row {row}" for row in range(len(measured))])
    return task.fit(columns, np.ones(len(measured)), "none", "mse")


@given(seed=SEEDS, rows=st.integers(2, 40), outputs=st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_errors_of_numbers(seed: int, rows: int, outputs: int) -> None:
    rng = np.random.default_rng(seed)
    measured, said = rng.normal(3, 5, (2, rows, outputs))
    weights = rng.uniform(0, 2, rows) + 1e-3
    shares = rng.uniform(0.1, 3, outputs)
    share, size = 0.4, 0.7
    over = {"sample_weight": weights, "multioutput": shares if outputs > 1 else "uniform_average"}
    percent = 100 * np.average(np.abs(said - measured), 0, weights) / np.average(np.abs(measured), 0, weights)
    within = (np.abs(said - measured) <= np.maximum(share * np.abs(measured), size)).all(axis=1)
    wanted = {
        "mae": metrics.mean_absolute_error(measured, said, **over),
        "rmse": metrics.root_mean_squared_error(measured, said, **over),
        "r2": 1 - metrics.r2_score(measured, said, **over),
        "percent-error": np.average(percent, weights=shares),
        "within-tolerance": 1 - np.average(within, weights=weights),
    }
    assert wanted.keys() == NUMBERS.keys()
    for name, value in wanted.items():
        asked = Asked(
            name,
            shares={f"y{at}": each for at, each in enumerate(shares)},
            tolerances={"": f"{100 * share}%|{size}"},
        )
        found = objective_of_units(numbers(asked, measured), measured, said, weights)
        assert found == pytest.approx(value, abs=CLOSE, rel=CLOSE), name


@given(seed=SEEDS, rows=st.integers(8, 40), classes=st.integers(2, 4))
@settings(deadline=None, max_examples=60)
def test_errors_of_classes(seed: int, rows: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(classes), rng.integers(0, classes, rows)])
    chances = rng.dirichlet(np.ones(classes), len(truth)).round(2) + 1e-3  # with ties
    chances /= chances.sum(axis=1, keepdims=True)
    weights = rng.uniform(0.1, 2, len(truth))
    labels, likeliest = range(classes), chances.argmax(axis=1)
    area = {"sample_weight": weights, **({} if classes == 2 else {"multi_class": "ovr", "average": "macro"})}
    wanted = {
        "log-loss": metrics.log_loss(truth, chances, sample_weight=weights, labels=labels),
        "accuracy": 1 - metrics.accuracy_score(truth, likeliest, sample_weight=weights),
        "balanced-accuracy": 1 - metrics.balanced_accuracy_score(truth, likeliest, sample_weight=weights),
        "macro-f1": 1 - metrics.f1_score(truth, likeliest, average="macro", sample_weight=weights),
        "roc-auc": 1 - metrics.roc_auc_score(truth, chances[:, 1] if classes == 2 else chances, **area),
        "brier": metrics.brier_score_loss(truth, chances, sample_weight=weights, labels=labels),
    }
    for name, value in wanted.items():
        measure = "" if name == "log-loss" else name
        target = Classes(("c",), tuple("abcd"[:classes]), (1 / classes,) * classes, classes, measure)
        found = objective_of_units(target, truth[:, np.newaxis].astype(float), chances, weights)
        assert found == pytest.approx(value, abs=CLOSE, rel=CLOSE), name


def test_what_people_know_the_other_way_round_is_told_so() -> None:
    task = tasks.load("classification")
    area = task.judged_by(task.measures["roc-auc"])
    assert (area.objective, area.kept, area.higher) == ("ROC AUC", "1 - ROC AUC", True)
    assert area.shown(0.09) == pytest.approx(0.91)
    assert area.shown_bounds(0.25, 0.125, 0.5) == (0.75, 0.5, 0.875)
    assert area.shown_bounds(0.25, None, None) == (0.75, None, None)
    assert area.ends == (0.0, 1.0)
    assert (task.higher, task.shown(0.3), task.shown_bounds(1, 0, 2), task.kept) == (False, 0.3, (1, 0, 2), "log loss")
    explained = tasks.load("regression").judged_by(NUMBERS["r2"])
    assert explained.ends == (-np.inf, 1.0)


def test_a_score_of_squares_is_compared_with_the_mean_and_one_of_sizes_with_the_median() -> None:
    measured = np.array([[0.0], [0.0], [9.0]])
    by = {name: numbers(Asked(name), measured) for name in ("mae", "rmse", "r2")}
    assert [float(each.constant(measured, np.ones(3))[0, 0]) for each in by.values()] == pytest.approx([0, 3, 3])
    assert [each.task.constant for each in by.values()] == ["median", "mean", "mean"]


@pytest.mark.parametrize(
    ("task", "asked", "words"),
    [
        ("regression", Asked("roc-auc"), "roc-auc is not one of numbers"),
        ("classification", Asked("rmse"), "rmse is not one of classes"),
        ("classification", Asked(transforms={"": "log"}), "Classes have no transform"),
        ("regression", Asked("area"), "There is no objective 'area'"),
        ("regression", Asked("within-tolerance"), "has no tolerance"),
        ("regression", Asked(transforms={"z": "log"}), "'z', which is not a target"),
        ("regression", Asked(transforms={"y0": "root"}), "no transform 'root'"),
        ("regression", Asked(shares={"y0": 0}), "weight of target 'y0' is wrong"),
        ("regression", Asked(tolerances={"y0": "5%"}), "Target 'y1' has no tolerance"),
        ("regression", Asked(tolerances={"": "5 of 100"}), "tolerance of 'y0' is wrong"),
        ("regression", Asked(tolerances={"": "5%|1%"}), "tolerance of 'y0' is wrong"),
        ("regression", Asked(tolerances={"": "5%"}), "it is 0 in row 1"),
        ("regression", Asked(transforms={"": "log"}), "0 in row 1, -2 in row 2"),
    ],
)
def test_what_a_target_cannot_be_asked_is_refused(task: str, asked: Asked, words: str) -> None:
    def ask() -> None:
        wanted = with_options(tasks.load(task), asked)
        columns = {"y0": np.array([1.0, 0.0, -2.0]), "y1": np.array([2.0, 3.0, 4.0])}
        if wanted.check_rows is not None:
            wanted.check_rows(columns, ["row 0", "row 1", "row 2"])

    with pytest.raises(UserError, match=words):
        ask()
