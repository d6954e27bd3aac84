"""A UserError is a ValueError, and no reader mistakes it for one that a library raised: it comes out whole."""

from __future__ import annotations

import ast
import io
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import skops.io
from openpyxl import Workbook
from sklearn.linear_model import LinearRegression

import pipeline
from pipeline import plugins, settings
from pipeline.compare import studies
from pipeline.data import preprocessing_file
from pipeline.data.readers import read_frame
from pipeline.data.rows import load_rows
from pipeline.errors import DamagedFile, StudyMismatch, UserError
from pipeline.ledger import journal
from pipeline.maintenance.audit import audit
from pipeline.maintenance.rebuild import rows_if_readable
from pipeline.saved_models import curves, load_members
from pipeline.saved_models.ensembles import entries_of
from pipeline.space import load
from pipeline.storage import untrusted
from pipeline.storage.disk_space import DiskFailed
from pipeline.study_folder import identity
from pipeline.study_folder.layout import StudyFolder
from pipeline.tasks import Metric, scores
from pipeline.tasks.regression import Quantities
from pipeline.tuning.strategies.options import option
from pipeline.tuning.strategies.strategy import Strategy
from pipeline.workbook import book
from pipeline.workers import backends

GOLDEN = Path(__file__).parent / "golden" / "gaps"
RAISED = UserError("The weather is bad", expected="sunshine", got="rain", hint="wait")
WHOLE = "The weather is bad.\n  Expected: sunshine.\n  Got: rain.\n  Try: wait."


def raising(*_: Any, **__: Any) -> Any:
    raise RAISED


def comes_out_whole(read: Callable[[], object], text: str, kind: type[UserError] = UserError) -> None:
    with pytest.raises(UserError) as caught:
        read()
    assert type(caught.value) is kind
    assert str(caught.value) == text


def comes_out_unchanged(read: Callable[[], object]) -> None:
    with pytest.raises(UserError) as caught:
        read()
    assert caught.value is RAISED
    assert str(caught.value) == WHOLE


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN / "study", tmp_path / "study"))


@pytest.mark.parametrize("kind", [UserError, StudyMismatch, DamagedFile, DiskFailed])
def test_python_users_catch_a_value_error(kind):
    with pytest.raises(ValueError, match="sunshine"):
        raise kind("The weather is bad", expected="sunshine")


# ------------------------------------------------------------------------------------------------------------- tables


def test_csv(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"a,b\n1,\0\n")
    advice = "give it the extension of its real format; or save it as UTF-8, if it is text."
    text = f"{path} is not a text file.\n  Expected: text.\n  Try: {advice}"
    comes_out_whole(partial(read_frame, str(path)), text)


def test_excel(tmp_path):
    path = tmp_path / "table.xlsx"
    Workbook().save(path)
    text = f"The first sheet of {path} is empty.\n  Expected: a header and rows.\n  Try: put the table there."
    comes_out_whole(partial(read_frame, str(path)), text)


def test_parquet(tmp_path, monkeypatch):
    path = tmp_path / "table.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setattr("pipeline.data.readers.pd.read_parquet", raising)
    comes_out_unchanged(partial(read_frame, str(path)))


def test_images_of_a_folder(tmp_path):
    text = (
        f"{tmp_path} is a folder without images.\n"
        "  Expected: idx files such as train-images-idx3-ubyte.gz, with their labels beside them.\n"
        "  Try: name one file, or the folder of these files."
    )
    comes_out_whole(partial(read_frame, str(tmp_path)), text)


def test_idx(tmp_path):
    images, labels = tmp_path / "images-idx3-ubyte", tmp_path / "labels-idx1-ubyte"
    images.write_bytes(b"\0\0\x08\x03" + b"".join(size.to_bytes(4, "big") for size in (2, 1, 1)) + b"\1\2")
    labels.write_bytes(b"\0\0\x08\x01" + (1).to_bytes(4, "big") + b"\7")
    comes_out_whole(partial(read_frame, str(images)), f"{images} has 2 images and 1 labels.\n  Try: check the files.")


