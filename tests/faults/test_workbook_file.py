"""The workbook's file: killed over, damaged, replaced, locked and refused at every turn, nothing is lost."""

import os
import random
import signal
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pipeline.storage import atomic
from pipeline.workbook import ooxml
from pipeline.workbook import refresh as refreshing
from pipeline.workbook.book import refused, unknown, write
from pipeline.workbook.ooxml import markup
from pipeline.workbook.refresh import Book
from tests.faults.studies import keep, names, rows, touch, unsound, view

FEW = view(9, 3)
MORE = view(15, 3)
LOCKS = ["~$ledger.xlsx", ".~lock.ledger.xlsx#"]


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    keep(folder, MORE)
    return folder


@pytest.fixture
def path(study):
    return study / "ledger.xlsx"


@pytest.fixture
def temporary(tmp_path, monkeypatch) -> Path:
    """Where libraries put their temporary files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def stages(folder: Path, reached: Callable[[], None]) -> None:
    """Call `reached` before each thing that is done to a file in the folder, and within the writing of rows."""
    told = {"open", "os.rename", "os.remove", "os.chmod", "os.truncate"}

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in told and str(arguments[0]).startswith(str(folder)):
            reached()

    def sync(handle: int, fsync: Callable[[int], None] = os.fsync) -> None:
        reached()
        fsync(handle)
        reached()

    def written(lines: object, blocks: Callable[..., Iterator[bytes]] = markup.write) -> Iterator[bytes]:
        for block in blocks(lines):
            reached()
            yield block

    sys.addaudithook(hook)
    os.fsync = sync  # type: ignore[assignment]
    markup.write = written


def killed_at(stage: int, path: Path) -> bool:
    """Write in a process that kills itself before the stage; False when it came to its end."""
    child = os.fork()
    if child == 0:
        left = [stage]

        def reached() -> None:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            stages(path.parent, reached)
            write(path, MORE)
        finally:
            os._exit(0)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.WIFSIGNALED(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    raise AssertionError("writing took more than 30 s")


@pytest.mark.parametrize("how", ["drawn", "merged", "pending", "fresh"])
def test_a_kill_at_every_stage_of_a_save_leaves_the_old_workbook_or_the_new_one(study, path, temporary, how):
    write(path, FEW)
    if how in ("merged", "fresh"):
        touch(path)
    if how == "fresh":
        book = openpyxl.load_workbook(path)
        book["Configurations"].delete_rows(1)
        book.save(path)
    if how == "pending":
        (study / LOCKS[0]).write_bytes(b"")
    before = path.read_bytes()
    stage, old = 0, 0
    while killed_at(stage, path):
        stage += 1
        assert path.exists()
        whole = path.read_bytes()
        if whole == before:
            old += 1
        else:
            assert unsound(study) == []
        for left in study.iterdir():
            if left.suffix == ".xlsx" and left.name not in LOCKS:
                openpyxl.load_workbook(left)  # whatever has the name of a workbook is a whole one
        assert not list(temporary.iterdir())  # nothing anywhere else
        path.write_bytes(before)
    assert stage > 10
    assert old > 5
    for left in atomic.temporaries(study):  # as a run does when it starts
        left.unlink()
    write(path, MORE)
    assert unsound(study) == []
    expected = {"pending": {"ledger.pending.xlsx", LOCKS[0]}, "fresh": {"ledger.fresh.xlsx"}}
    assert names(study) == {"ledger.xlsx"} | expected.get(how, set())
    assert not list(temporary.iterdir())


def test_the_next_save_takes_the_temporary_file_of_a_killed_one_away(study, path, temporary):
    stage = 0
    while killed_at(stage, path) and not list(atomic.temporaries(study)):
        stage += 1
    assert list(atomic.temporaries(study))
    write(path, MORE)
    assert unsound(study) == []
    assert names(study) == {"ledger.xlsx"}


def kept(study: Path) -> list[bytes]:
    return [each.read_bytes() for each in sorted(study.glob("ledger.damaged-*.xlsx")) if each.is_file()]


@pytest.mark.parametrize("lengths", [5, pytest.param(200, marks=pytest.mark.soak)])
@pytest.mark.parametrize("touched", [False, True])
def test_a_workbook_cut_at_any_length_is_kept_and_drawn_anew(study, path, touched, lengths):
    write(path, FEW)
    if touched:
        touch(path)
    whole = path.read_bytes()
    rng = random.Random(4)
    for length in [0, 1, 4, 22, len(whole) - 1, *(rng.randrange(len(whole)) for _ in range(lengths))]:
        path.write_bytes(whole[:length])
        assert unknown(path, (), 200).results == ()
        said: list[str] = []
        assert write(path, MORE, said.append) == path
        (text,) = said
        assert "kept as" in text
        assert kept(study) == [whole[:length]]
        assert unsound(study) == []
        assert names(study) == {"ledger.xlsx", "ledger.damaged-1.xlsx"}
        (study / "ledger.damaged-1.xlsx").unlink()


@pytest.mark.parametrize("flips", [12, pytest.param(400, marks=pytest.mark.soak)])
@pytest.mark.parametrize("touched", [False, True])
def test_flipped_bytes_never_stop_a_run_nor_lose_anything(study, path, touched, flips):
    write(path, FEW)
    if touched:
        touch(path)
    whole = path.read_bytes()
    rng = random.Random(5)
    for _ in range(flips):
        broken = bytearray(whole)
        at = rng.randrange(len(whole))
        broken[at] ^= 1 << rng.randrange(8)
        path.write_bytes(broken)
        written = write(path, MORE)
        assert unsound(study) == []
        # Where the flip was noticed, the file is kept under another name or left as it was.
        assert written == path or path.read_bytes() == bytes(broken)
        for each in study.glob("ledger.*.xlsx"):
            each.unlink()


def other_zip(path: Path, members: dict[str, str]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument'
    '.wordprocessingml.document.main+xml"/></Types>'
)
OTHERS: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("my notes"),
    "zip": lambda path: other_zip(path, {"hello.txt": "x"}),
    "letter": lambda path: other_zip(path, {"[Content_Types].xml": TYPES, "word/document.xml": "<w/>"}),
    "xls": lambda path: path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(4000)),
    "zeros": lambda path: path.write_bytes(bytes(10_000)),
    "folder": lambda path: (path / "inside").mkdir(parents=True),
    "pipe": os.mkfifo,
}


@pytest.mark.parametrize("what", OTHERS)
def test_something_else_in_its_place_is_kept_and_the_workbook_drawn_anew(study, path, what):
    OTHERS[what](path)
    before = path.read_bytes() if path.is_file() else None
    assert unknown(path, (), 200).results == ()
    said: list[str] = []
    assert write(path, MORE, said.append) == path
    assert len(said) == 1
    assert unsound(study) == []
    aside = study / "ledger.damaged-1.xlsx"
    assert aside.exists()
    assert before is None or aside.read_bytes() == before
    assert names(study) == {"ledger.xlsx", "ledger.damaged-1.xlsx"}


def test_a_deleted_workbook_is_drawn_anew(study, path):
    write(path, FEW)
    path.unlink()
    assert write(path, MORE) == path
    assert unsound(study) == []


def test_a_link_that_leads_nowhere_is_replaced(study, path):
    path.symlink_to(study / "gone.xlsx")
    assert write(path, MORE) == path
    assert unsound(study) == []
    assert names(study) == {"ledger.xlsx"}


def held(monkeypatch, path: Path, how: str) -> Callable[[], object]:
    """Keep the workbook from being written; returns what ends it."""
    if how in LOCKS:
        lock = path.with_name(how)
        lock.write_bytes(b"")
        return lock.unlink
    if how == "read-only":
        path.chmod(0o444)
        return lambda: path.chmod(0o644)
    replace = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if target == path:
            raise PermissionError(13, "in use by another process")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    return lambda: monkeypatch.setattr(Path, "replace", replace)


@pytest.mark.parametrize("touched", [False, True])
@pytest.mark.parametrize("how", [*LOCKS, "read-only", "refused"])
def test_while_it_cannot_be_written_the_results_stand_beside_it_and_are_merged_after(
    study, path, monkeypatch, how, touched
):
    write(path, FEW)
    if touched:
        touch(path)
    before = path.read_bytes()
    end = held(monkeypatch, path, how)
    said: list[str] = []
    for shown in (FEW, MORE, MORE):
        assert write(path, shown, said.append) == study / "ledger.pending.xlsx"
    assert path.read_bytes() == before
    assert unsound(study) == []  # the one beside it has everything
    assert len(set(said)) == 1  # what is said again can be told from what is new
    end()
    assert write(path, MORE, said.append) == path
    assert len(said) == 3
    assert unsound(study) == []
    assert names(study) == {"ledger.xlsx"}
    assert any(row["notes"] == "mine" for row in rows(path)) == touched


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only_is_said_and_nothing_changes(study, path):
    write(path, FEW)
    before = path.read_bytes()
    study.chmod(0o555)
    try:
        with pytest.raises(PermissionError):
            write(path, MORE)
    finally:
        study.chmod(0o755)
    assert path.read_bytes() == before
    assert write(path, MORE) == path
    assert unsound(study) == []


def test_a_folder_that_refuses_new_files_is_said_and_nothing_changes(study, path, monkeypatch):
    write(path, FEW)
    before = path.read_bytes()
    opened = Path.open

    def refuse(self: Path, mode: str = "r", *arguments: object, **options: object) -> object:
        if mode != "rb" and self.parent == study:
            raise PermissionError(13, "Permission denied")
        return opened(self, mode, *arguments, **options)  # type: ignore[call-overload]

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        with pytest.raises(PermissionError):
            write(path, MORE)
    assert path.read_bytes() == before
    assert names(study) == {"ledger.xlsx"}
    assert write(path, MORE) == path


@pytest.mark.parametrize("number", [28, 5])  # no space left, input/output error
def test_a_full_or_failing_disk_leaves_the_old_workbook(study, path, monkeypatch, number, temporary):
    """At every block of rows and every fsync."""
    write(path, FEW)
    touch(path)
    before = path.read_bytes()
    stage, failed = 0, True
    while failed:
        left = [stage]

        def reached(left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise OSError(number, os.strerror(number))

        def written(lines: Any, reached: Callable[[], None] = reached) -> Iterator[bytes]:
            for block in BLOCKS(lines):
                reached()
                yield block

        def sync(handle: int, reached: Callable[[], None] = reached) -> None:
            reached()
            FSYNC(handle)

        with monkeypatch.context() as patch:
            patch.setattr(markup, "write", written)
            patch.setattr(os, "fsync", sync)
            try:
                write(path, MORE)
                failed = False
            except OSError as error:
                assert error.errno == number  # noqa: PT017 - which stage raises is what is being found out
        if failed and left[0] == -1 and path.read_bytes() != before:
            path.write_bytes(before)  # it came after the replacing: the folder's fsync
        assert names(study) == {"ledger.xlsx"}
        assert not list(temporary.iterdir())
        stage += 1
    assert stage > 10
    assert unsound(study) == []


BLOCKS = markup.write
FSYNC = os.fsync


def test_what_is_sealed_and_what_is_refused_can_be_told(path):
    write(path, FEW)
    assert ooxml.untouched(path)
    assert refused(path) == ""
    touch(path)
    assert not ooxml.untouched(path)


def test_a_run_goes_on_without_its_workbook_and_says_so_once(study, path, monkeypatch):
    """Locked, on a full disk, and free again: one sentence for each, and every refresh tries again."""
    said: list[str] = []
    book = Book(path, lambda elite, test: MORE, said.append)
    (study / LOCKS[0]).write_bytes(b"")
    for _ in range(3):
        assert book.write() == study / "ledger.pending.xlsx"
    (study / LOCKS[0]).unlink()
    with monkeypatch.context() as patch:

        def full(handle: int) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(os, "fsync", full)
        patch.setattr(refreshing, "REFRESH_SECONDS", 0.0)
        patch.setattr(refreshing, "REFRESH_RATIO", 0.0)
        with pytest.raises(OSError, match="No space left"):
            book.write()
        for _ in range(3):
            book.refresh()
    assert len(said) == 2
    assert "open elsewhere" in said[0]
    assert "No space left" in said[1]
    assert book.write() == path
    assert unsound(study) == []
    assert names(study) == {"ledger.xlsx"}
