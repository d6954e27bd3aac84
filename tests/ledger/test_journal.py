"""The journal: facts come back bit by bit, a torn end is passed over, any other damage is named."""

import errno
import gc
import json
import math
import os
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import DamagedFile, UserError
from pipeline.ledger import journal as room
from pipeline.ledger.journal import Contents, before, open_journal, read
from pipeline.ledger.records import FENCE, HEADER, Begun, Record, decode, encode, frame, parse, unframe
from pipeline.trial import Configuration, Imported, Repeat, Training

GOLDEN = Path(__file__).parent / "golden" / "ledger-v1.jsonl"


def configuration(number: int = 1) -> Configuration:
    return Configuration.of(
        {"hidden_layers": 2, "units": (8 + number, 16), "learning_rate": 0.1 / (number + 2), "activation": "relu"}
    )


def repeat(index: int = 0, number: int = 1, **changes: Any) -> Repeat:
    values: dict[str, Any] = {
        "stage": "explore",
        "seed": 4_000_000_000 + index,
        "objective": 0.1 + index / 3,
        "scores": {"Y": {"mae": 1 / 3, "r2": -0.0}},
        "epochs_run": 40,
        "best_epoch": 30,
        "seconds": 1.25,
        "slot": "cpu:0",
        "threads": 1,
        "weights": 99,
        "model": "ab" * 32,
    }
    return Repeat(Training(configuration(number), 50, index), **(values | changes))


def imported(number: int = 7) -> Imported:
    return Imported(configuration(number), 50, 3, 0.25, None, "ledger.xlsx, row 9")


def fill(path: Path, count: int = 3) -> tuple[Record, ...]:
    with open_journal(path) as journal:
        journal.append_stage("explore", "abc", {"space": "a", "seed": 1})
        journal.append_imported(imported())
        for index in range(count):
            journal.append_repeat(repeat(index))
        return journal.records


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.jsonl"


def test_a_replay_of_the_file_gives_the_state(path):
    records = fill(path)
    assert read(path).records == records
    assert read(path).repeats == tuple(repeat(index) for index in range(3))
    assert read(path).imported == (imported(),)
    assert read(path).stages == (Begun("explore", "abc", {"space": "a", "seed": 1}),)
    assert not read(path).torn
    with open_journal(path) as again:
        assert again.records == records
        assert again.repeats == read(path).repeats
    assert path.read_bytes().startswith(HEADER)


def test_a_journal_that_is_not_there_is_empty_and_stays_absent(path):
    assert read(path) == Contents()
    assert not path.exists()


def test_every_line_is_json_with_the_checksum_of_its_bytes(path):
    fill(path)
    for line in path.read_bytes().splitlines():
        assert set(json.loads(line)) == {"crc", "record"}


floats = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=60)
@given(objective=floats, error=st.text(), score=floats, rate=floats, output=st.text(max_size=5))
def test_floats_and_texts_come_back_as_they_were(objective, error, score, rate, output):
    made = Repeat(
        Training(Configuration.of({"rate": rate}), 5, 0),
        "refine",
        1,
        objective,
        {output: {"mae": score}},
        error=error + '\ud800\x00\x1b\u2028"\\',
    )
    line = frame(encode(made))
    body = unframe(line)
    assert line.count(b"\n") == 1
    assert line.isascii()
    assert body is not None
    again = decode(parse(body), {})
    assert again == made
    assert isinstance(again, Repeat)
    assert again.objective is not None
    assert math.copysign(1, again.objective) == math.copysign(1, objective)


def test_when_a_training_began_is_recorded_and_unknown_in_journals_of_before(path):
    with open_journal(path) as journal:
        journal.append_repeat(repeat(started="2026-11-27T05:12:00.123Z"))
        journal.append_repeat(repeat(1))
        for moment in ("2026-11-27", "2026-11-27T05:12:00.123+00:00", "yesterday"):
            with pytest.raises(ValueError, match="not a moment"):
                journal.append_repeat(repeat(2, started=moment))
    assert [each.started for each in read(path).repeats] == ["2026-11-27T05:12:00.123Z", ""]
    raw = encode(repeat(3, started="2026-11-27T05:12:00.123Z"))
    del raw["started"]
    assert decode(raw, {}) == repeat(3)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_refused_and_leaves_the_file_alone(path, value):
    with open_journal(path) as journal:
        before_it = path.read_bytes()
        with pytest.raises(ValueError):
            journal.append_repeat(repeat(objective=value))
        with pytest.raises(ValueError):
            journal.append_repeat(repeat(scores={"Y": {"mae": value}}))
        assert path.read_bytes() == before_it


