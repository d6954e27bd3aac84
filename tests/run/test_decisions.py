"""Decisions of whole studies, from the command line to the predictions, with networks that are drawn, not trained."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline import load_ensemble, load_top_models
from pipeline.data.rows import load_rows, prepare_rows
from pipeline.errors import DamagedFile
from pipeline.maintenance.audit import audit
from pipeline.saved_models import TopModels, decisions
from pipeline.storage.sealed_json import with_content_seal
from pipeline.study_folder import identity
from pipeline.tasks import Decision, probabilities
from pipeline.tasks.calibration import Calibration, fit
from tests.faults import small_study as small

COSTS = "no:yes=1, yes:no=4"
FLIPS = 60


def shop(folder: Path) -> str:
    """A table with two classes, the second one rare, that follow from one number: of some random networks, too."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=200)})
    frame["bought"] = np.where(frame["a"] + 0.3 * rng.normal(size=200) > 0.8, "yes", "no")
    path = folder / "shop.csv"
    frame.to_csv(path, index=False)
    return str(path)


def run(folder: Path, **options: str) -> Any:
    return small.run(folder, **{"target": "bought", "data": shop(folder), **options})


def study_of(folder: Path, **options: str) -> Path:
    """A finished study."""
    with pytest.MonkeyPatch.context() as patch:
        small.stand_in(patch)
        answer = run(folder, **options)
    assert answer.exit_code == 0, answer.output
    (folder / "said.txt").write_text(answer.output)
    return folder / "study"


@pytest.fixture(scope="module")
def costly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study_of(tmp_path_factory.mktemp("costly"), cost=COSTS).parent


@pytest.fixture(scope="module")
def balanced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study_of(tmp_path_factory.mktemp("balanced"), objective="balanced-accuracy").parent


def decision_of(top: TopModels) -> Decision:
    assert top.decision is not None
    return top.decision


def calibration_of(top: TopModels) -> Calibration:
    found = decision_of(top).calibration
    assert found is not None
    return found


def frame_of(study: Path) -> pd.DataFrame:
    return pd.read_csv(study.parent / "shop.csv")


def plain(text: str) -> str:
    return " ".join(text.split())


def section(study: Path) -> str:
    return (study / "summary.md").read_text().split("## Probabilities and decisions")[1].split("\n## ")[0]


# --------------------------------------------------------------------------------------------------------------- costs


def test_the_class_of_least_expected_cost_is_predicted_and_what_it_costs_is_told(costly, tmp_path):
    study = small.copied(costly, tmp_path)
    said = plain((tmp_path / "said.txt").read_text())
    assert "Decisions: the class of least expected cost (no:yes=1, yes:no=4)" in said
    told = pd.read_csv(study / "test_predictions.csv")
    assert ((told["probability yes"] > 1 / 5) == (told["predicted bought"] == "yes")).all()
    assert set(told["predicted bought"]) == {"no", "yes"}
    paid = np.select([told["measured bought"] == told["predicted bought"], told["measured bought"] == "no"], [0, 1], 4)
    line = [each for each in section(study).splitlines() if each.startswith("| Best configuration |")][-1]
    assert float(line.split("|")[2].split()[0]) == pytest.approx(paid.mean(), abs=0.01)
    assert all(
        words in section(study) for words in ("Always yes", "Default network", "Ensemble, greedy", "truth first")
    )
    frame, top = frame_of(study), load_top_models(study, 1)
    predicted, tested = top.predict(frame), load_rows(study / "rows.npz").test.rows
    assert predicted.iloc[sorted(tested)]["bought"].tolist() == told["predicted bought"].tolist()
    assert predicted.iloc[sorted(tested)]["bought probability yes"].to_numpy() == pytest.approx(
        told["probability yes"].to_numpy(), abs=1e-5
    )
    assert decision_of(top).costs == ((0.0, 1.0), (4.0, 0.0))
    for each in (load_top_models(study, 2), load_ensemble(study, "greedy"), load_ensemble(study, "mean")):
        predicted = each.predict(frame)
        assert ((predicted["bought probability yes"] > 1 / 5) == (predicted["bought"] == "yes")).all()
    words = ["--study", str(study), "--input", str(tmp_path / "shop.csv"), "--output", str(tmp_path / "new.csv")]
    answer = small.command("predict", *words, "--ensemble", "greedy")
    assert answer.exit_code == 0, answer.output
    assert "Predicted is the class of least expected cost (no:yes=1, yes:no=4); probabilities" in plain(answer.output)
    assert audit(study) == ()


