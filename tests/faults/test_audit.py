"""Every invariant of a study folder is looked at: broken alone, it is found, and nothing is written."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pipeline import saved_models
from pipeline.ledger import journal
from pipeline.ledger.records import encode, frame
from pipeline.maintenance.audit import audit, leftovers
from pipeline.study_folder.layout import ModelFolder, StudyFolder
from tests.faults.runs import ROOT, sound

pytestmark = pytest.mark.slow  # the fixture takes seconds, each test a few hundredths of one


def contents(study: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in study.rglob("*") if path.is_file()}


def model(study: Path, pattern: str) -> Path:
    return min(study.glob(f"models/*/{pattern}"))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def edited(sheet: str, change: Callable[[Any], object]) -> Callable[[Path], None]:
    def edit(study: Path) -> None:
        book = openpyxl.load_workbook(study / "ledger.xlsx")
        change(book[sheet])
        book.save(study / "ledger.xlsx")

    return edit


def column(sheet, header: str) -> int:
    return [cell.value for cell in sheet[1]].index(header) + 1


def cell(sheet: str, header: str, value: object) -> Callable[[Path], None]:
    def change(found) -> None:
        found.cell(2, column(found, header)).value = value

    return edited(sheet, change)


def newer(study: Path) -> None:
    parts: dict[str, object] = {name: {} for name in ("fingerprint", "settings", "versions")}
    (study / "study.json").write_text(json.dumps({"format": 9, **parts}))


def without_model(study: Path) -> None:
    path = study / "ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    last = json.loads(lines[-1])["record"]
    path.write_bytes(b"".join([*lines[:-1], frame({**last, "model": ""})]))


def another_model(study: Path) -> None:
    folder = ModelFolder(model(study, "repeat-000.npz").parent)
    saved_models.add(folder, "repeat-000.npz", folder.weights(1).read_bytes())


HARMS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no study.json": (lambda s: (s / "study.json").unlink(), "is missing"),
    "study.json cut": (lambda s: (s / "study.json").write_bytes((s / "study.json").read_bytes()[:100]), "be read"),
    "study.json newer": (newer, "format 9"),
    "no journal": (lambda s: (s / "ledger.jsonl").unlink(), "The journal is missing"),
    "temporary file": (lambda s: (s / "models" / ".x.json.abc.tmp").write_text("half"), "was killed while"),
    "temporary file of a model": (lambda s: model(s, "probe.json").with_name(".probe.json.a.tmp").touch(), "killed"),
    "weights flipped": (lambda s: flip(model(s, "repeat-000.npz")), "SHA-256"),
    "scalers flipped": (lambda s: flip(model(s, "preprocessing.skops")), "SHA-256"),
    "weights gone": (lambda s: model(s, "repeat-001.npz").unlink(), "missing"),
    "manifest gone": (lambda s: model(s, "manifest.json").unlink(), "is missing"),
    "models gone": (lambda s: shutil.rmtree(model(s, "probe.json").parent), "models are missing"),
    "another repeat's weights": (another_model, "another model in the journal"),
    "stranger among the models": (lambda s: (s / "models" / "notes").mkdir(), "not the folder of a configuration"),
    "objective without a model": (without_model, "an objective without a model"),
    "workbook gone": (lambda s: (s / "ledger.xlsx").unlink(), "The workbook is missing"),
    "workbook is text": (lambda s: (s / "ledger.xlsx").write_text("hello"), "cannot be read as a workbook"),
    "repeat deleted": (edited("Repeats", lambda sheet: sheet.delete_rows(2)), "1 repeats of the journal are missing"),
    "repeat made up": (cell("Repeats", "repeat", 77), "1 repeats are not in the journal"),
    "objective changed": (cell("Repeats", "objective", 0.01), "1 repeats have another objective"),
    "row deleted": (edited("Configurations", lambda sheet: sheet.delete_rows(2)), "1 configurations of the journal"),
    "mean changed": (cell("Configurations", "MAE mean", 0.01), "1 configurations have another mean"),
    "row doubled": (
        edited("Configurations", lambda sheet: sheet.append([each.value for each in sheet[2]])),
        "1 configurations occur more than once",
    ),
}  # fmt: skip


def test_a_finished_study_is_sound(study):
    before = contents(study)
    sound(study)
    assert leftovers(study) == ()
    assert contents(study) == before


@pytest.mark.parametrize("name", HARMS)
def test_what_does_not_hold_is_found(study, name):
    harm, words = HARMS[name]
    harm(study)
    before = contents(study)
    found = audit(study)
    assert any(words in str(finding) for finding in found), found
    assert contents(study) == before


def test_a_folder_that_is_none_is_a_finding(tmp_path):
    assert "not a study folder" in str(audit(tmp_path / "nothing")[0])
    assert audit(tmp_path) != ()


def test_what_a_user_adds_to_the_workbook_is_no_finding(study):
    def add(sheet) -> None:
        sheet.insert_cols(1)
        sheet.cell(1, 1).value = "mine"
        sheet.cell(30, 3).value = "a remark"

    edited("Configurations", add)(study)
    sound(study)


def test_a_model_whose_line_is_missing_is_left_over_not_a_finding(study):
    path = study / "ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    last = journal.read(path).repeats[-1]
    path.write_bytes(b"".join(lines[:-1]))
    (left,) = leftovers(study)
    assert left.file == StudyFolder(study).model(last.training.configuration.key).path / "repeat-001.npz"
    # The workbook knows more than the journal: that is the finding, and the journal gets its line back by a run.
    assert [finding.file.name for finding in audit(study)] == ["ledger.xlsx"]
    path.write_bytes(b"".join([*lines[:-1], frame(encode(last))]))
    sound(study)


def verify(study: Path) -> subprocess.CompletedProcess[str]:
    script = str(ROOT / "scripts" / "ledger.py")
    return subprocess.run([sys.executable, script, "verify", str(study)], capture_output=True, text=True, check=False)


def test_the_command_says_one_line_of_a_sound_study_and_a_list_of_another(study):
    answer = verify(study)
    assert (answer.returncode, answer.stdout.count("\n"), answer.stderr) == (0, 1, "")
    assert "is sound" in answer.stdout
    flip(model(study, "repeat-000.npz"))
    (study / "ledger.xlsx").unlink()
    answer = verify(study)
    assert answer.returncode == 1
    assert len(answer.stdout.splitlines()) == 2
    assert answer.stderr == ""
