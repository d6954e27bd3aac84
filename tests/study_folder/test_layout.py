"""Which names in a folder belong to a study, and where a new one may be made."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.study_folder import identity, lock
from pipeline.study_folder.layout import StudyFolder, belongs_to_study, beside

STUDY = StudyFolder(Path("study"))
OURS = [
    STUDY.identity, STUDY.journal, STUDY.workbook, STUDY.rows, STUDY.models, STUDY.figures, STUDY.logs, STUDY.summary,
    STUDY.best, STUDY.worst_rows, STUDY.test_predictions, STUDY.outcome, STUDY.decisions, STUDY.ensemble("greedy"),
    STUDY.lock, STUDY.holder,
    *(beside(STUDY.workbook, word) for word in ("pending", "pending-2", "fresh", "damaged-1")),
    Path("rows-012.npz"), Path(".study.json.ab_12c9z.tmp"), Path(".ledger.xlsx.tmp"),
]  # fmt: skip


def refused(study: Path) -> str:
    with pytest.raises(UserError) as caught:
        identity.check(study, {})
    return str(caught.value)


@pytest.mark.parametrize("name", [path.name for path in OURS])
def test_every_name_that_is_written_belongs_to_the_study(name):
    assert belongs_to_study(name)
    assert belongs_to_study(name.upper())  # the same file on many file systems


@pytest.mark.parametrize(
    "name", ["k.csv", "s.toml", "notes.md", "predictions.csv", "my ledger.xlsx", ".git", ".x.tmp", "models2", "ledger"]
)
def test_other_names_are_the_users(name):
    assert not belongs_to_study(name)


@pytest.mark.parametrize("name", ["summary.md", "best.txt", "test_predictions.csv", "ledger.xlsx", "Summary.MD"])
def test_a_new_study_is_not_made_over_a_file_of_the_user(tmp_path, name):
    (tmp_path / name).write_text("my notes")
    (tmp_path / "k.csv").write_text("a,y\n")
    text = refused(tmp_path)
    assert text.startswith(f"{tmp_path} has files that a new study would overwrite")
    assert f"Got: {name}." in text
    assert (tmp_path / name).read_text() == "my notes"


def test_a_new_study_is_not_made_over_a_folder_of_the_user(tmp_path):
    (tmp_path / "figures").mkdir()
    identity.check(tmp_path, {})  # nothing in it
    (tmp_path / "figures" / "front.png").touch()
    assert "Got: figures." in refused(tmp_path)


def test_the_first_names_are_listed(tmp_path):
    for number in range(7):
        (tmp_path / f"rows-{number:03d}.npz").touch()
    assert "Got: rows-000.npz, rows-001.npz, rows-002.npz, rows-003.npz, rows-004.npz and 2 more." in refused(tmp_path)


def test_a_folder_with_other_files_only_may_have_a_new_study(tmp_path):
    for name in ("k.csv", "s.toml", "study.toml", "notes.md", "predictions.csv", ".x.tmp"):
        (tmp_path / name).write_text("mine")
    (tmp_path / "data").mkdir()
    identity.check(tmp_path, {})
    with lock.held(tmp_path):
        identity.check(tmp_path, {})
    assert (tmp_path / ".x.tmp").read_text() == "mine"  # no temporary file of a run


@pytest.mark.parametrize("holder", ["", "proc", "process 1 on here, since today"])
def test_what_a_killed_run_leaves_before_its_first_file_is_no_obstacle(tmp_path, holder):
    (tmp_path / ".lock").touch()
    (tmp_path / ".holder").write_text(holder)
    (tmp_path / ".study.json.ab_12c9z.tmp").write_text("{")
    for name in ("models", "figures", "logs"):
        (tmp_path / name).mkdir()
    identity.check(tmp_path, {})
    for begun in ("", "pro"):
        (tmp_path / ".holder").write_text(begun)
        identity.check(tmp_path, {})
    with lock.held(tmp_path):
        assert not (tmp_path / ".study.json.ab_12c9z.tmp").exists()
    (tmp_path / ".lock").write_text("a lock of my own")
    (tmp_path / ".holder").write_text("of keys")
    assert "Got: .holder, .lock." in refused(tmp_path)


@pytest.mark.parametrize("name", ["study.json", "ledger.jsonl"])
def test_a_folder_with_one_of_these_is_a_study(tmp_path, name):
    assert not StudyFolder(tmp_path).exists
    (tmp_path / name).symlink_to("nowhere")
    assert StudyFolder(tmp_path).exists