def test_cut_anywhere_it_is_a_prefix_and_goes_on(path, tmp_path):
    records = fill(path)
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, -1)
    for cut in (*range(70), *range(70, last - 20, 23), *range(last - 20, len(whole))):
        other = tmp_path / "cut.jsonl"
        other.write_bytes(whole[:cut])
        found = read(other).records
        assert found == records[: len(found)]
        assert len(found) == max(0, whole[:cut].count(b"\n") - 1)
        with open_journal(other) as journal:
            journal.append_repeat(repeat(9))
        assert other.read_bytes().startswith(whole[:cut])  # never cut off
        assert read(other).records == (*found, repeat(9))


def test_a_fence_that_is_cut_short_is_fenced_in_turn(path, tmp_path):
    records = fill(path, 1)
    torn = path.read_bytes()[:-20]
    for first in (*range(12), *range(12, len(room.CLOSE) - 2, 9), *range(len(room.CLOSE) - 2, len(room.CLOSE) + 1)):
        for second in (0, 1, 2, 30, len(room.CLOSE) - 1):
            other = tmp_path / "twice.jsonl"
            other.write_bytes(torn + room.CLOSE[:first] + room.CLOSE[:second])
            assert read(other).records == records[:-1]
            with open_journal(other) as journal:
                journal.append_repeat(repeat(5))
            assert read(other).records == (*records[:-1], repeat(5))


@pytest.mark.parametrize("zeros", [1, 7, 512, 5000])
@pytest.mark.parametrize("lost", [0, 1, 10, 200])
def test_a_tail_of_zeros_is_passed_over(path, zeros, lost):
    records = fill(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - lost] + bytes(zeros))
    kept = records if lost == 0 else records[:-1]
    assert read(path).records == kept
    with open_journal(path) as journal:
        journal.append_repeat(repeat(2))
    assert read(path).repeats == tuple(repeat(index) for index in range(3))


def test_damage_anywhere_else_names_the_line(path):
    fill(path)
    lines = path.read_bytes().splitlines(keepends=True)
    for number in range(1, len(lines)):  # all but the last
        for at in range(0, len(lines[number - 1]) - 1, 7):
            line = bytearray(lines[number - 1])
            line[at] ^= 4
            path.write_bytes(b"".join([*lines[: number - 1], bytes(line), *lines[number:]]))
            with pytest.raises(DamagedFile, match=f"line {number}"):
                read(path)
            with pytest.raises(DamagedFile, match="Try"):
                open_journal(path)


def test_a_lost_line_break_or_a_hole_is_damage(path):
    fill(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], lines[2].rstrip(b"\n"), *lines[3:]]))
    with pytest.raises(DamagedFile, match="line 3"):
        read(path)
    path.write_bytes(b"".join([*lines[:2], bytes(len(lines[2])), *lines[3:]]))
    with pytest.raises(DamagedFile, match="line 3"):
        read(path)


def test_damage_is_not_hidden_by_a_torn_line_behind_it(path):
    fill(path)
    lines = path.read_bytes().splitlines(keepends=True)
    flipped = lines[-2].replace(b"explore", b"Explore")
    for tail in (lines[-1][:40], lines[-1][:40] + room.CLOSE, lines[-1]):
        path.write_bytes(b"".join([*lines[:-2], flipped, tail]))
        with pytest.raises(DamagedFile, match=f"line {len(lines) - 1}"):
            read(path)


