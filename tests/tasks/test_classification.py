"""Classes: metrics that scikit-learn agrees with, weights, names, and mistakes that a user can mend."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics
from sklearn.utils.class_weight import compute_sample_weight

from pipeline.errors import UserError
from pipeline.tasks import classification, probabilities, restore
from pipeline.tasks import scores as scores_of
from pipeline.tasks.classification import Classes, fit, loss, weigh
from pipeline.tasks.regression import TASK as REGRESSION


def drawn(count: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth (n,), logits (n, classes) that know something of it, and weights (n,)."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(classes), rng.integers(0, classes, count - classes)])
    logits = rng.normal(size=(count, classes)) + 1.5 * (truth[:, np.newaxis] == np.arange(classes))
    return truth, np.round(logits, 1), rng.uniform(0.1, 2, count)  # rounded, so that there are ties


def of(labels: tuple[str, ...], outputs: int) -> Classes:
    return Classes(("kind",), labels, (1 / len(labels),) * len(labels), outputs)


@pytest.mark.parametrize("classes", [2, 4])
def test_metrics_agree_with_scikit_learn(classes: int) -> None:
    truth, logits, weights = drawn(200, classes)
    target = of(tuple(map(str, range(classes))), classes)
    chances = target.to_units(logits)
    said, measured = chances.argmax(axis=1), truth[:, np.newaxis].astype(float)
    found = scores_of(target, measured, chances, weights)["kind"]
    scores = chances if classes > 2 else chances[:, 1]
    expected = {
        "accuracy": metrics.accuracy_score(truth, said, sample_weight=weights),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, said, sample_weight=weights),
        "macro_f1": metrics.f1_score(truth, said, average="macro", sample_weight=weights),
        "roc_auc": metrics.roc_auc_score(truth, scores, multi_class="ovr", sample_weight=weights),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    log_loss = metrics.log_loss(truth, chances, sample_weight=weights)
    assert target.objective(target.to_scaled(measured), logits, weights) == pytest.approx(log_loss)
    assert np.average(target.row_errors(measured, chances), weights=weights) == pytest.approx(log_loss)


def test_one_logit_is_the_log_odds_of_the_second_class() -> None:
    truth, logits, weights = drawn(100, 2)
    one, two = of(("a", "b"), 1), of(("a", "b"), 2)
    odds, measured = logits[:, 1:] - logits[:, :1], truth[:, np.newaxis].astype(float)
    assert np.allclose(one.to_units(odds), two.to_units(logits))
    assert one.objective(one.to_scaled(measured), odds, weights) == pytest.approx(
        two.objective(two.to_scaled(measured), logits, weights)
    )


def test_the_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    # Of ten rows said with 0.75 and right 6 times, and ten said with 0.95 and right always: (1.5 + 0.5) / 20.
    chances = np.array([[0.75, 0.25]] * 10 + [[0.05, 0.95]] * 10)
    truth = np.array([0] * 6 + [1] * 14)
    assert probabilities.calibration_error(truth, chances, np.ones(20)) == pytest.approx(0.1)
    # Sure and right is perfect; a probability of 1 lies in the last bin.
    assert probabilities.calibration_error(np.array([0, 1]), np.eye(2), np.ones(2)) == 0.0


def test_logits_beyond_all_floats_have_a_finite_loss() -> None:
    target = of(("a", "b", "c"), 3)
    logits = np.array([[3e4, 0.0, -3e4], [-3e4, 0.0, 3e4]])
    truth = np.array([[0.0], [0.0]])
    assert target.to_units(logits).sum(axis=1) == pytest.approx([1, 1])
    assert target.objective(target.to_scaled(truth), logits, np.ones(2)) == pytest.approx(3e4)
    assert np.isfinite(target.row_errors(truth, target.to_units(logits))).all()


def test_the_constant_is_the_frequencies_by_the_rows_own_weights() -> None:
    kinds = np.array(["b", "a", "b", "b"], dtype=object)
    for outputs, name in ((1, "binary_crossentropy"), (2, "categorical_crossentropy")):
        target = fit({"kind": kinds}, np.array([1.0, 2.0, 1.0, 4.0]), "standard", name)
        assert (target.labels, target.outputs) == (("a", "b"), outputs)
        assert target.to_units(target.constant(np.zeros((4, 1)), np.ones(4)))[0] == pytest.approx([0.25, 0.75])


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    truth, _, weights = drawn(90, 3)
    truth[truth == 2] = 1
    truth[:5] = 2
    measured = truth[:, np.newaxis].astype(float)
    found = weigh(measured, np.ones(90, np.float32), "balanced")
    assert found == pytest.approx(compute_sample_weight("balanced", truth), rel=1e-6)
    with_others = weigh(measured, weights, "balanced")
    assert [with_others[truth == place].sum() for place in range(3)] == pytest.approx([30, 30, 30], rel=1e-5)
    assert weigh(measured, weights, "none") is weights


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        (["10", "9", "100"], ("9", "10", "100")),
        (["True", "False"], ("False", "True")),
        (["10", "b", "9"], ("10", "9", "b")),
        (["1", "01"], ("01", "1")),
        (["inf", "1_000", "5", "-inf"], ("-inf", "5", "1_000", "inf")),
        # Without a size there is no order of sizes: the alphabet, whatever the order in a set.
        (["10", "nan", "9"], ("10", "9", "nan")),
        (["nan", "10", "9"], ("10", "9", "nan")),
        (["9", "10", "NaN", "-nan"], ("-nan", "10", "9", "NaN")),
    ],
)
def test_labels_are_sorted_as_people_count(texts: list[str], labels: tuple[str, ...]) -> None:
    column = {"kind": np.array(texts, dtype=object)}
    target = fit(column, np.ones(len(texts)), "standard", loss("auto", column))
    assert target.labels == labels
    assert target.measured(column)[:, 0].tolist() == [labels.index(text) for text in texts]


def test_mistakes_are_told() -> None:
    three = {"kind": np.array(["a", "b", "c"], dtype=object)}
    target = fit(three, np.ones(3), "standard", loss("auto", three))
    with pytest.raises(UserError, match="Class 'd' of 'kind' is not among the training rows"):
        target.measured({"kind": np.array(["a", "d"], dtype=object)})
    with pytest.raises(UserError, match="binary_crossentropy is not one of 3 classes"):
        loss("binary_crossentropy", three)
    with pytest.raises(UserError, match="mse is not one of 3 classes"):
        loss("mse", three)
    with pytest.raises(UserError, match="has 1 class"):
        fit({"kind": np.array(["a", "a"], dtype=object)}, np.ones(2), "standard", "auto")
    with pytest.raises(UserError, match="All training rows of class 'b' have weight 0"):
        fit(three, np.array([1.0, 0.0, 1.0]), "standard", "auto")
    with pytest.raises(UserError, match="for classes"):
        REGRESSION.loss("binary_crossentropy", {})
    with pytest.raises(UserError, match="no class weights"):
        REGRESSION.weigh(np.ones((2, 1)), np.ones(2), "balanced")


@pytest.mark.parametrize(
    "wrong",
    [
        {"labels": ["a", "a", "b"]},
        {"labels": ["a", "b"]},
        {"labels": [str(each) for each in range(classification.MOST_CLASSES + 1)]},
        {"frequencies": [0.5, 0.4, 0.2]},
        {"frequencies": [1.0, 0.0, 0.0]},
        {"outputs": 1},
        {"outputs": True},
        {"outputs": 3.0},
        {"names": ["kind", "other"]},
        {"task": "clustering"},
        {"task": "regression"},
        {"task": "../evil"},
    ],
    ids=str,
)
def test_targets_that_no_study_has_are_refused(wrong: dict[str, object]) -> None:
    about = Classes(("kind",), ("a", "b", "c"), (0.5, 0.25, 0.25), 3).describe()
    assert restore(about).names == ("kind",)
    with pytest.raises((ValueError, TypeError)):
        restore({**about, **wrong})


def test_the_likeliest_class_is_told_with_its_doubt() -> None:
    target = of(("no", "yes"), 1)
    units = np.array([[[0.9, 0.1], [0.4, 0.6]], [[0.7, 0.3], [0.2, 0.8]]])
    table = target.table(units)
    assert list(table) == ["kind", "kind probability no", "kind probability yes", "kind spread"]
    assert table["kind"].tolist() == ["no", "yes"]
    assert table["kind probability yes"] == pytest.approx([0.2, 0.7])
    assert table["kind spread"] == pytest.approx([np.sqrt(0.02)] * 2)
