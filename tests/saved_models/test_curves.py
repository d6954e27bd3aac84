"""Curves are saved beside the weights, checked like them, and missed by nobody where there are none."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline import saved_models
from pipeline.errors import DamagedFile, UserError
from pipeline.ledger.journal import open_journal
from pipeline.models import Signature
from pipeline.saved_models import Common, load_curves
from pipeline.storage import atomic
from pipeline.study_folder.layout import ModelFolder, StudyFolder, curve_index
from pipeline.training.curve import POINTS, Curve
from pipeline.training.protocol import Trained
from pipeline.trial import Configuration, Repeat, Training

ONE = Configuration.of({"learning_rate": 0.1})
COMMON = Common("mlp", Signature(2, 1), b"scalers", b"{}", {})
LONG = Curve.of(np.random.default_rng(0).random(2_000) * 1e-3, np.random.default_rng(1).random(2_000) * 1e30, 77)


def trained(index: int, curve: Curve | None) -> Trained:
    weights = (np.full((2, 1), index, np.float32),)
    return Trained(
        Training(ONE, 5, index), index, 1.0, 1, objective=0.5, weights=weights, probe=np.zeros((1, 1)), curve=curve
    )


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Three saved repeats, the second without a curve, as earlier versions saved all of them."""
    folder = tmp_path / "study"
    (folder / "models").mkdir(parents=True)
    open_journal(folder / "ledger.jsonl").close()
    for index, curve in enumerate([Curve.of([3.0, 1.0], [0.1, 0.25], 1), None, LONG]):
        saved_models.save(folder, trained(index, curve), COMMON)
    return folder


def models(study: Path) -> ModelFolder:
    return StudyFolder(study).model(ONE.key)


def assert_equal(one: Curve, other: Curve) -> None:
    for name in ("epochs", "training", "validation"):
        first, second = getattr(one, name), getattr(other, name)
        assert first.dtype == second.dtype
        assert np.array_equal(first, second), name


def test_curves_come_back_bit_by_bit_and_one_that_is_missing_is_left_out(study):
    found = load_curves(study, ONE.key)
    assert list(found) == [0, 2]
    assert_equal(found[0], Curve.of([3.0, 1.0], [0.1, 0.25], 1))
    assert_equal(found[2], LONG)
    assert len(found[2].epochs) == POINTS
    assert 77 in found[2].epochs
    assert models(study).curve(2).stat().st_size < 20_000


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf, 1e300])
def test_a_loss_that_is_not_a_finite_number_is_kept_as_none(study, loss):
    """As an engine of the user's may report it: the training went on from there."""
    curve = Curve(np.arange(1, 4), np.array([3.0, loss, 1.0]), np.array([loss, 0.5, 0.25]))
    saved_models.save(study, trained(3, curve), COMMON)
    found = load_curves(study, ONE.key)[3]
    assert json.loads(models(study).curve(3).read_bytes())["training"] == [3.0, None, 1.0]
    assert np.array_equal(found.training, np.array([3.0, np.nan, 1.0], np.float32), equal_nan=True)
    assert np.array_equal(found.validation, np.array([np.nan, 0.5, 0.25], np.float32), equal_nan=True)


@pytest.mark.parametrize(
    ("curve", "why"),
    [
        (Curve(np.arange(0), np.zeros(0), np.zeros(0)), "0 points"),
        (Curve(np.arange(1, 3), np.zeros(2), np.zeros(3)), "differ in length"),
        (Curve(np.arange(1, 502), np.zeros(501), np.zeros(501)), "501 points"),
        (Curve(np.array([2, 1]), np.zeros(2), np.zeros(2)), "do not ascend"),
        (Curve(np.array([0.5, 1]), np.zeros(2), np.zeros(2)), "do not ascend"),
        (Curve(np.arange(1, 3), np.zeros((2, 2)), np.zeros(2)), ""),
        (Curve(np.arange(1, 3), np.array(["a", "b"]), np.zeros(2)), ""),
        ({"epochs": [1]}, "epochs"),
    ],
)
def test_what_an_engine_gives_for_a_curve_and_is_none_ends_nothing_and_is_said_beside_the_weights(study, curve, why):
    saved_models.save(study, trained(3, curve), COMMON)
    assert 3 not in load_curves(study, ONE.key)
    said = json.loads(models(study).facts(3).read_bytes())["curve"]
    assert said.startswith("left out: ")
    assert why in said
    assert "curve" not in json.loads(models(study).facts(0).read_bytes())


