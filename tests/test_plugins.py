"""Code of the user's by the name `module:object`."""

import sys

import pytest

from pipeline.errors import UserError
from pipeline.plugins import is_reference, load_object, sources_of

ANSWER = 42
HERE = __name__


@pytest.fixture
def working(tmp_path, monkeypatch):
    """A working directory with room for modules; what is imported from it is forgotten."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize("name", ["a:b", "package.module:object", "_a1:_b2"])
def test_a_reference_names_a_module_and_an_object(name):
    assert is_reference(name)


@pytest.mark.parametrize(
    "name", ["", "mlp", "a.b", "a:", ":b", "a:b:c", "a/b:c", "..a:b", "a:b.c", "a b:c", "1:a", "é:a"]
)
def test_nothing_else_is_a_reference(name):
    assert not is_reference(name)


def test_an_installed_module_is_found_before_a_file_of_the_working_directory(working):
    (working / "json.py").write_text("dumps = 'not this one'\n")
    (working / "kept_beside_the_data.py").write_text("THING = 7\n")
    assert callable(load_object("json:dumps", expected="a function"))
    assert load_object("kept_beside_the_data:THING", expected="a number") == 7
    assert sources_of("kept_beside_the_data")[-1].origin == str(working / "kept_beside_the_data.py")
    assert sources_of("json")[-1].origin != str(working / "json.py")


@pytest.mark.parametrize(
    ("reference", "texts"),
    [
        ("nowhere_at_all:thing", ["There is no module nowhere_at_all", "nowhere_at_all.py in the working directory"]),
        (f"{HERE}.deeper:thing", ["There is no module"]),
        (f"{HERE}:NOTHING", ["has no answer NOTHING", "Expected: a number", "it has test_a"]),
    ],
)
def test_what_is_missing_is_named(reference, texts):
    with pytest.raises(UserError) as caught:
        load_object(reference, expected="a number", what="answer")
    assert all(text in str(caught.value) for text in texts)


def test_a_module_that_cannot_be_imported_says_why(working):
    (working / "broken_of_mine.py").write_text("import a_module_that_nobody_has\n")
    with pytest.raises(UserError, match=r"cannot be imported(.|\n)*a_module_that_nobody_has"):
        load_object("broken_of_mine:thing", expected="a thing")
    with pytest.raises(UserError, match="There is no module"):
        sources_of("broken_of_mine.inner")


def test_finding_the_source_executes_nothing(working):
    (working / "silent.py").write_text("raise SystemExit('executed')\n")
    assert sources_of("silent")[-1].origin == str(working / "silent.py")
    assert "silent" not in sys.modules
