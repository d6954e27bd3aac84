"""A user's own function: what is told of every way to be wrong, and that nothing else leads to its import."""

import hashlib
import json
import sys
from pathlib import Path

import pytest

from pipeline import models
from pipeline.errors import DamagedFile, UserError
from pipeline.models import Signature
from pipeline.models.custom_keras import source_sha256
from pipeline.run import model_size
from pipeline.saved_models.member_files import load_members
from pipeline.space import parse
from pipeline.study_folder.layout import ModelFolder
from pipeline.workers.slots import parse as slots
from tests import warm
from tests.faults import small_study as small

HERE = "tests.models.own_networks"
SIGNATURE = Signature(4, 2)
WIDE = {"width": {"type": "integer", "low": 2, "high": 40}}


def measured(name: str) -> int:
    kind = models.load(f"{HERE}:{name}" if ":" not in name else name)
    return kind.most_weights(kind.complete(parse(WIDE)), SIGNATURE)


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("nowhere_at_all:build", ["There is no module nowhere_at_all", "nowhere_at_all.py"]),
        (f"{HERE}.deeper:build", ["There is no module"]),
        ("missing", ["has no function missing", "wrong_outputs"]),
        ("number", ["has no function number", "cannot be called"]),
        ("wrong_outputs", ["(None, 4) -> (None, 2)", "(None, 4) -> (None, 3)"]),
        ("wrong_inputs", ["(None, 5) -> (None, 2)"]),
        ("unbuilt", ["expected", "signature.features"]),
        ("nothing", ["returned no keras.Model", "NoneType"]),
        ("raises", ["raised KeyError", "no such hyperparameter", '"width":21']),
        ("executes", ["Lambda"]),
        ("halves", ["float16", "float32"]),
    ],
)
def test_what_is_no_network_is_explained(name, texts):
    with pytest.raises(UserError) as caught:
        measured(name)
    for text in texts:
        assert text.lower() in str(caught.value).lower()


def test_a_module_that_cannot_be_imported_is_told_apart_from_one_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "needs_more.py").write_text("import a_module_that_nobody_has\n")
    with pytest.raises(UserError, match=r"cannot be imported(.|\n)*a_module_that_nobody_has"):
        measured("needs_more:build")


def test_configurations_at_the_ends_may_be_impossible():
    # The widest of the three that are tried has 21 units, and not the 40 that fail.
    assert measured("few_fail") < measured("build")


def test_a_source_is_found_and_hashed_without_executing_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    package = tmp_path / "some_package"
    package.mkdir()
    for path in (package / "__init__.py", package / "inner.py"):
        path.write_text("raise SystemExit('executed')\n")
    assert source_sha256("some_package.inner:build") == hashlib.sha256((package / "inner.py").read_bytes()).hexdigest()
    assert "some_package" not in sys.modules
    with pytest.raises(UserError, match="no module"):
        source_sha256("some_package.nothing:build")


@pytest.mark.parametrize(
    "name", ["mlp", "os", "os.path", "a:b:c", ":b", "a:", "a b:c", "a;b:c", "/x:y", "C:\\x", "a:b()"]
)
def test_only_plain_names_are_functions_of_the_users(name):
    assert not models.is_own(name)


@pytest.mark.slow
def test_a_worker_measures_and_a_module_that_ends_the_process_is_an_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ends_it.py").write_text("import os\nos._exit(3)\n")
    (tmp_path / "small_net.py").write_text((Path(__file__).parent / "own_networks.py").read_text())
    (slot,) = slots("cpu:1")[:1]
    space = models.load("small_net:build").complete(parse(WIDE))
    assert model_size.most_weights("small_net:build", space, SIGNATURE, slot) > 300
    with pytest.raises(UserError, match="raised KeyError"), pytest.MonkeyPatch.context() as patch:
        warm.install(patch)
        model_size.most_weights("small_net:raises", space, SIGNATURE, slot)
    with pytest.raises(UserError, match="cannot be called by a worker"):
        model_size.most_weights("ends_it:build", space, SIGNATURE, slot)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    source = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        small.stand_in(patch)
        assert small.run(source).exit_code == 0
    return source


@pytest.fixture
def small_study(finished, tmp_path):
    return small.copied(finished, tmp_path)


def renamed(study: Path, model: str) -> Path:
    """The only configuration of a study, its files and hashes consistently saying that it is of another model."""
    (kept,) = [each for each in (study / "models").iterdir() if each.is_dir()][:1]
    path = kept / "configuration.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model": model}))
    manifest = json.loads((kept / "manifest.json").read_text())
    manifest["files"]["configuration.json"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (kept / "manifest.json").write_text(json.dumps(manifest))
    return kept


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("strange_code:build", UserError),
        ("strange_code", DamagedFile),
        ("os:system", UserError),
        ("../strange_code:build", DamagedFile),
        ("own", DamagedFile),
        ("through_keras", DamagedFile),
    ],
)
def test_a_study_folder_never_leads_to_an_import(small_study, tmp_path, monkeypatch, model, error):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "strange_code.py").write_text("import pathlib\npathlib.Path('sentinel').touch()\nbuild = print\n")
    monkeypatch.setattr("os.system", lambda *_: (tmp_path / "sentinel").touch())
    kept = renamed(small_study, model)
    for own in ("", f"{HERE}:build"):
        with pytest.raises(error):
            load_members(ModelFolder(kept), own=own)
    assert not (tmp_path / "sentinel").exists()
    assert "strange_code" not in sys.modules


def test_what_is_refused_says_how_to_agree(small_study):
    kept = renamed(small_study, f"{HERE}:flat")
    with pytest.raises(UserError, match=f"--model '?{HERE}:flat"):
        load_members(ModelFolder(kept))
    with pytest.raises(DamagedFile):  # agreed to, but these weights are a perceptron's
        load_members(ModelFolder(kept), own=f"{HERE}:flat")
