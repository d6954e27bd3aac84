"""Transforms: monotone, undone by their way back, limited in what a network may say, and stored as numbers."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import PowerTransformer

from pipeline.errors import UserError
from pipeline.tasks import transforms
from pipeline.tasks.transforms import KINDS, MARGIN, Transform, check, fit, restore, skewness

SEEDS = st.integers(0, 9_999)
currents = st.builds(
    lambda seed, count, decades: 10.0 ** np.random.default_rng(seed).uniform(-decades, 0, count),
    SEEDS,
    st.integers(5, 300),
    st.floats(0.5, 12),
)


@pytest.mark.parametrize("kind", KINDS)
@given(values=currents)
@settings(deadline=None, max_examples=40)
def test_the_way_back_leads_back_and_the_order_stays(kind: str, values: np.ndarray) -> None:
    made = fit(kind, values)
    there = made.forward(values)
    # A float64 holds 16 digits of the mean, which Yeo and Johnson's way back passes: small values have fewer.
    accuracy = {"yeo-johnson": 1e-7 * values.std(), "quantile": 1e-9 * np.ptp(values)}.get(kind, 0.0)
    assert made.back(there) == pytest.approx(values, rel=1e-7, abs=accuracy)
    ordered = made.forward(np.sort(values))
    assert (np.diff(ordered) >= 0).all()
    assert restore(json.loads(json.dumps(made.describe(), allow_nan=False))) == made


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "none"])
@given(values=currents)
@settings(deadline=None, max_examples=40)
def test_no_prediction_is_far_beyond_the_training_rows_on_the_transformed_scale(kind: str, values: np.ndarray) -> None:
    made = fit(kind, values)
    low, high = made.forward(np.array([values.min(), values.max()]))
    far = made.back(np.array([-1e9, low, high, 1e9]))
    assert np.isfinite(far).all()
    assert (np.diff(far) >= 0).all()
    margin = MARGIN * (high - low) * 1.000001 + 1e-9
    assert made.low >= low - margin
    assert made.high <= high + margin


def test_the_exponent_is_the_likeliest() -> None:
    values = np.random.default_rng(0).lognormal(size=200)
    scaled = (values - values.mean()) / values.std()
    theirs = PowerTransformer(standardize=False).fit(scaled[:, np.newaxis])
    assert fit("yeo-johnson", values).forward(values) == pytest.approx(theirs.transform(scaled[:, np.newaxis])[:, 0])


def test_decades_are_told_as_decades_with_the_sign() -> None:
    made = fit("asinh", np.array([0.0, *np.repeat(1e-12, 9), *np.repeat(-1e-6, 9)]))
    one, six = made.forward(np.array([1e-9, 1e-6]))
    assert six - one == pytest.approx(3, abs=1e-3)
    assert made.forward(np.array([0.0, -1e-6])) == pytest.approx([0.0, -six])


def test_ranks_become_normal_scores() -> None:
    values = np.random.default_rng(0).lognormal(sigma=3, size=2000)
    there = fit("quantile", values).forward(values)
    assert (abs(there.mean()), there.std(), abs(skewness(there))) == pytest.approx((0, 1, 0), abs=0.02)
    mostly_zero = np.array([0.0] * 97 + [1.0, 2.0, 3.0])
    made = fit("quantile", mostly_zero)
    assert made.back(made.forward(mostly_zero)) == pytest.approx(mostly_zero, abs=1e-9)


@given(seed=SEEDS)
@settings(deadline=None, max_examples=30)
def test_auto_transforms_what_is_skewed_and_leaves_less_of_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert fit("auto", rng.normal(size=300)).kind == "none"
    skewed = rng.lognormal(sigma=2, size=300)
    made = fit("auto", skewed)
    assert made.kind in ("asinh", "yeo-johnson")
    assert abs(skewness(made.forward(skewed))) < abs(skewness(skewed))
    assert fit("auto", 1e-9 * skewed).kind == made.kind


def test_rows_that_have_no_logarithm_are_named() -> None:
    rows = ["row 2", "row 3", "row 4"]
    check("log", "Id", np.array([1.0, 2.0, 3.0]), rows)
    with pytest.raises(UserError, match=r"0 in row 3, -1 in row 4") as error:
        check("log", "Id", np.array([1.0, 0.0, -1.0]), rows)
    assert "asinh" in str(error.value)
    check("log1p", "Id", np.array([0.0, -0.5, 1.0]), rows)
    with pytest.raises(UserError, match="-1 in row 4"):
        check("log1p", "Id", np.array([0.0, -0.5, -1.0]), rows)
    check("asinh", "Id", np.array([0.0, -0.5, -1.0]), rows)


def test_what_is_no_transform_is_refused() -> None:
    made = fit("quantile", np.arange(9.0))
    for wrong in (
        {**made.describe(), "parameters": [1.0, 2.0]},
        {**made.describe(), "parameters": [*made.parameters[::-1]]},
        {**made.describe(), "low": float("nan")},
        {**made.describe(), "kind": "cube"},
        {**fit("asinh", np.arange(9.0)).describe(), "parameters": [0.0]},
        {"kind": "log"},
        {},
        7,
    ):
        with pytest.raises((ValueError, KeyError, TypeError)):
            restore(wrong)  # type: ignore[arg-type]
    assert restore({"kind": "none"}) == Transform()
    assert transforms.known("log", "y") == "log"
    assert replace(made).words == "normal scores"
