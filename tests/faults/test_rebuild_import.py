"""The workbook is drawn from the journal whenever one likes, and a colleague's ledger is imported once."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from pipeline.errors import DamagedFile, StudyMismatch, UserError
from pipeline.ledger import journal
from pipeline.maintenance.audit import audit
from pipeline.maintenance.import_results import import_ledger
from pipeline.maintenance.rebuild import rebuild
from pipeline.study_folder import lock
from pipeline.trial import Configuration, Repeat, Training
from tests.faults.fake_study import REPEATS, facts
from tests.faults.runs import sound

pytestmark = pytest.mark.slow
NEW = Configuration.of(
    {"hidden_layers": 1, "units": [5], "activation": "tanh", "optimizer": "adam", "learning_rate": 0.001,
     "batch_size": 32, "dropout": 0.0, "l2": 0.0, "weight_decay": 0.0}
)  # fmt: skip


def headers(study: Path) -> list[object]:
    return [cell.value for cell in openpyxl.load_workbook(study / "ledger.xlsx")["Configurations"][1]]


def means(study: Path) -> dict[object, object]:
    sheet = openpyxl.load_workbook(study / "ledger.xlsx")["Configurations"]
    names = [cell.value for cell in sheet[1]]
    rows = sheet.iter_rows(min_row=2, values_only=True)
    return {row[names.index("key")]: row[names.index("test MAE")] for row in rows}


def repeat(configuration: Configuration, index: int, objective: float | None, epochs: int = 3) -> Repeat:
    error = "" if objective is not None else "diverged"
    return Repeat(Training(configuration, epochs, index), "explore", index, objective, error=error, model="0" * 64)


@pytest.fixture
def colleague(finished, tmp_path) -> Path:
    """The folder of somebody who ran the same study and two configurations more, one of them with a failure."""
    theirs: Path = tmp_path / "colleague"
    shutil.copytree(finished / "study", theirs)
    other = Configuration.of({**NEW.as_dict(), "units": (6,)})
    with journal.open_journal(theirs / "ledger.jsonl") as ours:
        for each in (repeat(NEW, 0, 0.5), repeat(NEW, 1, 0.7), repeat(other, 0, 0.1), repeat(other, 1, None)):
            ours.append_repeat(each)
    rebuild(theirs, print)
    return theirs


def test_a_workbook_that_is_gone_is_drawn_again(study):
    before = headers(study)
    (study / "ledger.xlsx").unlink()
    assert audit(study) != ()
    assert rebuild(study, print) == study / "ledger.xlsx"
    sound(study)
    assert headers(study) == before
    assert not any(means(study).values())  # the old one alone had them


def test_what_the_user_made_and_the_test_errors_survive(study):
    book = openpyxl.load_workbook(study / "ledger.xlsx")
    sheet = book["Configurations"]
    added = sheet.max_column + 1
    sheet.cell(1, added).value = "mine"
    sheet.cell(2, added).value = "keep this"
    sheet.cell(2, headers(study).index("MAE mean") + 1).value = 0.001
    book.save(study / "ledger.xlsx")
    tested = means(study)
    assert any(tested.values())
    assert audit(study) != ()
    rebuild(study, print)
    sound(study)
    assert means(study) == tested
    sheet = openpyxl.load_workbook(study / "ledger.xlsx")["Configurations"]
    assert "keep this" in [cell.value for cell in sheet[2]]


def test_an_untouched_workbook_keeps_its_test_errors(study):
    tested = means(study)
    rebuild(study, print)
    sound(study)
    assert means(study) == tested


def test_a_damaged_workbook_is_set_aside(study):
    (study / "ledger.xlsx").write_text("this is no workbook")
    said: list[str] = []
    rebuild(study, said.append)
    aside = f"it was kept as {study / 'ledger.damaged-1.xlsx'}, and a new one was written."
    assert said == [f"{study / 'ledger.xlsx'} is not a workbook any more: {aside}"]
    sound(study)
    assert (study / "ledger.damaged-1.xlsx").read_text() == "this is no workbook"


def test_a_study_that_is_being_worked_on_or_damaged_is_left_alone(study):
    with lock.held(study), pytest.raises(UserError, match="in use by"):
        rebuild(study, print)
    path = study / "ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"x" + lines[1], *lines[2:]]))
    with pytest.raises(DamagedFile, match="line 2"):
        rebuild(study, print)
    with pytest.raises(UserError, match="not a study folder"):
        rebuild(study.parent, print)


@pytest.mark.parametrize("name", ["ledger.jsonl", "ledger.xlsx"])
def test_a_colleagues_results_are_taken_in_once(launchers, study, colleague, name):
    found = import_ledger(study, colleague / name, print)
    assert (found.imported, found.known) == (1, 1)  # the other one of theirs has a failed repeat
    (row,) = journal.read(study / "ledger.jsonl").imported
    assert row.configuration == NEW
    assert (row.repeats, row.epochs, row.source.partition(",")[0]) == (2, 3, name)
    assert row.mean == pytest.approx(0.6)
    sound(study)
    again = import_ledger(study, colleague / name, print)
    assert (again.imported, again.known) == (0, 2)
    assert launchers[0].run(study.parent).code == 0
    assert len(facts(study)) == REPEATS  # nothing is trained for it
    sound(study)


def test_a_configuration_with_a_failed_repeat_is_left_out_of_a_journal(study, colleague):
    found = import_ledger(study, colleague / "ledger.jsonl", print)
    assert (found.imported, found.known, found.skipped) == (1, 1, 1)


def other_study(colleague: Path, **fields: object) -> None:
    path = colleague / "study.json"
    content = json.loads(path.read_text())
    content["fingerprint"] |= fields
    content["settings"] |= fields
    del content["sha256"]  # as in the first versions, which had none
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("name", ["ledger.jsonl", "ledger.xlsx"])
@pytest.mark.parametrize("field", ["split", "validation_data", "test_data"])
def test_a_study_of_parts_that_this_one_does_not_have_is_refused(study, colleague, name, field):
    other_study(colleague, **{field: "of their own"})
    rebuild(colleague, print)
    with pytest.raises(StudyMismatch, match=f"the same {field}"):
        import_ledger(study, colleague / name, print)


@pytest.mark.parametrize("name", ["ledger.jsonl", "ledger.xlsx"])
def test_another_study_is_refused_with_the_fields_that_differ(study, colleague, name):
    other_study(colleague, patience=7, loss="mae")
    rebuild(colleague, print)
    before = (study / "ledger.jsonl").read_bytes()
    with pytest.raises(StudyMismatch, match="loss, patience") as error:
        import_ledger(study, colleague / name, print)
    assert "'mae' there, 'mse' here" in str(error.value)
    assert (study / "ledger.jsonl").read_bytes() == before


def test_a_journal_that_does_not_say_its_study_is_refused(study, colleague):
    (colleague / "study.json").unlink()
    with pytest.raises(UserError, match="does not say which study"):
        import_ledger(study, colleague / "ledger.jsonl", print)
    with pytest.raises(UserError, match="is not a ledger"):
        import_ledger(study, colleague / "summary.md", print)


HOSTILE = {
    "nested": b'{"crc":"00000000","record":' + b"[" * 100_000 + b"}\n",
    "endless": b"a" * 10_000_000,
    "empty key": b'{"crc":"00000000","record":{}}\n',
    "zeros": bytes(1_000_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_journal_is_refused_and_nothing_taken(study, colleague, name):
    path = colleague / "ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], HOSTILE[name], *lines[1:]]))
    before = (study / "ledger.jsonl").read_bytes()
    with pytest.raises(DamagedFile, match="line 2"):
        import_ledger(study, path, print)
    assert (study / "ledger.jsonl").read_bytes() == before


def test_a_hostile_workbook_gives_nothing(study, colleague):
    before = (study / "ledger.jsonl").read_bytes()
    (colleague / "ledger.xlsx").write_bytes(b"PK\x03\x04" + bytes(1000))
    with pytest.raises(DamagedFile, match="cannot be read as a workbook"):
        import_ledger(study, colleague / "ledger.xlsx", print)
    assert (study / "ledger.jsonl").read_bytes() == before


def test_texts_of_a_stranger_stay_texts(study, colleague):
    evil = Configuration.of({**NEW.as_dict(), "activation": '=HYPERLINK("http://x","y")\x1b[2J'})
    with journal.open_journal(colleague / "ledger.jsonl") as theirs:
        theirs.append_repeat(replace(repeat(evil, 0, 0.2), error=""))
    import_ledger(study, colleague / "ledger.jsonl", print)
    sound(study)
    cells = [cell for row in openpyxl.load_workbook(study / "ledger.xlsx")["Configurations"] for cell in row]
    assert [cell.data_type for cell in cells if "HYPERLINK" in str(cell.value)].count("f") == 0
