import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UserError
from pipeline.settings import Settings, read
from pipeline.tuning.strategies.registry import STRATEGIES

GIVEN = {"data": "housing.csv", "target": "price", "space": "search_spaces/x.toml", "study": "results/housing"}


def file_with(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(**options: object) -> str:
    with pytest.raises(UserError) as caught:
        read(None, {**GIVEN, **options})
    return str(caught.value)


def test_every_setting_but_four_has_a_default():
    settings = read(None, GIVEN)
    assert {name for name, field in Settings.model_fields.items() if field.is_required()} == set(GIVEN)
    assert (settings.configurations, settings.repeats, settings.elite, settings.calls) == (40, 2, 3, 8)
    assert (settings.validation, settings.test, settings.seed, settings.slots) == (0.2, 0.2, 0, "auto")
    assert settings.inputs == settings.group == ()
    assert all(field.description for field in Settings.model_fields.values())


def test_defaults_are_valid_settings():
    defaults = {name: field.default for name, field in Settings.model_fields.items() if not field.is_required()}
    assert read(None, {**GIVEN, **defaults}) == read(None, GIVEN)


@pytest.mark.parametrize("name", ["data", "target", "space", "study"])
def test_a_missing_one_is_named(name):
    with pytest.raises(UserError, match=f"The setting {name} is missing") as caught:
        read(None, {other: value for other, value in GIVEN.items() if other != name})
    assert f"give --{name}" in str(caught.value)


def test_options_win_over_the_file_and_none_is_no_option(tmp_path):
    path = file_with(
        tmp_path,
        'data = "a.csv"\ntarget = ["x", "y"]\nspace = "s.toml"\nstudy = "results/a"\n'
        "repeats = 3\ncalls = 2\nmin_delta = 1e-4\n",
    )
    settings = read(path, {"repeats": 7, "calls": None, "target": None, "study": "results/b"})
    assert (settings.repeats, settings.calls, settings.min_delta) == (7, 2, 1e-4)
    assert (settings.target, settings.study, settings.space) == (("x", "y"), Path("results/b"), Path("s.toml"))


def test_an_option_rescues_a_wrong_value_of_the_file(tmp_path):
    path = file_with(tmp_path, "repeats = 0\n")
    assert read(path, {**GIVEN, "repeats": 2}).repeats == 2


@pytest.mark.parametrize("text", ["results/a", "./results/a", "../a", "a b/ü"])
def test_relative_paths_stay_as_they_were_written(tmp_path, text):
    # The folder of the settings file does not matter: paths are the command's.
    path = file_with(tmp_path, f'study = "{text}"\nspace = "s.toml"\n')
    assert read(path, {"data": "d.csv", "target": "y"}).study == Path(text)


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("price", ("price",)),
        ("a,b", ("a", "b")),
        (" a , b ,", ("a", "b")),
        ("median house value", ("median house value",)),
        (["a,b", "c"], ("a,b", "c")),
        (("a",), ("a",)),
    ],
)
def test_names_are_a_text_with_commas_or_a_list(written, names):
    assert read(None, {**GIVEN, "target": written}).target == names


@pytest.mark.parametrize(
    ("unknown", "hint"),
    [("epoch", "epochs"), ("units-radius", "units_radius"), ("repeat", "repeats"), ("Seed", "seed")],
)
def test_an_unknown_setting_gets_a_hint(tmp_path, unknown, hint):
    with pytest.raises(UserError, match=f"no setting '{unknown}'") as caught:
        read(file_with(tmp_path, f"{unknown} = 3\n"), GIVEN)
    assert f"did you mean {hint}?" in str(caught.value)


def test_an_unknown_setting_without_a_likeness_is_to_be_removed(tmp_path):
    for text in ("qqq = 1\n", "[qqq]\nepochs = 3\n"):
        with pytest.raises(UserError, match="remove it"):
            read(file_with(tmp_path, text), GIVEN)