def test_the_same_costs_go_on_however_they_are_written_and_others_are_refused(costly, tmp_path, monkeypatch):
    study = small.copied(costly, tmp_path)
    before, facts = (study / "decisions.json").read_bytes(), small.facts(study)
    assert identity.read(study / "study.json").fingerprint["cost"] == {"no": {"yes": 1.0}, "yes": {"no": 4.0}}
    small.stand_in(monkeypatch)
    data = {"data": str(tmp_path / "shop.csv"), "study": str(study)}
    assert small.run(tmp_path, target="bought", **data, cost="yes:*=4,*:*=1").exit_code == 0
    assert (study / "decisions.json").read_bytes() == before
    assert small.facts(study) == facts
    for other in ({"cost": "no:yes=1,yes:no=5"}, {}):
        refused = small.run(tmp_path, target="bought", **data, **other)
        assert refused.exit_code == 2
        assert "the same cost" in plain(refused.output)
    for cost, words in (("no:yes=1", "nothing for yes:no"), ("no:Yes=1", "not a class"), ("no:yes=-1,yes:no=1", "-1")):
        refused = run(tmp_path, study=str(tmp_path / "other"), cost=cost)
        assert refused.exit_code == 2
        assert words in plain(refused.output)
        assert not (tmp_path / "other").exists()
    refused = run(tmp_path, study=str(tmp_path / "other"), cost=COSTS, target="a")
    assert refused.exit_code == 2
    assert "no classes whose costs could count" in plain(refused.output)
    refused = run(tmp_path, study=str(tmp_path / "other"), calibration="fitted", target="a")
    assert "no probabilities to calibrate" in plain(refused.output)


def test_costs_count_with_a_measure_that_has_a_threshold_and_the_page_says_so(tmp_path):
    study = study_of(tmp_path, cost=COSTS, objective="macro-f1", configurations="1", calls="0")
    _, fitted = decisions.read(study / "decisions.json")
    assert {each.threshold for each in fitted} == {None}
    assert "Costs decide, so no threshold is looked for." in section(study)
    assert "threshold with the best" not in plain((tmp_path / "said.txt").read_text())


# ----------------------------------------------------------------------------------------------------------- thresholds


def test_the_threshold_has_the_best_measure_on_validation_rows_and_is_used_on_reload(balanced, tmp_path):
    study = small.copied(balanced, tmp_path)
    said = plain((tmp_path / "said.txt").read_text())
    assert "Decisions: yes above the threshold with the best balanced accuracy on validation rows" in said
    rows, frame, top = load_rows(study / "rows.npz"), frame_of(study), load_top_models(study, 1)
    threshold = decision_of(top).threshold
    predicted = top.predict(frame)
    second = predicted["bought probability yes"].to_numpy()
    assert ((second > threshold) == (predicted["bought"] == "yes")).all()
    part, truth = rows.validation, rows.validation.measured[:, 0].astype(int)

    def score(at: float) -> float:
        return probabilities.balanced_accuracy(truth, np.eye(2)[(second[part.rows] > at).astype(int)], part.weights)

    assert threshold is not None
    assert score(threshold) == pytest.approx(max(map(score, [*second[part.rows], 0.5])))
    assert f"above {threshold:.4g}, and no elsewhere" in top.about
    assert f"| {threshold:.4g} |" in section(study)
    told = pd.read_csv(study / "test_predictions.csv")
    assert (told["predicted bought"] == np.where(told["probability yes"] > threshold, "yes", "no")).all()
    assert audit(study) == ()


# --------------------------------------------------------------------------------------------------------- calibration


def test_each_predictor_has_the_calibration_that_fits_its_validation_rows(costly):
    study, frame = costly / "study", frame_of(costly / "study")
    rows = load_rows(study / "rows.npz").validation
    truth = rows.measured[:, 0].astype(int)
    found = [load_top_models(study, 1), load_top_models(study, 2), load_ensemble(study, "greedy")]
    assert len({decision_of(each).calibration for each in found}) == 3
    for each in found:
        mean = np.average(each.predict_each(frame)[:, rows.rows], axis=0, weights=each.times or None)
        wanted = fit(mean, truth, rows.weights, shifted=bool(calibration_of(each).shift))
        assert calibration_of(each).temperature == pytest.approx(wanted.temperature, rel=1e-3)
        assert f"calibrated by {calibration_of(each).words}" in each.about
        predicted = each.predict(frame)["bought probability yes"].to_numpy()
        assert predicted == pytest.approx(decision_of(each).chances(mean_of(each, frame))[:, 1])


def mean_of(top: Any, frame: pd.DataFrame) -> np.ndarray:
    return np.average(top.predict_each(frame), axis=0, weights=top.times or None)


def test_class_weights_keep_the_likeliest_class(tmp_path):
    options = {"class-weights": "balanced", "configurations": "1", "calls": "0"}
    study = study_of(tmp_path, **options)
    top, frame = load_top_models(study, 1), frame_of(study)
    assert calibration_of(top).shift == 0.0
    assert "which changes no likeliest class" in section(study)
    assert (top.predict(frame)["bought"] == np.array(["no", "yes"])[mean_of(top, frame).argmax(axis=1)]).all()