def test_the_first_of_two_equal_lines_counts_and_differing_ones_are_damage(path):
    records = fill(path)
    last = path.read_bytes().splitlines(keepends=True)[-1]
    with path.open("ab") as file:
        file.write(last)
    assert read(path).records == records
    with path.open("ab") as file:
        file.write(frame(encode(repeat(2, seconds=9.0))))
    with pytest.raises(DamagedFile, match="line 8"):
        read(path)


def test_a_known_fact_is_not_written_twice_and_not_changed(path):
    fill(path)
    with open_journal(path) as journal:
        size = path.stat().st_size
        journal.append_repeat(repeat(1))
        journal.append_stage("explore", "abc", {"space": "a", "seed": 1})
        assert path.stat().st_size == size
        with pytest.raises(ValueError, match="already"):
            journal.append_repeat(repeat(1, seconds=9.0))
        journal.append_repeat(repeat(1, number=2))
        assert len(journal.repeats) == 4


@pytest.mark.parametrize(
    "content", [b"hello\n", b"hello", b"\x89PNG\r\n\x1a\n rest", b'{"a":1}\n{"b":2}\n', frame({"kind": "stage"})]
)
def test_a_file_that_is_no_journal_is_left_alone(path, content):
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match="line 1"):
        open_journal(path)
    assert path.read_bytes() == content


def test_a_newer_format_is_named(path):
    path.write_bytes(frame({"kind": "header", "format": 7}))
    with pytest.raises(UserError, match="format 7"):
        open_journal(path)


def test_a_valid_checksum_does_not_make_a_record_valid(path):
    good = encode(repeat())
    wrong = [
        good | {"key": "0" * 16},
        good | {"epochs": "50"},
        good | {"stage": "other"},
        good | {"scores": {"Y": 1.0}},
        {name: value for name, value in good.items() if name != "seed"},
        {"kind": "surprise"},
        {"kind": "repeat", "x": [[[]]]},
    ]
    lines = [frame(each) for each in wrong]
    body = frame(good)[27:-2].replace(b'"seconds":1.25', b'"seconds":1e999')
    lines.append(b'{"crc":"%08x","record":%s}\n' % (zlib.crc32(body), body))
    for line in lines:
        path.write_bytes(HEADER + line)
        with pytest.raises(DamagedFile, match="line 2"):
            read(path)


class Disk:
    """os.write that takes few bytes at a time, and refuses after so many calls."""

    def __init__(self, most: int = 10**9, refuse_at: int | None = None, code: int = errno.ENOSPC) -> None:
        self.most, self.refuse_at, self.code, self.calls = most, refuse_at, code, 0
        self.write = os.write

    def __call__(self, descriptor: int, data: memoryview) -> int:
        self.calls += 1
        if self.refuse_at is not None and self.calls >= self.refuse_at:
            raise OSError(self.code, "refused")
        return self.write(descriptor, bytes(data[: self.most]))


def test_short_writes_are_gone_on_with(path, monkeypatch):
    monkeypatch.setattr(os, "write", Disk(most=3))
    records = fill(path)
    assert read(path).records == records
    assert FENCE not in path.read_bytes()


@pytest.mark.parametrize("refuse_at", [1, 2, 3, 10, 60])
def test_a_full_disk_costs_only_the_record_that_did_not_fit(path, monkeypatch, refuse_at):
    records = fill(path)
    with open_journal(path) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", Disk(most=7, refuse_at=refuse_at))
            for _ in range(2):
                with pytest.raises(OSError, match="refused"):
                    journal.append_repeat(repeat(8))
        assert journal.records == records == read(path).records
        journal.append_repeat(repeat(8, seconds=2.0))  # there is room again: the same run goes on
        assert journal.records == (*records, repeat(8, seconds=2.0)) == read(path).records
    with open_journal(path) as journal:
        assert journal.records == (*records, repeat(8, seconds=2.0))


def test_torn_by_one_byte_it_never_becomes_whole(path, monkeypatch):
    records = fill(path)
    line = frame(encode(repeat(8)))
    with open_journal(path) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", Disk(most=len(line) - 1, refuse_at=2))
            with pytest.raises(OSError, match="refused"):
                journal.append_repeat(repeat(8))
        for cut in (1, 2, 3):
            with monkeypatch.context() as patch:
                patch.setattr(os, "write", Disk(most=cut, refuse_at=2))
                with pytest.raises(OSError, match="refused"):
                    journal.append_repeat(repeat(8, seconds=3.0))
                assert read(path).records == records
        journal.append_repeat(repeat(8, seconds=4.0))
    assert read(path).records == (*records, repeat(8, seconds=4.0))


