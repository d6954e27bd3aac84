"""Old studies open, verify, resume and predict as they did when they were written; see README.md.

Everything goes through doors that stay where they are: the scripts, what `pipeline` offers by name, and files.

*How equal.* Keys, seeds, ranks and stored scores are equal always. What is computed anew (predictions and trainings)
is equal bit by bit on a processor that gives `processor.json` again: a tiny training of each engine is done now, by
the command line, and the SHA-256 of its weights compared with the one that is stored. On other processors, or with
other versions of packages, it is equal within `TOLERANCE`, the product's own for the predictions of saved networks. The
same processor and versions that give other hashes are an error: the arithmetic was changed.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import re
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests import warm
from tests.golden import golden_studies as golden
from tests.golden.golden_studies import HERE, MODEL, MORE, NUMPY_ALONE, ROOT, RUN, STUDIES, call

TOLERANCE = 1e-4  # of scaled outputs, and of objectives, which are errors of scaled outputs or log losses
LOSING = ("classes", "series")  # of each engine one: the last line of the journal is taken away


def expected(name: str) -> dict[str, Any]:
    """What was written down of a study when it was made."""
    found: dict[str, Any] = json.loads((HERE / name / "expected.json").read_text())
    return found


def fresh(name: str, folder: Path) -> Path:
    """A copy of a study with its table, to work on."""
    return Path(shutil.copytree(HERE / name, folder / name))


@pytest.fixture(params=STUDIES)
def name(request: pytest.FixtureRequest) -> str:
    """Each study in turn."""
    return str(request.param)


@pytest.fixture
def home(name: str, tmp_path: Path) -> Path:
    return fresh(name, tmp_path)


def alike(found: Any, wanted: Any, tolerance: float = 0.0) -> bool:
    """True where both are the same, numbers that are not whole but for a tolerance; NaN is NaN."""
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(alike(found[each], wanted[each], tolerance) for each in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(alike(*each, tolerance) for each in zip(found, wanted, strict=True))
    if isinstance(wanted, float) and isinstance(found, float):
        same = found == wanted or (math.isnan(found) and math.isnan(wanted))
        return same or abs(found - wanted) <= tolerance
    return bool(found == wanted)


def width(name: str) -> float:
    """How far apart the measured values of a study are, which no scale of its outputs exceeds; 1 for probabilities."""
    settings = golden.study_json(HERE / name)["settings"]
    measured = pd.read_csv(HERE / name / "table.csv")[settings["target"]]
    return 1.0 if settings["task"] == "classification" else float((measured.max() - measured.min()).max())


# -------------------------------------------------------------------------------------------------- without TensorFlow


def here(home: Path, script: str, *arguments: str) -> tuple[int, str]:
    """A script of the product in this process, which saves a start: its exit status, and what it prints."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        patch.chdir(home)
        patch.setattr(sys, "argv", [script, *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(ROOT / "scripts" / script), run_name="__main__")
    return int(ended.value.code or 0), " ".join(said.getvalue().split())


def test_verify_finds_nothing(home):
    assert here(home, "ledger.py", "verify", "study") == (0, "study is sound.")


def test_the_journal_and_study_json_are_what_they_were(name):
    wanted = expected(name)
    assert golden.trainings(HERE / name) == wanted["trainings"]
    assert golden.stages(HERE / name) == wanted["stages"]
    assert golden.study_json(HERE / name)["fingerprint"] == wanted["fingerprint"]


def test_the_group_and_the_fronts_are_what_they_were(name, home):
    found = golden.opened(home)
    assert found == {each: expected(name)[each] for each in found}


@pytest.mark.parametrize("name", NUMPY_ALONE)
def test_the_ranking_and_the_predictions_are_what_they_were(name, home):
    assert golden.ranking(home, name) == expected(name)["ranking"]
    assert alike(golden.predictions(home, name), expected(name)["predictions"], TOLERANCE * width(name))


def test_a_rebuilt_workbook_has_the_same_cells(name, home):
    wanted, told = expected(name)["workbook"], (0, "Ledger: study/ledger.xlsx")
    assert here(home, "ledger.py", "rebuild", "study") == told
    assert golden.workbook(home) == wanted
    (home / "study" / "ledger.xlsx").unlink()
    assert here(home, "ledger.py", "rebuild", "study") == told
    assert golden.workbook(home) != wanted
    assert without_test_scores(golden.workbook(home)) == without_test_scores(wanted)


def without_test_scores(book: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """All but the scores on test rows, which the workbook alone has."""
    rows = book["Configurations"]
    kept = [{name: cell for name, cell in row.items() if not name.startswith("test ")} for row in rows]
    return {**book, "Configurations": kept}


@pytest.mark.parametrize("name", [each for each in STUDIES if each not in MODEL])
def test_a_changed_table_is_refused(name, home):
    before = contents(home / "study")
    change(home / "table.csv")
    assert_refused(*here(home, *RUN))
    assert contents(home / "study") == before


def change(table: Path) -> None:
    """Change one number, the second of the first row."""
    header, first, *others = table.read_text().splitlines()
    cells = first.split(",")
    table.write_text("\n".join([header, ",".join([cells[0], "0.125", *cells[2:]]), *others]) + "\n")


def contents(folder: Path) -> dict[Path, bytes]:
    """The bytes of every file."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_refused(status: int, said: str) -> None:
    """The run ended because the table is another one, and said so."""
    assert status == 2
    assert "The study study was made with other data or another protocol" in said
    assert "the same data" in said


# ----------------------------------------------------------------------------------------------------- with TensorFlow

# Started as a user does it: what trains side by side and lost a training, what a user's module trains, and of each kind
# of network one that predicts. The others run in this process, which starts TensorFlow once; see `warm`.
IN_PROCESSES = {"resumed": ("classes",), "more": ("own",), "predicts": ("gaps", "own")}


def starter(what: str, name: str) -> Callable[..., Any]:
    """How the scripts are started for this test of a study."""
    return call if name in IN_PROCESSES[what] else warm.script


@pytest.fixture(scope="module")
def processor(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The tiny trainings of this processor, and what was stored of them."""
    found = golden.processor(fresh("gaps", tmp_path_factory.mktemp("processor")), warm.script)
    return {"now": found, "then": json.loads((HERE / "processor.json").read_text())}


def tolerance(processor: dict[str, Any], name: str) -> float:
    """How far what is computed anew may be from what was computed then: not at all, where this processor can do so."""
    engine = golden.study_json(HERE / name)["fingerprint"]["engine"]
    return 0.0 if processor["now"][engine] == processor["then"][engine] else TOLERANCE


@pytest.mark.slow
def test_the_same_processor_and_versions_give_the_same_bits(processor):
    now, then = processor["now"], processor["then"]
    if any(now[each] != then[each] for each in ("device", "versions", "instructions")):
        pytest.skip("another processor, or other versions")
    assert now == then


@pytest.mark.slow
def test_the_predictions_are_those_of_then(name, home, processor, monkeypatch):
    monkeypatch.chdir(home)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "own_network", raising=False)
    wanted, allowed = expected(name), tolerance(processor, name) * width(name)
    assert golden.ranking(home, name) == wanted["ranking"]
    assert alike(golden.predictions(home, name), wanted["predictions"], allowed)
    sys.modules.pop("own_network", None)


@pytest.mark.slow
def test_a_changed_table_of_a_network_of_a_user_s_is_refused(tmp_path):
    home = fresh("own", tmp_path)
    before = contents(home / "study")
    change(home / "table.csv")
    answer = warm.script(home, *RUN)
    assert_refused(answer.returncode, " ".join(answer.stderr.split()))
    assert contents(home / "study") == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "chosen", "options"),
    [
        *((name, "top 2", ("--top", "2")) for name in ("classes", "folds", "series")),
        *((name, "greedy", ("--ensemble", "greedy")) for name in ("gaps", "folds", "own")),
    ],
)
def test_predict_writes_what_it_wrote_then(name, home, chosen, options, processor):
    answer = starter("predicts", name)(home, *golden.predicting(name, *options))
    assert answer.returncode == 0, answer.stderr
    wanted = expected(name)["predictions"][chosen]
    found = golden.columns(pd.read_csv(home / "predicted.csv", dtype={"label": str}, float_precision="round_trip"))
    assert alike(found, wanted, tolerance(processor, name) * width(name))
    assert ("colour: never seen in training" in answer.stdout) == (name == "gaps")