def test_npz(tmp_path):
    path = tmp_path / "images.npz"
    np.savez(path, pictures=np.zeros((1, 2, 2)))
    text = (
        f"{path} has no images.\n"
        "  Expected: arrays images and labels, or x_train, y_train, x_test and y_test.\n"
        "  Got: pictures.\n  Try: save them under these names."
    )
    comes_out_whole(partial(read_frame, str(path)), text)


# --------------------------------------------------------------------------------------------- settings, search spaces


def test_settings_file(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text("seed = true\n")
    with pytest.raises(UserError, match=r"The setting seed is wrong.\n(.|\n)*Got: True") as caught:
        settings.read(path, {})
    assert type(caught.value) is UserError


def test_a_validator_of_the_settings(monkeypatch):
    """Pydantic catches ValueErrors in validators, and would make an error of its own kind of ours."""
    monkeypatch.setattr("pipeline.settings.settings.models.is_own", raising)
    given = {"data": "a.csv", "target": "y", "space": "s.toml", "study": "results/s", "model": "mine:build"}
    comes_out_unchanged(partial(settings.read, None, given))


def test_space_file(tmp_path):
    path = tmp_path / "space.toml"
    path.write_text('rate = { type = "real", low = 2.0, high = 1.0 }\n')
    text = "rate has low > high.\n  Expected: low <= high.\n  Got: low = 2.0, high = 1.0.\n  Try: swap them."
    comes_out_whole(partial(load, path), text)


# -------------------------------------------------------------------------------------------------- code of the user's


@pytest.fixture
def raiser(tmp_path, monkeypatch) -> str:
    """The name of a module that raises a UserError when it is imported."""
    name = "raises_a_user_error"
    (tmp_path / f"{name}.py").write_text(
        "from pipeline.errors import UserError\n"
        'raise UserError("The weather is bad", expected="sunshine", got="rain", hint="wait")\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_module_of_an_object(raiser):
    comes_out_whole(partial(plugins.load_object, f"{raiser}:build", expected="a function"), WHOLE)


def test_module_of_a_backend(raiser):
    comes_out_whole(partial(backends.load, f"{raiser}:Places"), WHOLE)


def test_options_that_a_strategy_refuses(monkeypatch):
    @dataclass(frozen=True)
    class Refusing(Strategy):
        depth: int = option(1, help="a number")

        def __post_init__(self) -> None:
            if self.depth > 1:
                raising()

    monkeypatch.setattr("pipeline.settings.strategy_options.load_strategy", lambda _: Refusing())
    given = {"data": "a.csv", "target": "y", "space": "s.toml", "study": "results/s", "strategy": "mine:Refusing"}
    asked = settings.read(None, {**given, "strategy_options": "depth=2"})
    comes_out_unchanged(partial(settings.strategy_of, asked))


def test_metric():
    target, ones = Quantities(("y",), (1.0,), (0.0,)), np.ones((3, 1))
    comes_out_unchanged(partial(scores, target, ones, 2 * ones, ones[:, 0], [Metric("mine", "mine", raising)]))


# ------------------------------------------------------------------------------------------------- files of the study


def test_journal(study, monkeypatch):
    monkeypatch.setattr("pipeline.ledger.records.Configuration.of", raising)
    comes_out_unchanged(partial(journal.read, study / "ledger.jsonl"))


def test_study_json(study, monkeypatch):
    monkeypatch.setattr(untrusted, "json_object", raising)
    comes_out_unchanged(partial(identity.read, study / "study.json"))


def test_rows(study, monkeypatch):
    monkeypatch.setattr("pipeline.tasks.restore", raising)
    comes_out_unchanged(partial(load_rows, study / "rows.npz"))


def test_preprocessing(monkeypatch):
    (folder, *_) = StudyFolder(GOLDEN / "study").model_folders()
    stored = folder.preprocessing().read_bytes()
    monkeypatch.setattr("pipeline.tasks.restore", raising)
    comes_out_unchanged(partial(preprocessing_file.loads, stored))


def test_preprocessing_of_foreign_types():
    stored = skops.io.dumps({"about": "{}", "transformer": LinearRegression()})
    text = (
        "The stored preprocessing was not written by this program.\n"
        "  Expected: format 1 with scalers and encoders.\n"
        "  Got: the untrusted type 'sklearn.linear_model._base.LinearRegression'.\n"
        "  Try: use the version of the program that wrote it."
    )
    comes_out_whole(partial(preprocessing_file.loads, stored), text, DamagedFile)


def test_model_folder(monkeypatch):
    """A function of the user's that cannot build a network raises UserError: the saved files are not at fault."""
    (folder, *_) = StudyFolder(GOLDEN / "study").model_folders()
    monkeypatch.setattr("pipeline.models.load", lambda _: SimpleNamespace(weight_shapes=raising))
    comes_out_unchanged(partial(load_members, folder))


def test_weights_that_the_manifest_does_not_have(study):
    """The file is read while its arrays are checked: what is wrong with it must not be taken for a wrong array."""
    (folder, *_) = StudyFolder(study).model_folders()
    manifest = json.loads(folder.manifest.read_bytes())
    digest = manifest["files"].pop("probe.json")
    folder.manifest.write_text(json.dumps(manifest))
    assert digest
    text = (
        f"{folder.path} has no probe.json.\n  Try: restore the folder from a copy, or delete it together with its"
        " line of the ledger and train again."
    )
    comes_out_whole(partial(load_members, folder), text, DamagedFile)


def test_curve(monkeypatch):
    (folder, *_) = StudyFolder(GOLDEN / "study").model_folders()
    content = b'{"epochs": [1], "training": [0.5], "validation": [0.5]}'
    monkeypatch.setattr(curves, "read_verified", lambda *_: content)
    assert curves._loads(folder, 0, {}).epochs.tolist() == [1]
    monkeypatch.setattr(curves, "Curve", raising)
    comes_out_unchanged(partial(curves._loads, folder, 0, {}))


def test_ensemble(study, monkeypatch):
    monkeypatch.setattr(untrusted, "json_object", raising)
    comes_out_unchanged(partial(entries_of, study / "ensemble-greedy.json"))


def test_archive_members(monkeypatch):
    """What is raised below `members` is not made an error of the archive."""
    packed = io.BytesIO()
    np.savez(packed, one=np.zeros(1))
    monkeypatch.setattr("pipeline.storage.untrusted.zipfile.ZipFile.infolist", raising)
    comes_out_unchanged(lambda: list(untrusted.members(packed, ".*", 1 << 20)))


# ----------------------------------------------------------------------------------------------------------- workbook


def test_workbook_import_of_a_wrong_key(tmp_path):
    path, sheets = tmp_path / "ledger.xlsx", Workbook()
    sheet = sheets.active
    assert sheet is not None
    sheet.title = "Configurations"
    sheet.append(["key", "MAE mean", "configuration"])
    sheet.append(["0123456789abcdef", 0.5, '{"units":4}'])
    sheets.save(path)
    with pytest.raises(UserError, match=f"The configuration in row 2 of {path} has the key") as caught:
        book.unknown(path, (), 10)
    assert type(caught.value) is UserError


def test_workbook_import(study, monkeypatch):
    monkeypatch.setattr("pipeline.workbook.ooxml.values", raising)
    comes_out_unchanged(partial(book.unknown, study / "ledger.xlsx", (), 10))
    comes_out_unchanged(partial(rows_if_readable, study / "ledger.xlsx", "Study", ("name",)))


def test_workbook_refresh(study, monkeypatch):
    monkeypatch.setattr(book, "tables", lambda _: [SimpleNamespace(headers=["key"], rows=[["?"]])])
    monkeypatch.setattr("pipeline.workbook.ooxml.load", raising)
    comes_out_unchanged(partial(book.write, study / "ledger.xlsx", SimpleNamespace()))  # type: ignore[arg-type]
    assert sorted(path.name for path in study.glob("ledger*")) == ["ledger.jsonl", "ledger.xlsx"]


def test_verify_reports_it_and_never_raises(study, monkeypatch):
    monkeypatch.setattr("pipeline.workbook.ooxml.values", raising)
    assert any(" ".join(WHOLE.split()) in found.what for found in audit(study))


def test_outcome_of_a_comparison(study, monkeypatch):
    StudyFolder(study).outcome.write_text(json.dumps({"format": studies.FORMAT, "stamp": ""}))
    monkeypatch.setattr(studies, "_stamp", raising)
    comes_out_unchanged(lambda: studies._stored(study, None))  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------- everything else

BROAD = {"ValueError", "Exception", "BROKEN", "_BROKEN", "_UNREADABLE"}
MINE = {"UserError", "DamagedFile", "StudyMismatch", "DiskFailed"}
# No UserError can be raised in these, which call a library or compute with plain values; or they run the code of users,
# and report whatever it raises.
HARMLESS = {
    ("data/time_patterns.py", "_date_reader"),
    ("data/time_patterns.py", "_strptime"),
    ("data/time_patterns.py", "is_pattern"),
    ("data/time_patterns.py", "read"),
    ("ledger/journal.py", "_check_header"),
    ("models/custom_keras.py", "_called"),
    ("models/registry.py", "impossible"),
    ("saved_models/member_files.py", "_probe"),  # the rows are part of the folder, not the user's: it is damage
    ("space/reading.py", "read_toml"),
    ("space/unit_cube.py", "row_of"),
    ("storage/spreadsheet_cells.py", "_moment"),
    ("storage/untrusted.py", "shown"),
    ("storage/untrusted.py", "json_object"),
    ("tasks/classification.py", "_sorted"),
    ("training/keras_fit.py", "train_one"),
    ("training/packed.py", "_with_fewer_places"),
    ("workbook/typed_cells.py", "_exact"),
    ("workbook/typed_cells.py", "_rebuilt"),
    ("workbook/ooxml/markup.py", "_number"),
    ("workbook/ooxml/mending.py", "_reads"),
    ("workbook/ooxml/seal.py", "knows_only"),
    ("workbook/ooxml/seal.py", "untouched"),
    ("workers/guard.py", "_raised"),
    ("workers/worker.py", "look"),
}


def caught_by(kind: ast.expr | None) -> set[str]:
    """The names in the clause of an `except`, or in the arguments of `suppress`."""
    return {
        each.id if isinstance(each, ast.Name) else each.attr
        for each in (ast.walk(kind) if kind else ())
        if isinstance(each, ast.Name | ast.Attribute)
    }


def swallowing(tree: ast.AST) -> Iterator[ast.AST]:
    """The clauses that catch ValueErrors and do not let a UserError pass before."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Try):
            passed: set[str] = set()
            for handler in node.handlers:
                names = caught_by(handler.type)
                if names & BROAD and "UserError" not in passed | names:
                    yield handler
                passed |= names
        if isinstance(node, ast.Call) and caught_by(node.func) & {"suppress"}:
            names = set().union(*map(caught_by, node.args))
            if names & BROAD:
                yield node


def test_whoever_catches_value_errors_lets_a_user_error_pass():
    root = Path(pipeline.__file__).parent
    found: dict[tuple[str, str], int] = {}
    for path in root.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(function, ast.FunctionDef):
                for clause in swallowing(function):
                    found[path.relative_to(root).as_posix(), function.name] = clause.lineno  # type: ignore[attr-defined]
    assert {where: line for where, line in found.items() if where not in HARMLESS} == {}
    assert HARMLESS - found.keys() == set()  # an entry that nothing needs would let the next one pass