def test_a_study_of_an_earlier_version_predicts_as_it_did_until_calibration_is_asked_for(tmp_path, monkeypatch):
    study = study_of(tmp_path, configurations="1", calls="0")
    path = study / "study.json"
    stored = identity.read(path)
    settings = {name: value for name, value in stored.settings.items() if name not in ("calibration", "cost")}
    identity.write(study, replace(stored, settings=settings))
    (study / "decisions.json").write_bytes(b"mine, of before that name was taken")
    frame = frame_of(study)

    def as_before() -> bool:
        top = load_top_models(study, 2)
        usual = top.preprocessing.target.table(top.predict_each(frame))
        found = top.predict(frame)
        return top.decision is None and not top.about and all((found[name] == usual[name]).all() for name in usual)

    assert as_before()
    assert audit(study) == ()
    small.stand_in(monkeypatch)
    assert run(tmp_path, configurations="1", calls="0", repeats="3", max_repeats="3").exit_code == 0
    assert as_before()
    assert identity.read(path).settings["calibration"] == "none"
    assert identity.read(path).fingerprint == stored.fingerprint
    assert (study / "decisions.json").read_bytes() == b"mine, of before that name was taken"
    assert "## Probabilities and decisions" not in (study / "summary.md").read_text()
    asked = run(tmp_path, configurations="1", calls="0", repeats="3", max_repeats="3", calibration="fitted")
    assert asked.exit_code == 0, asked.output
    assert decision_of(load_top_models(study, 1)).calibration is not None
    assert run(tmp_path, configurations="1", calls="0", repeats="3", max_repeats="3").exit_code == 0  # it stays asked
    assert decision_of(load_top_models(study, 1)).calibration is not None
    off = run(tmp_path, configurations="1", calls="0", repeats="3", max_repeats="3", calibration="none")
    assert off.exit_code == 0
    assert not (study / "decisions.json").exists()
    assert as_before()


def test_what_was_fitted_for_other_networks_is_not_used_and_that_is_said(costly, tmp_path, monkeypatch):
    study = small.copied(costly, tmp_path)
    labels, fitted = decisions.read(study / "decisions.json")
    decisions.save(study, labels, [replace(fitted[0], networks="0" * 64), *fitted[1:]])
    top = load_top_models(study, 1)
    assert decision_of(top).calibration is None
    assert decision_of(top).costs is not None  # they are of the study
    assert "nothing was fitted for exactly these networks (it was for: best configuration, best 2 together" in top.about
    assert decision_of(load_top_models(study, 2)).calibration is not None
    assert audit(study) == ()
    (study / "decisions.json").unlink()
    assert "it was for: no predictor yet" in load_top_models(study, 2).about
    small.stand_in(monkeypatch)
    assert (
        small.run(
            tmp_path, target="bought", data=str(tmp_path / "shop.csv"), cost=COSTS, repeats="3", max_repeats="3"
        ).exit_code
        == 0
    )
    assert decision_of(load_top_models(study, 1)).calibration is not None


def test_test_rows_choose_nothing(balanced, tmp_path, monkeypatch):
    study = small.copied(balanced, tmp_path)
    before = (study / "decisions.json").read_bytes()
    usual = prepare_rows

    def spoiled(*words, **options):
        rows, fitted = usual(*words, **options)
        rng = np.random.default_rng(0)
        rows.test.measured[:] = rng.permutation(rows.test.measured)
        rows.test.inputs[:] = rng.normal(size=rows.test.inputs.shape)
        rows.test.outputs[:] = rows.target.to_scaled(rows.test.measured)
        return rows, fitted

    monkeypatch.setattr("pipeline.run.training_rows.prepare_rows", spoiled)
    small.stand_in(monkeypatch)
    assert run(tmp_path, objective="balanced-accuracy").exit_code == 0
    assert (study / "decisions.json").read_bytes() == before


def test_with_folds_it_is_fitted_on_the_rows_that_each_network_held_out(tmp_path):
    options = {"folds": "3", "repeats": "3", "max_repeats": "3", "configurations": "2", "calls": "0"}
    study = study_of(tmp_path, **options, objective="balanced-accuracy")
    _, fitted = decisions.read(study / "decisions.json")
    rows = load_rows(study / "rows-000.npz")
    assert {each.rows for each in fitted} == {len(rows.train.rows) + len(rows.validation.rows)}
    assert decision_of(load_top_models(study, 1)).threshold is not None


