"""Backends by name: those of the product, and one from outside, which a whole study runs on."""

from __future__ import annotations

import sys

import pytest

from pipeline.errors import UserError
from pipeline.ledger import journal
from pipeline.study_folder import identity
from pipeline.workers import backends
from pipeline.workers.local import LocalPlaces
from tests.faults import small_study as small


def test_every_backend_of_the_product_loads():
    assert backends.load("local") is LocalPlaces
    assert all(callable(backends.load(name)) for name in backends.BACKENDS)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere", "There is no such backend"),
        ("", "There is no such backend"),
        ("a:b:c", "There is no such backend"),
        ("no_module_of_that_name:places", "There is no module"),
        ("tests.faults.small_study:nothing", "has no backend nothing"),
        ("tests.faults.small_study:SPACE", "cannot be called"),
    ],
)
def test_what_is_no_backend_is_refused_with_what_may_stand_there(name, says):
    with pytest.raises(UserError, match=says) as caught:
        backends.load(name)
    assert "Expected" in str(caught.value)


def test_a_backend_is_found_in_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "places_of_mine.py").write_text("from pipeline.workers.local import LocalPlaces as Mine\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert backends.load("places_of_mine:Mine") is LocalPlaces


def test_a_study_runs_on_a_backend_from_outside_and_goes_on_on_another(tmp_path):
    """Where jobs run is not part of what a study is."""
    first = small.run(tmp_path, cluster="scripts.faults.drawing:drawing", calls="0")
    assert first.exit_code == 0, first.output
    path = tmp_path / "study" / "ledger.jsonl"
    before = path.read_bytes()
    known = journal.read(path).repeats
    assert len(known) == (1 + 3) * 2
    assert {each.slot for each in known} == {"cpu0"}
    assert "cluster" not in identity.read(tmp_path / "study" / "study.json").fingerprint
    again = small.run(tmp_path, cluster="tests.faults.fake_study:places", calls="0")
    assert again.exit_code == 0, again.output
    assert path.read_bytes() == before


def test_a_wrong_backend_ends_the_command_before_anything_is_written(tmp_path):
    answer = small.run(tmp_path, cluster="nowhere")
    assert answer.exit_code == 2
    assert not (tmp_path / "study").exists()