@pytest.mark.slow
def test_the_same_command_trains_what_is_lost_alone_and_says_the_same(name, home, processor):
    """Nothing is trained where nothing is lost; of two studies the last line is, and with it what the model was."""
    wanted, study = expected(name), home / "study"
    before, weights = (study / "ledger.jsonl").read_bytes(), weights_of(study)
    if name in LOSING:
        lost = wanted["trainings"][-1]
        (study / "models" / lost["key"] / f"repeat-{lost['index']:03d}.npz").write_bytes(b"lost")
        before = before[: before.rindex(b"\n", 0, -1) + 1]
        (study / "ledger.jsonl").write_bytes(before)
    answer = starter("resumed", name)(home, *RUN)
    assert answer.returncode == 0, answer.stderr
    allowed = tolerance(processor, name) if name in LOSING else 0.0
    after = (study / "ledger.jsonl").read_bytes()
    assert after.startswith(before)
    assert len(after[len(before) :].splitlines()) == (name in LOSING)
    if not allowed:
        assert golden.trainings(home) == wanted["trainings"]
        assert weights_of(study) == weights
        assert (study / "best.txt").read_text() == cut_at_zero(wanted["best.txt"])
    scored = [each["objective"] for each in golden.trainings(home)]
    assert alike(scored, [each["objective"] for each in wanted["trainings"]], allowed)
    assert golden.study_json(home)["fingerprint"] == wanted["fingerprint"]
    assert golden.stages(home) == wanted["stages"]
    found = golden.opened(home)
    assert alike(timeless(found), timeless({each: wanted[each] for each in found}), allowed)
    # The scores on test rows are computed anew.
    assert alike(timeless(golden.workbook(home)), timeless(wanted["workbook"]), TOLERANCE)
    if name not in LOSING:
        assert found == {each: wanted[each] for each in found}
    assert here(home, "ledger.py", "verify", "study") == (0, "study is sound.")