WRONG: dict[str, list[object]] = {
    "repeats": [0, -1, 101, 2.5, "many", True, [3], math.nan, math.inf, {}],
    "configurations": [0, 100_001, "1e3", False],
    "elite": [0, 21],
    "calls": [-1, 10_001],
    "units_radius": [0],
    "units_step": [0],
    "box_fraction": [0, -0.1, 1.1, math.nan, math.inf, True],
    "validation": [0, -0.2, math.nan, math.inf, "a fifth", True],
    "test": [0, -3, math.nan, math.inf],
    "epochs": [0, 1_000_001],
    "patience": [0],
    "min_delta": [-1e-9, math.nan, math.inf],
    "seed": [-1, 2**32, 0.5, True],
    "model": ["cnn", 3],
    "engine": ["torch"],
    "loss": ["MSE", "logcosh"],
    "input_scaler": ["", "log"],
    "data": [3, ["a"], "", True],
    "target": [3, [3], [["a"]], "", ",", [], {"a": 1}],
    "space": [3, ["a"], ""],
    "study": [3, ""],
    "slots": [2],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_is_refused_by_its_name(name, value):
    text = refused(**{name: value})
    assert f"The setting {name} is wrong" in text
    assert "pydantic" not in text


@pytest.mark.parametrize(("validation", "test"), [(0.5, 0.5), (0.9, 0.2)])
def test_the_parts_leave_rows_to_train_on(validation, test):
    assert "no rows to train on" in refused(validation=validation, test=test)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"test_data": "t.csv", "test": 0.2}, "all test rows; leave --test out"),
        ({"validation_data": "v.csv", "validation": 0.2}, "all validation rows; leave --validation out"),
        ({"validation_data": "v.csv", "folds": 3}, "all validation rows; leave --folds out"),
        ({"validation_data": "v.csv", "split": "part"}, "all validation rows; leave --split out"),
        ({"test_data": "t.csv", "split": "part"}, "all test rows; leave --split out"),
        ({"test_data": ""}, "test_data is wrong"),
        ({"split": "part", "test": 0.2}, "leave --test out"),
    ],
)
def test_a_part_is_said_once(options, said):
    assert said in refused(**options)


def test_what_is_left_may_be_divided():
    for options in ({"test_data": "t.csv", "folds": 3}, {"test_data": "t.csv", "validation": 0.1}, {"folds": 0}):
        assert read(None, {**GIVEN, **options})
    assert read(None, {**GIVEN, "validation_data": "v.csv", "test": 0.1, "folds": 0}).test == 0.1


def test_shares_and_counts_mix():
    settings = read(None, {**GIVEN, "validation": 0.9, "test": 500})
    assert (settings.validation, settings.test) == (0.9, 500)


def test_numbers_may_come_as_text():
    # As they do from a shell, whose options are typed already, and from the habit of quoting everything.
    assert read(None, {**GIVEN, "repeats": "4", "box_fraction": "0.3"}).repeats == 4


@given(
    st.sampled_from(sorted(Settings.model_fields)),
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        st.dates(),
        st.lists(st.integers() | st.text(max_size=3), max_size=2),
        st.dictionaries(st.text(max_size=2), st.integers(), max_size=1),
    ),
)
def test_anything_is_a_setting_or_a_clear_error(name, value):
    settings = error = None
    try:
        settings = read(None, {**GIVEN, name: value})
    except UserError as caught:
        error = caught
    if settings is None:
        assert name in str(error)
    else:
        assert read(None, settings.model_dump(exclude_unset=True)) == settings


@pytest.mark.parametrize("content", [b"a = ", b"\xff", b"repeats = 3\nrepeats = 4\n", b"seed = " + b"1" * 5000])
def test_what_is_not_toml_is_explained(tmp_path, content):
    path = tmp_path / "study.toml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"study\.toml"):
        read(path, GIVEN)


