"""The same study gives the same journal, up to order and timings, and the same weights, however it was run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.ledger import journal
from pipeline.ledger.records import decode, encode
from pipeline.run.notices import Notices
from pipeline.training.provenance import device, processor, versions
from pipeline.trial import Configuration, Repeat, Training
from tests.faults import small_study as small


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        small.stand_in(patch)
        answer = small.run(folder)
    assert answer.exit_code == 0, answer.output
    return folder / "study"


def test_the_whole_study_is_there(finished):
    assert len(small.facts(finished)) == len(small.weights(finished)) == small.TRAININGS


@pytest.mark.parametrize(("workers", "seed"), [(1, 1), (2, 2), (2, 3), (2, 4), (3, 5), (100, 6), (100, 7)])
def test_any_order_of_completion_gives_the_same_bits(finished, tmp_path, monkeypatch, workers, seed):
    small.stand_in(monkeypatch, workers=workers, shuffle=seed)
    assert small.run(tmp_path).exit_code == 0
    assert small.facts(tmp_path / "study") == small.facts(finished)
    assert small.weights(tmp_path / "study") == small.weights(finished)


def test_the_orders_really_differ(finished, tmp_path, monkeypatch):
    small.stand_in(monkeypatch, workers=100, shuffle=6)
    assert small.run(tmp_path).exit_code == 0
    orders = [
        [each.training.identity for each in journal.read(study / "ledger.jsonl").repeats]
        for study in (finished, tmp_path / "study")
    ]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


@pytest.mark.parametrize("seed", range(6))
def test_interrupted_anywhere_with_changing_workers_gives_the_same_bits(finished, tmp_path, monkeypatch, seed):
    rng = np.random.default_rng(seed)
    deaths = 0
    for turn in range(50):
        last = turn > 6
        stop = None if last else int(rng.integers(0, 4))
        small.stand_in(monkeypatch, workers=int(rng.integers(1, 9)), shuffle=int(rng.integers(1000)), dies_after=stop)
        try:
            answer = small.run(tmp_path)
        except small.Killed:
            deaths += 1
            continue
        assert answer.exit_code == 0, answer.output
        break
    assert deaths > 2
    assert small.facts(tmp_path / "study") == small.facts(finished)
    assert small.weights(tmp_path / "study") == small.weights(finished)


# ------------------------------------------------------------------------------------------------- what computed them


def test_every_repeat_records_threads_program_device_and_versions(finished):
    for each in journal.read(finished / "ledger.jsonl").repeats:
        assert (each.threads, each.program, each.device, each.versions) == (
            1,
            "none",
            "cpu A",
            "python 3, tensorflow 2",
        )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"versions": "python 3, tensorflow 3"}, "other versions: 'tensorflow 3', where 8 repeats of the ledger had"),
        ({"device": "cpu B"}, "another device: 'cpu B', where 8 repeats of the ledger had 'cpu A'"),
        ({"threads": 2}, "another number of threads: '2', where 8 repeats of the ledger had '1'"),
    ],
    ids=["versions", "device", "threads"],
)
def test_a_resumed_run_that_computes_otherwise_says_so_once(tmp_path, monkeypatch, changed, said):
    small.stand_in(monkeypatch)
    assert "computed with" not in small.run(tmp_path, calls="0").output
    small.stand_in(monkeypatch, engine=small.Initial(**changed))
    output = " ".join(small.run(tmp_path).output.split())
    assert output.count("From here on") == output.count(said) == 1
    found = [
        tuple(getattr(each, name) for name in changed) for each in journal.read(tmp_path / "study/ledger.jsonl").repeats
    ]
    assert found.count(tuple(changed.values())) == 4
    assert len(found) == 12


def test_nothing_is_said_where_nothing_is_computed(tmp_path, monkeypatch):
    small.stand_in(monkeypatch)
    small.run(tmp_path, calls="0")
    small.stand_in(monkeypatch, engine=small.Initial(versions="python 9"))
    assert "From here on" not in small.run(tmp_path, calls="0").output


def repeat(**changes: object) -> Repeat:
    training = Training(Configuration.of({"a": 1}), 5, 0)
    whole = Repeat(training, "explore", 1, 0.5, model="f" * 64, threads=1, device="cpu A", versions="python 3")
    return replace(whole, **changes)  # type: ignore[arg-type]


def test_what_failed_and_what_does_not_say_is_no_difference():
    notices = Notices([repeat(), repeat(device="", versions="")])
    assert notices.of(repeat(threads=0, objective=None, model="", error="lost", versions="")) == ()
    assert notices.of(repeat()) == ()
    assert len(notices.of(repeat(device="gpu B"))) == 1
    assert notices.of(repeat(device="gpu B")) == ()


def test_journals_of_before_these_fields_are_read():
    raw = encode(repeat())
    assert decode(raw, {}) == repeat()
    del raw["device"], raw["versions"]
    assert decode(raw, {}) == repeat(device="", versions="")


def test_versions_name_what_computes_and_the_device_its_processor(tmp_path):
    assert [part.split()[0] for part in versions().split(", ")] == [
        "python",
        "tensorflow",
        "keras",
        "numpy",
        "scipy",
        "scikit-learn",
    ]
    assert device() == f"cpu {processor()}"
    assert len(device()) > len("cpu ")
    (tmp_path / "cpuinfo").write_text("processor : 0\nmodel name : Fast CPU @ 3 GHz\nmodel name : Other\n")
    assert processor(tmp_path / "cpuinfo") == "Fast CPU @ 3 GHz"
    assert processor(tmp_path / "none")