def test_the_manifest_covers_them(study):
    hashes = saved_models.check(models(study))
    assert [name for name in hashes if curve_index(name) is not None] == [
        "repeat-000.curve.json", "repeat-002.curve.json"
    ]  # fmt: skip
    path = models(study).curve(0)
    path.write_bytes(path.read_bytes().replace(b"3.0", b"2.0"))
    with pytest.raises(DamagedFile, match=r"repeat-000\.curve\.json is not what was saved"):
        saved_models.check(models(study))
    with pytest.raises(DamagedFile, match=r"repeat-000\.curve\.json is not what was saved"):
        load_curves(study, ONE.key)
    path.unlink()
    with pytest.raises(DamagedFile, match="curve"):
        load_curves(study, ONE.key)


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{}",
        '{"epochs": [1], "training": [0.5]}',
        '{"epochs": [1, 2], "training": [0.5], "validation": [0.5]}',
        '{"epochs": [], "training": [], "validation": []}',
        '{"epochs": [2, 1], "training": [0.5, 0.5], "validation": [0.5, 0.5]}',
        '{"epochs": [1, 1], "training": [0.5, 0.5], "validation": [0.5, 0.5]}',
        '{"epochs": [0], "training": [0.5], "validation": [0.5]}',
        '{"epochs": [1.0], "training": [0.5], "validation": [0.5]}',
        '{"epochs": [4294967296], "training": [0.5], "validation": [0.5]}',
        '{"epochs": [1], "training": ["0.5"], "validation": [0.5]}',
        '{"epochs": [1], "training": [1e300], "validation": [0.5]}',
        '{"epochs": [1], "training": [NaN], "validation": [0.5]}',
        '{"epochs": "1", "training": {}, "validation": null}',
        json.dumps({"epochs": list(range(1, 502)), "training": [0.5] * 501, "validation": [0.5] * 501}),
        '{"epochs": [1], "training": [0.5], "validation": [0.5]}' + " " * 70_000,
    ],
)
def test_what_is_not_a_curve_is_refused_although_the_manifest_agrees(study, content):
    folder = models(study)
    digest = atomic.replace(folder.curve(0), content.encode())
    manifest = json.loads(folder.manifest.read_text())
    manifest["files"]["repeat-000.curve.json"] = digest
    folder.manifest.write_text(json.dumps(manifest))
    with pytest.raises(DamagedFile, match=r"repeat-000\.curve\.json"):
        load_curves(study, ONE.key)


def test_a_configuration_or_a_study_that_is_not_there_is_a_mistake_of_the_user_s(study, tmp_path):
    for key in ("0" * 16, "", "../models", "x"):
        with pytest.raises(UserError, match="no saved models"):
            load_curves(study, key)
    with pytest.raises(UserError, match="not a study folder"):
        load_curves(tmp_path / "nothing", ONE.key)


def test_a_copied_model_brings_its_curve_where_it_has_one(study, tmp_path):
    other = tmp_path / "other"
    (other / "models").mkdir(parents=True)
    open_journal(other / "ledger.jsonl").close()
    hashes = saved_models.check(models(study))
    for index in (1, 2):
        repeat = Repeat(Training(ONE, 5, index), "explore", index, 0.5, model=hashes[f"repeat-{index:03d}.npz"])
        saved_models.adopt(other, study, repeat, COMMON)
    assert list(load_curves(other, ONE.key)) == [2]
    assert models(other).curve(2).read_bytes() == models(study).curve(2).read_bytes()
    assert saved_models.check(models(other)).keys() == {name for name in hashes if not name.startswith("repeat-000")}


def test_a_repeat_that_is_saved_again_has_the_curve_of_then(study):
    saved_models.save(study, replace(trained(0, LONG), seconds=2.0), COMMON)
    assert_equal(load_curves(study, ONE.key)[0], LONG)
    saved_models.check(models(study))