def test_without_a_complete_round_of_folds_nothing_is_fitted(tmp_path):
    options = {"folds": "3", "repeats": "2", "max_repeats": "2", "configurations": "1", "calls": "0"}
    study = study_of(tmp_path, **options, objective="macro-f1")
    assert "nothing was calibrated" in section(study)
    assert "there is none: it is one half" in section(study)
    decision = decision_of(load_top_models(study, 1))
    assert decision.calibration is None
    assert decision.threshold is None


# ------------------------------------------------------------------------------------------------------------- damage


def test_a_flipped_bit_or_a_cut_is_refused_and_found(costly, tmp_path):
    study = small.copied(costly, tmp_path)
    path = study / "decisions.json"
    whole, rng = path.read_bytes(), np.random.default_rng(3)
    for offset, bit in zip(rng.integers(len(whole), size=FLIPS), rng.integers(8, size=FLIPS), strict=True):
        flipped = bytearray(whole)
        flipped[offset] ^= 1 << int(bit)
        path.write_bytes(flipped)
        with pytest.raises(DamagedFile, match=r"decisions\.json(?s:.*)Try:"):
            decisions.read(path)
    with pytest.raises(DamagedFile):
        load_top_models(study, 1)
    path.write_bytes(whole[:-3])
    assert [finding.file for finding in audit(study)] == [path]
    path.write_bytes(whole)
    assert audit(study) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.0}, {"temperature": 1e9}, {"temperature": 1}, {"temperature": True}, {"temperature": None},
        {"shift": 21.0}, {"shift": "0"}, {"threshold": 1.5}, {"threshold": -0.1}, {"rows": -1}, {"rows": 1.0},
        {"before": None}, {"before": -1.0}, {"networks": "0"}, {"networks": "Z" * 64}, {"name": ""},
        {"name": "a\x1b[31m"}, {"name": 3}, {"code": "x"},
    ],
)  # fmt: skip
def test_what_save_never_writes_is_refused_whoever_seals_it(tmp_path, change):
    good = decisions.Fitted("best configuration", "0" * 64, 9, 0.5, 0.4, 2.0, 0.0, None)
    (tmp_path / "study").mkdir()
    decisions.save(tmp_path / "study", ("no", "yes"), [good])
    path = tmp_path / "study" / "decisions.json"
    assert decisions.read(path) == (("no", "yes"), (good,))
    content = {"format": 1, "classes": ["no", "yes"], "predictors": [{**asdict(good), **change}]}
    path.write_bytes(with_content_seal(content))
    with pytest.raises(DamagedFile, match="does not hold decisions"):
        decisions.read(path)


def test_a_shift_and_a_threshold_are_for_two_classes(tmp_path):
    (tmp_path / "study").mkdir()
    for shift, threshold in ((0.5, None), (0.0, 0.3)):
        made = decisions.Fitted("best configuration", "0" * 64, 9, 0.5, 0.4, 2.0, shift, threshold)
        decisions.save(tmp_path / "study", ("a", "b", "c"), [made])
        with pytest.raises(DamagedFile):
            decisions.read(tmp_path / "study" / "decisions.json")


def test_costs_of_other_classes_in_study_json_are_refused(costly, tmp_path):
    study = small.copied(costly, tmp_path)
    stored = identity.read(study / "study.json")
    for cost in (
        {"no": {"maybe": 1.0}},
        {"no": {"yes": -1.0}, "yes": {"no": 1.0}},
        ["no"],
        {"no": 3},
        {"no": {"yes": "x"}},
    ):
        identity.write(study, replace(stored, fingerprint={**stored.fingerprint, "cost": cost}))
        with pytest.raises(DamagedFile, match="costs that are not of the classes"):
            load_top_models(study, 1)
        assert any("costs that are not of the classes" in finding.what for finding in audit(study))


def test_classes_with_any_name_have_costs_in_a_settings_file(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 2)), columns=["a", "b"])
    frame["kind"] = np.where(rng.random(60) > 0.5, "x:1, y=2", "=z")
    frame.to_csv(tmp_path / "odd.csv", index=False)
    small.stand_in(monkeypatch)
    words = small.arguments(tmp_path, target="kind", data=str(tmp_path / "odd.csv"), configurations="1", calls="0")
    (tmp_path / "s.toml").write_text('[cost."x:1, y=2"]\n"=z" = 2\n[cost."=z"]\n"x:1, y=2" = 0.5\n')
    answer = small.command(*words, "--settings", str(tmp_path / "s.toml"))
    assert answer.exit_code == 0, answer.output
    top = load_top_models(tmp_path / "study", 1)
    assert top.classes == ("=z", "x:1, y=2")
    assert decision_of(top).costs == ((0.0, 0.5), (2.0, 0.0))
    predicted = top.predict(frame)
    assert ((predicted["kind probability x:1, y=2"] > 0.5 / 2.5) == (predicted["kind"] == "x:1, y=2")).all()