def test_a_file_that_cannot_be_read_is_explained(tmp_path):
    for path in (tmp_path / "absent.toml", tmp_path):
        with pytest.raises(UserError, match="--settings"):
            read(path, GIVEN)


def test_a_file_from_a_windows_editor_is_read(tmp_path):
    path = tmp_path / "study.toml"
    path.write_bytes("\ufeffrepeats = 2\r\n".encode())
    assert read(path, GIVEN).repeats == 2


def test_what_was_stored_with_the_study_reads_back(tmp_path):
    settings = read(None, {**GIVEN, "target": ["a,b"], "group": "c"})
    assert read(None, settings.model_dump(mode="json")) == settings
    with pytest.raises(ValueError):
        settings.repeats = 3


def test_a_strategy_is_one_of_the_table():
    for name in STRATEGIES:
        assert read(None, {**GIVEN, "strategy": name}).strategy == name
    with pytest.raises(UserError, match="did you mean hyperband") as caught:
        read(None, {**GIVEN, "strategy": "hyperbnd"})
    assert "latin-hypercube" in str(caught.value)


def test_where_trainings_are_counted_none_is_spent_on_what_nobody_asked_for():
    plain, counted = read(None, GIVEN), read(None, {**GIVEN, "trainings": 50})
    assert (plain.repeats, plain.max_repeats, plain.elite) == (2, 4, 3)
    assert (counted.repeats, counted.max_repeats, counted.elite) == (1, 8, 2)
    assert read(None, {**GIVEN, "trainings": 50, "repeats": 3}).repeats == 3
    assert read(None, counted.model_dump(mode="json")) == counted


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("log", {"": "log"}),
        ("y=log, z=none", {"y": "log", "z": "none"}),
        ("a=b=log", {"a=b": "log"}),  # a name may have an equals sign
        ({"y, in m": "log"}, {"y, in m": "log"}),
        (None, None),
    ],
)
def test_a_value_is_for_all_targets_or_for_one_of_them(given, found):
    settings = read(None, {**GIVEN, "target_transform": given})
    assert settings.target_transform == found
    assert read(None, settings.model_dump(exclude_unset=True)) == settings


def test_tolerances_are_numbers_or_percentages():
    assert read(None, {**GIVEN, "tolerance": "5%"}).tolerance == {"": "5%"}
    assert read(None, {**GIVEN, "tolerance": 0.01}).tolerance == {"": 0.01}
    assert read(None, {**GIVEN, "tolerance": "y=5%|0.01, z=2"}).tolerance == {"y": "5%|0.01", "z": 2}
    with pytest.raises(UserError, match="a second value for y"):
        read(None, {**GIVEN, "tolerance": "y=1, y=2"})


def test_an_objective_is_one_of_a_task():
    with pytest.raises(UserError, match="did you mean roc-auc"):
        read(None, {**GIVEN, "objective": "roc_auc"})


@pytest.mark.parametrize(
    "written",
    ["no:yes=1, yes:no=5", " no : yes = 1.0,yes:no=5,", {"no": {"yes": 1}, "yes": {"no": 5.0}}],
)
def test_costs_are_a_text_or_tables_by_the_true_class(written):
    assert read(None, {**GIVEN, "cost": written}).cost == {"no": {"yes": 1.0}, "yes": {"no": 5.0}}


@pytest.mark.parametrize(
    "written",
    [
        "no:yes", "no=1", "a:b:c=1", ":b=1", "a:=1", "a:b=x", "a:b=true", "a:b=", "a:b=1,a:b=2", "a:b=nan", "a:b=inf",
        {"a": 1}, {"a": {"b": True}}, {"a": {"b": "1"}}, {"a": {"b": float("inf")}}, 3, ["a:b=1"],
    ],
)  # fmt: skip
def test_what_is_not_a_cost_is_refused_by_the_name_of_the_setting(written):
    assert "The setting cost is wrong" in refused(cost=written)
