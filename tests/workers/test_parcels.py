"""Modules and rows by content: what the disk holds by then does not matter, or is noticed."""

from __future__ import annotations

import hashlib
import importlib
import os
import py_compile
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import DamagedFile
from pipeline.plugins import sources_of
from pipeline.run.parcels import code_of, rows_parcel
from pipeline.workers import parcels
from pipeline.workers.parcels import Delivery, hold, path_of
from pipeline.workers.places import Module


@pytest.fixture(autouse=True)
def clean(tmp_path, monkeypatch) -> Iterator[None]:
    """Python as it was, after what these tests import."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.setattr(parcels._MODULES, "_held", {})
    monkeypatch.setattr(parcels, "_FILES", {})
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def deliver(model: str) -> None:
    hold([Delivery.of(each) for each in code_of(model)])


def imported(name: str) -> object:
    return importlib.import_module(name).VALUE


def test_a_module_is_the_source_that_was_sent_whatever_becomes_of_its_file(tmp_path):
    file = tmp_path / "sent.py"
    file.write_text("VALUE = 1\n")
    deliver("sent:build")
    file.write_text("VALUE = 2\n")
    assert imported("sent") == 1
    assert Path(sys.modules["sent"].__file__ or "") == file  # in tracebacks, and beside other files of the user's
    file.unlink()
    del sys.modules["sent"]
    assert imported("sent") == 1


def test_byte_code_beside_the_file_is_not_taken_for_the_source(tmp_path):
    file = tmp_path / "cached.py"
    file.write_text("VALUE = 1\n")
    deliver("cached:build")
    moment = file.stat().st_mtime_ns
    file.write_text("VALUE = 2\n")
    os.utime(file, ns=(moment, moment))
    py_compile.compile(str(file))
    assert imported("cached") == 1


def test_a_module_that_is_loaded_already_gives_way_to_another_source(tmp_path):
    file = tmp_path / "changing.py"
    for value in (1, 2, 2):
        file.write_text(f"VALUE = {value}\n")
        deliver("changing:build")
        assert imported("changing") == value
    known = sys.modules["changing"]
    deliver("changing:build")
    assert sys.modules["changing"] is known  # equal sources are not executed twice


def test_packages_around_the_module_are_sent_and_what_else_they_hold_is_looked_for_where_it_lay(tmp_path):
    inner = tmp_path / "nets" / "deep"
    inner.mkdir(parents=True)
    (tmp_path / "nets" / "__init__.py").write_text("WIDTH = 3\n")
    (inner / "helper.py").write_text("DEPTH = 2\n")
    (inner / "made.py").write_text("from nets import WIDTH\nfrom .helper import DEPTH\nVALUE = WIDTH, DEPTH\n")
    assert [each.module for each in sources_of("nets.deep.made")] == ["nets", "nets.deep", "nets.deep.made"]
    assert "nets" not in sys.modules
    deliver("nets.deep.made:build")
    (tmp_path / "nets" / "__init__.py").write_text("raise SystemExit\n")
    (inner / "made.py").rename(inner / "renamed.py")
    assert imported("nets.deep.made") == (3, 2)


def test_a_package_may_be_the_module_itself(tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "__init__.py").write_text("from whole.part import VALUE\n")
    (tmp_path / "whole" / "part.py").write_text("VALUE = 7\n")
    sys.path.append(str(tmp_path))
    deliver("whole:build")
    (tmp_path / "whole" / "__init__.py").unlink()
    assert imported("whole") == 7


def test_the_module_comes_last_and_under_the_digest_of_its_source(tmp_path):
    (tmp_path / "last.py").write_bytes(b"# \xe9 in latin-1\n")
    last = code_of("last:build")[-1]
    assert last.digest == hashlib.sha256(b"# \xe9 in latin-1\n").hexdigest()
    assert last.module == Module("last", str(tmp_path / "last.py"))
    assert code_of("mlp") == ()


def test_what_has_no_source_is_imported_from_its_file(tmp_path):
    content = b"\x7fELF"
    digest = hashlib.sha256(content).hexdigest()
    hold([Delivery(digest, content, Module("compiled", str(tmp_path / "compiled.cpython-311.so")))])
    (tmp_path / "compiled.py").write_text("VALUE = 5\n")
    sys.path.append(str(tmp_path))
    assert imported("compiled") == 5


def test_other_bytes_than_were_sent_are_refused(tmp_path):
    with pytest.raises(DamagedFile, match="other bytes"):
        hold([Delivery("0" * 64, b"VALUE = 1", Module("bad", "bad.py"))])
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("bad")


def test_rows_are_the_file_itself_after_one_look_at_its_bytes(tmp_path):
    file = tmp_path / "rows.npz"
    file.write_bytes(b"rows")
    parcel = rows_parcel(file, hashlib.sha256(b"rows").hexdigest())
    with pytest.raises(KeyError):
        path_of(parcel.digest)
    hold([Delivery.of(parcel)])
    assert path_of(parcel.digest) == file
    assert parcel.content() == b"rows"
    file.write_bytes(b"else")
    hold([Delivery.of(parcel)])  # once per process: reading hundreds of megabytes before each job would cost seconds


@pytest.mark.parametrize("content", [None, b"else", b""])
def test_rows_that_are_not_what_was_written_are_refused(tmp_path, content):
    file = tmp_path / "rows.npz"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DamagedFile, match=r"rows\.npz"):
        hold([Delivery.of(rows_parcel(file, hashlib.sha256(b"rows").hexdigest()))])
