"""A journal that lost its end goes on; one that lost anything else is refused, and the line is named."""

import itertools
import re

import pytest

from pipeline.errors import DamagedFile
from pipeline.ledger import journal
from pipeline.maintenance.audit import audit
from tests.faults.fake_study import REPEATS, facts
from tests.faults.runs import sound

pytestmark = pytest.mark.slow


def test_a_journal_cut_at_any_byte_of_its_last_record_goes_on(launchers, study):
    path = study / "ledger.jsonl"
    whole, expected = path.read_bytes(), facts(study)
    last = journal.read(path).repeats[-1]
    begins = whole.rindex(b"\n", 0, -1) + 1
    for cut in range(begins, len(whole)):
        path.write_bytes(whole[:cut])
        assert len(journal.read(path).repeats) == REPEATS - 1
        with journal.open_journal(path) as opened:
            opened.append_repeat(last)
        assert facts(study) == expected
        assert path.read_bytes().startswith(whole[:cut])
        if cut % 50 == 0:
            sound(study)
    path.write_bytes(whole[: (begins + len(whole)) // 2])
    ended = launchers[0].run(study.parent)
    assert ended.code == 0, ended.said
    assert facts(study) == expected
    sound(study)


@pytest.mark.parametrize("zeros", [1, 100, 4096])
@pytest.mark.parametrize("lost", [0, 1, 50])
def test_a_tail_of_zeros_is_forgotten(launchers, study, zeros, lost):
    path = study / "ledger.jsonl"
    whole, expected = path.read_bytes(), facts(study)
    path.write_bytes(whole[: len(whole) - lost] + bytes(zeros))
    ended = launchers[0].run(study.parent)
    assert ended.code == 0, ended.said
    assert facts(study) == expected
    sound(study)


def test_a_doubled_line_counts_once_and_is_found(launchers, study):
    path = study / "ledger.jsonl"
    lines, expected = path.read_bytes().splitlines(keepends=True), facts(study)
    path.write_bytes(b"".join([*lines, lines[-1]]))
    assert facts(study) == expected
    (finding,) = audit(study)
    assert finding.file == path
    assert f"Line {len(lines) + 1} repeats line {len(lines)}." in finding.what
    assert launchers[0].run(study.parent).code == 0
    assert facts(study) == expected


# A line that is gone as a whole leaves no trace in the journal, but for the first: see the test below.
@pytest.mark.parametrize(
    ("line", "harm"), [(1, "gone"), *itertools.product([1, 2, 3, 4], ["flip", "cut", "zero", "swap"])]
)
def test_damage_before_the_end_is_an_error_that_names_the_line(launchers, study, line, harm):
    path = study / "ledger.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    struck = lines[line - 1]
    middle = len(struck) // 2
    lines[line - 1] = {
        "flip": struck[:middle] + bytes([struck[middle] ^ 1]) + struck[middle + 1 :],
        "cut": struck[:middle] + b"\n",
        "zero": bytes(len(struck) - 1) + b"\n",
        "gone": b"",
        "swap": struck.replace(b'"record":', b'"record" :'),
    }[harm]
    path.write_bytes(b"".join(lines))
    with pytest.raises(DamagedFile, match=rf"line {line}\b"):
        journal.read(path)
    assert any(re.search(rf"line {line}\b", finding.what) for finding in audit(study))
    before = path.read_bytes()
    ended = launchers[0].run(study.parent)
    assert ended.code == 2
    assert f"line {line}" in ended.said
    assert "Traceback" not in ended.said
    assert path.read_bytes() == before


def test_a_repeat_that_is_gone_from_the_journal_shows_in_the_workbook_and_is_done_again(launchers, study):
    path = study / "ledger.jsonl"
    lines, expected = path.read_bytes().splitlines(keepends=True), facts(study)
    gone = next(number for number, line in enumerate(lines) if b'"kind":"repeat"' in line and b'"index":1' in line)
    path.write_bytes(b"".join([*lines[:gone], *lines[gone + 1 :]]))
    assert any("1 repeats are not in the journal" in finding.what for finding in audit(study))
    assert launchers[0].run(study.parent).code == 0
    assert facts(study) == expected
    sound(study)