def test_a_failed_fsync_is_told_and_the_line_is_not_doubled(path, monkeypatch):
    def refuse(descriptor):
        raise OSError(errno.EIO, "refused")

    with open_journal(path) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", refuse)
            with pytest.raises(OSError, match="refused"):
                journal.append_repeat(repeat())
        assert journal.records == read(path).records
        journal.append_repeat(repeat())
    assert read(path).records == (repeat(),)
    assert len(path.read_bytes().splitlines()) == 2


def test_every_append_is_one_write_and_one_fsync(path, monkeypatch):
    with open_journal(path) as journal:
        calls: list[str] = []
        write, fsync = os.write, os.fsync

        def counted(name: str, function: Any) -> Any:
            def call(*arguments):
                calls.append(name)
                return function(*arguments)

            return call

        monkeypatch.setattr(os, "write", counted("write", write))
        monkeypatch.setattr(os, "fsync", counted("fsync", fsync))
        journal.append_repeat(repeat())
        assert calls == ["write", "fsync"]


def test_a_new_file_is_in_its_folder_after_a_power_cut(path, monkeypatch):
    synced: list[Path] = []
    monkeypatch.setattr(room, "sync_folder", synced.append)
    open_journal(path).close()
    assert synced == [path.parent]


def test_a_folder_in_its_place_or_none_to_write_into_is_told(path):
    with pytest.raises(UserError):
        open_journal(path / "missing" / "ledger.jsonl")
    path.mkdir()
    with pytest.raises(UserError):
        open_journal(path)


def test_before_is_what_a_stage_could_know(path):
    with open_journal(path) as journal:
        journal.append_repeat(repeat(0))
        journal.append_stage("refine", "one", {})
        journal.append_repeat(repeat(1))
        journal.append_stage("refine", "two", {})
        contents = journal.contents
    assert before(contents, "refine", "one").records == (repeat(0),)
    assert before(contents, "refine", "two").repeats == (repeat(0), repeat(1))
    assert before(contents, "explore", "one") == contents


def test_closing_twice_is_allowed(path):
    journal = open_journal(path)
    journal.append_repeat(repeat(0))
    journal.close()
    journal.close()
    assert read(path).repeats == (repeat(0),)


def test_the_journal_of_format_1_is_read_as_ever():
    found = read(GOLDEN)
    assert [type(record).__name__ for record in found.records] == ["Begun", "Repeat", "Imported", "Repeat", "Repeat"]
    assert found.records[0] == Begun("explore", "0f1e", {"seed": 1, "space": "x = 1"})
    assert found.repeats[0].objective == float.fromhex("0x1.99c45e0f9a3ccp-4")
    assert found.repeats[0].training.configuration.key == "92243e9472eb6426"
    assert found.repeats[0].training.configuration["units"] == (37, 41)
    assert found.repeats[1].error == "ValueError: \ud800 \x1b[31m line\nline"
    assert found.repeats[1].failed
    assert found.repeats[2].training.index == 2
    assert found.imported[0].mean == 0.30000000000000004
    assert not found.torn


def test_reading_costs_little_more_than_parsing(path):
    body = [frame(encode(repeat(index, number=index % 50))) for index in range(5000)]
    path.write_bytes(HEADER + b"".join(body))

    def seconds(work: Callable[[], object]) -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    gc.freeze()  # what other tests have left behind would be looked through again and again
    try:
        parsing = min(seconds(lambda: [json.loads(line) for line in body]) for _ in range(3))
        reading = min(seconds(lambda: read(path)) for _ in range(3))
    finally:
        gc.unfreeze()
    # Measured: 9 microseconds for the JSON of a line and 16 for all else; the bound leaves room for busy machines.
    assert reading < 8 * parsing + 0.1
    assert len(read(path).repeats) == 5000
