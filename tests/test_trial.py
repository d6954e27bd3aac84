import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.ranking.order import by_mean
from pipeline.ranking.statistics import interval
from pipeline.ranking.summaries import summarise, summarise_imported
from pipeline.trial import Configuration, Imported, Repeat, Training, Trial, plan
from tests.fakes import summary_of

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.one_of(st.booleans(), st.integers(-(2**62), 2**62), FLOATS, st.text(max_size=8))
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=4))
MAPPINGS = st.dictionaries(st.text(max_size=6), VALUES, max_size=6)
OBJECTIVES = st.lists(st.integers(-(10**6), 10**6).map(lambda value: value / 1000), min_size=2, max_size=12)


def as_numpy(value: object) -> object:
    """The same value as NumPy would hand it over."""
    if isinstance(value, list):
        return [as_numpy(each) for each in value]
    kinds = {bool: np.bool_, int: np.int64, float: np.float64, str: np.str_}
    # NumPy cuts texts at trailing zero characters: those stay as they are.
    return value if isinstance(value, str) and value.endswith("\0") else kinds[type(value)](value)


# ---------------------------------------------------------------------------------------------------- configurations


@given(MAPPINGS, st.randoms())
def test_the_key_does_not_depend_on_how_the_values_were_written(values, random):
    names = list(values)
    random.shuffle(names)
    shuffled = {name: values[name] for name in names}
    tuples = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    numpy = {name: as_numpy(value) for name, value in values.items()}
    one = Configuration.of(values)
    for other in (Configuration.of(each) for each in (shuffled, tuples, numpy)):
        assert other == one
        assert hash(other) == hash(one)
        assert other.key == one.key


@given(st.lists(st.integers(1, 100), min_size=1, max_size=4))
def test_an_array_is_the_list_of_its_elements(units):
    assert Configuration.of({"units": np.array(units)}) == Configuration.of({"units": units})


@given(MAPPINGS)
def test_json_comes_back_bit_by_bit(values):
    configuration = Configuration.of(values)
    back = Configuration.from_json(configuration.json)
    assert repr(back) == repr(configuration)
    assert back.key == configuration.key


@pytest.mark.parametrize("value", [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1 + 0.2, 1e23, 1 / 3])
def test_awkward_floats_come_back(value):
    assert Configuration.from_json(Configuration.of({"a": value}).json)["a"] == value


def test_equal_numbers_of_different_types_are_different_values():
    kinds = [Configuration.of({"a": value}) for value in (1, 1.0, True, "1")]
    kinds += [Configuration.of({"a": [value]}) for value in (1, 1.0, True, "1")]
    assert len({each.key for each in kinds}) == len(kinds)
    assert len(set(kinds)) == len(kinds)


@given(MAPPINGS, MAPPINGS)
def test_equality_hash_and_key_agree(one, other):
    first, second = Configuration.of(one), Configuration.of(other)
    assert (first == second) == (first.key == second.key)


def test_there_is_one_zero():
    assert Configuration.of({"a": -0.0, "b": [-0.0]}).json == '{"a":0.0,"b":[0.0]}'


@pytest.mark.parametrize(
    "value",
    [
        *(math.nan, math.inf, -math.inf, np.float32("nan"), [1.0, math.nan]),
        *(None, [[1]], {"b": 1}, b"x", 1j, object(), {1}, np.array([[1, 2]])),
    ],
)
def test_what_is_no_plain_value_is_refused(value):
    with pytest.raises(ValueError):
        Configuration.of({"a": value})


def test_values_are_plain_python():
    configuration = Configuration.of({"a": np.float32(0.5), "b": [np.int8(3)], "c": np.str_("x"), "d": np.bool_(1)})
    assert [type(value) for value in configuration.as_dict().values()] == [float, tuple, str, bool]
    assert repr(configuration["b"]) == "(3,)"


def test_it_reads_as_a_mapping_but_cannot_be_changed():
    configuration = Configuration.of({"b": 1, "a": 2})
    assert list(configuration) == ["a", "b"]
    configuration.as_dict()["a"] = 3
    assert configuration["a"] == 2
    with pytest.raises(KeyError):
        configuration["c"]
    with pytest.raises(AttributeError):
        configuration.items = ()  # type: ignore[misc]


def test_the_key_is_what_it_was_in_the_first_version():
    # Keys name model folders and workbook rows: they may never change.
    configuration = Configuration.of({"units": (37, 41), "learning_rate": 1e-3, "activation": "relu", "müll": True})
    assert configuration.json == '{"activation":"relu","learning_rate":0.001,"müll":true,"units":[37,41]}'
    assert configuration.key == "49c9655fe0c4cfe0"


# -------------------------------------------------------------------------------------------------------------- plan


def configuration(number: int) -> Configuration:
    return Configuration.of({"number": number})


def test_asking_for_five_after_three_trains_two():
    three = Trial(configuration(0), 10, 3).trainings
    missing = plan([Trial(configuration(0), 10, 5)], three)
    assert [training.index for training in missing] == [3, 4]


TRIALS = st.lists(
    st.builds(Trial, st.builds(configuration, st.integers(0, 4)), st.sampled_from([10, 20]), st.integers(1, 5)),
    max_size=8,
)