def cut_at_zero(text: str) -> str:
    """A text with intervals as they are told since: they end at 0, where a score does, and were told below it then."""
    return re.sub(r"\(-[\d.]+ to", lambda found: re.sub(r"\d", "0", found.group()).replace("-", ""), text)


def weights_of(study: Path) -> dict[str, bytes]:
    """The files with weights."""
    return {str(path.relative_to(study)): path.read_bytes() for path in study.glob("models/*/*.npz")}


def timeless(found: Any) -> Any:
    """All but what depends on how long a training took."""
    if isinstance(found, list):
        return [timeless(each) for each in found]
    if isinstance(found, dict):
        timed = (
            ("fastest", "front of seconds", "group", "front") if "rank" in found else ("fastest", "front of seconds")
        )
        return {name: timeless(each) for name, each in found.items() if name not in timed}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", MORE)
def test_one_repeat_more_trains_what_is_missing_and_leaves_the_old_lines(name, home, processor):
    wanted, before = expected(name), (home / "study" / "ledger.jsonl").read_bytes()
    answer = starter("more", name)(home, *RUN, *golden.more_of(name))
    assert answer.returncode == 0, answer.stderr
    assert (home / "study" / "ledger.jsonl").read_bytes().startswith(before)
    found = golden.trainings(home)
    assert found[: len(wanted["trainings"])] == wanted["trainings"]
    added = {(each["key"], each["index"]): each for each in found[len(wanted["trainings"]) :]}
    explored = {each["key"] for each in wanted["trainings"] if each["stage"] == "explore"}
    assert {(key, MORE[name] - 1) for key in explored} <= added.keys()
    if not tolerance(processor, name):  # where rounding differs, what is proposed next may differ, too
        assert added == {(each["key"], each["index"]): each for each in wanted["more"]}
    assert golden.study_json(home)["fingerprint"] == wanted["fingerprint"]
    assert here(home, "ledger.py", "verify", "study") == (0, "study is sound.")