@given(
    TRIALS, st.lists(st.builds(Training, st.builds(configuration, st.integers(0, 4)), st.just(10), st.integers(0, 5)))
)
def test_a_plan_is_exactly_what_is_missing(trials, known):
    missing = [training.identity for training in plan(trials, known)]
    wanted = {training.identity for trial in trials for training in trial.trainings}
    assert len(missing) == len(set(missing))
    assert set(missing) == wanted - {training.identity for training in known}
    order = [training.identity for trial in trials for training in trial.trainings]
    assert missing == sorted(missing, key=order.index)


def test_other_epochs_are_another_training():
    known = Trial(configuration(0), 10, 3).trainings
    assert len(plan([Trial(configuration(0), 20, 3)], known)) == 3


# ---------------------------------------------------------------------------------------------------------- summaries


def repeats_of(values: Sequence[float | None]) -> list[Repeat]:
    return [
        Repeat(
            Training(configuration(0), 10, index),
            "explore",
            seed=index,
            objective=value,
            scores={"y": {"mae": 2 * value, "r2": 0.5}} if value is not None else {},
            epochs_run=index + 1 if value is not None else 0,
            seconds=float(index),
            weights=7 if value is not None else 0,
            error="" if value is not None else "diverged",
        )
        for index, value in enumerate(values)
    ]


@given(st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=8), st.randoms())
def test_a_summary_does_not_depend_on_the_order_of_repeats(values, random):
    repeats = repeats_of(values)
    shuffled = list(repeats)
    random.shuffle(shuffled)
    assert summarise(configuration(0), 10, shuffled) == summarise(configuration(0), 10, repeats)


@given(OBJECTIVES.filter(lambda values: len(set(values)) > 1))
def test_the_interval_is_students(values):
    mean, std, low, high = interval(values)
    expected = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
    spread = max(abs(value) for value in values)
    assert mean == pytest.approx(np.mean(values), rel=1e-12, abs=1e-12 * spread)
    assert std == pytest.approx(np.std(values, ddof=1), rel=1e-6, abs=1e-9 * spread)
    assert (low, high) == pytest.approx(expected, rel=1e-6, abs=1e-8 * spread)


def test_one_repeat_has_no_deviation():
    summary = summarise(configuration(0), 10, repeats_of([0.4]))
    assert (summary.repeats, summary.failures, summary.mean) == (1, 0, 0.4)
    assert (summary.std, summary.low, summary.high) == (None, None, None)
    assert (summary.best, summary.worst) == (0.4, 0.4)


def test_failures_are_counted_and_do_not_score():
    summary = summarise(configuration(0), 10, repeats_of([0.4, None, 0.6, None]))
    assert (summary.repeats, summary.failures) == (2, 2)
    assert summary.mean == pytest.approx(0.5)
    assert summary.scores == {"y": {"mae": pytest.approx(1.0), "r2": 0.5}}
    assert summary.epochs_run == 2.0  # of the successful repeats 0 and 2
    assert summary.seconds == 1.5  # of all four
    assert summary.weights == 7


def test_nothing_but_failures_is_infinitely_bad():
    summary = summarise(configuration(0), 10, repeats_of([None, None]))
    assert (summary.repeats, summary.failures, summary.mean) == (0, 2, math.inf)
    assert (summary.std, summary.low, summary.best, summary.worst) == (None, None, None, None)
    assert summary.scores == {}


def test_an_imported_row_has_the_interval_that_its_deviation_implies():
    values = [0.4, 0.5, 0.7]
    mean, std, low, high = interval(values)
    summary = summarise_imported(Imported(configuration(0), 10, 3, mean, std))
    assert summary.stage == "imported"
    assert [summary.low, summary.high] == pytest.approx([low, high])
    once = summarise_imported(Imported(configuration(0), 10, 1, mean, None))
    assert (once.std, once.low, once.high) == (None, None, None)


@given(
    st.lists(st.lists(st.none() | st.sampled_from([0.1, 0.2, 0.3]), min_size=1, max_size=3), max_size=8), st.randoms()
)
def test_ranking_puts_failures_last_and_ties_by_key(groups, random):
    summaries = [summary_of({"number": number}, *values) for number, values in enumerate(groups)]
    shuffled = list(summaries)
    random.shuffle(shuffled)
    order = by_mean(shuffled)
    assert order == by_mean(summaries)
    sound = [summary.failures == 0 for summary in order]
    assert sound == sorted(sound, reverse=True)
    for flag in (True, False):
        means = [(summary.mean, summary.key) for summary in order if (summary.failures == 0) is flag]
        assert means == sorted(means)


def test_a_failed_repeat_loses_to_a_worse_mean():
    lucky = summary_of({"number": 0}, 0.1, None)
    sound = summary_of({"number": 1}, 0.9, 0.9)
    assert by_mean([lucky, sound]) == (sound, lucky)


def test_a_repeat_belongs_to_the_stage_of_its_first():
    first, second = repeats_of([0.1, 0.2])
    assert summarise(configuration(0), 10, [replace(second, stage="refine"), first]).stage == "explore"


def test_summaries_use_exact_means():
    values = [0.1] * 10
    assert interval(values)[0] == statistics.fmean(values) == 0.1
    assert json.loads(Configuration.of({"a": 0.1}).json)["a"] == 0.1
