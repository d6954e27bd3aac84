import datetime as dt
import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.errors import UserError
from pipeline.space import (
    Choice,
    Integer,
    Narrowing,
    Parameter,
    Real,
    Space,
    assemble,
    contains,
    flatten,
    grid,
    inside,
    load,
    narrow,
    parse,
    sample,
    size,
    stream,
)
from pipeline.trial import Configuration
from tests.fakes import NETWORKS, few, networks

SEEDS = st.integers(0, 2**32 - 1)


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


# --------------------------------------------------------------------------------------------------- random spaces

CHOICES = st.sampled_from([["a"], ["a", "b"], [1, 2.5, "x"], [True, False], [0.1, 0.2, 0.3]])


@st.composite
def finite_entries(draw: Any) -> dict[str, object]:
    """An entry of a finite kind."""
    kind = draw(st.sampled_from(["integer", "choice", "fixed", "point"]))
    if kind == "integer":
        low, step, count = draw(st.integers(-3, 3)), draw(st.integers(1, 4)), draw(st.integers(0, 2))
        return {"type": "integer", "low": low, "high": low + step * count, "step": step}
    if kind == "choice":
        return {"type": "choice", "values": draw(CHOICES)}
    if kind == "point":
        value = draw(st.floats(-5, 5))
        return {"type": "real", "low": value, "high": value}
    return {"type": "fixed", "value": draw(st.sampled_from([1, 1.0, True, "a"]))}


@st.composite
def real_entries(draw: Any) -> dict[str, object]:
    """A range of real numbers, over many orders of magnitude."""
    log = draw(st.booleans())
    low = 10.0 ** draw(st.floats(-300, 290)) if log else draw(st.floats(-1e12, 1e12))
    high = low * 10.0 ** draw(st.floats(1e-5, 10)) if log else low + max(1.0, abs(low)) * draw(st.floats(1e-5, 1e3))
    return {"type": "real", "low": low, "high": high, "scale": "log" if log else "linear"}


@st.composite
def space_files(draw: Any, *, infinite: bool = True) -> dict[str, object]:
    """A valid space file; its finite form has at most about 10,000 configurations."""
    entries = st.one_of(finite_entries(), real_entries()) if infinite else finite_entries()
    names = draw(st.lists(st.sampled_from("abcd"), unique=True, max_size=3))
    space: dict[str, object] = {name: draw(entries) for name in names}
    for counter, repeated in (("layers", "units"), ("blocks", "rates")):
        if draw(st.booleans()):
            low = draw(st.integers(0, 2))
            space[counter] = {"type": "integer", "low": low, "high": draw(st.integers(low, 2))}
            space[repeated] = {**draw(entries), "per": counter}
    order = draw(st.permutations(list(space)))
    return {name: space[name] for name in order} or {"alone": 1}


# ------------------------------------------------------------------------------------------- drawing, counting, order


@given(space_files(), SEEDS)
def test_what_is_drawn_is_contained(entries, seed):
    space = parse(entries)
    drawn = sample(space, rng_of(seed))
    assert contains(space, drawn)
    assert contains(space, Configuration.from_json(drawn.json))


@settings(max_examples=60)
@given(space_files(infinite=False))
def test_the_size_is_the_number_of_configurations(entries):
    space = parse(entries)
    every = list(grid(space))
    assert len({each.key for each in every}) == len(every) == size(space)
    assert all(contains(space, each) for each in every)


@given(space_files())
def test_a_space_is_finite_exactly_when_its_grid_ends(entries):
    space = parse(entries)
    if size(space) is None:
        with pytest.raises(ValueError):
            list(grid(space))


def test_sizes_by_hand():
    assert size(few()) == 24
    assert size(networks()) is None
    rates = {"type": "real", "low": 0.0, "high": 1.0, "per": "layers"}
    assert size(parse({"layers": 0, "rates": rates})) == 1
    assert size(parse({"layers": 1, "rates": rates})) is None
    units = {"type": "integer", "low": 4, "high": 8, "step": 2, "per": "layers"}
    assert size(parse({"layers": {"type": "choice", "values": [3, 0, 1]}, "units": units})) == 27 + 1 + 3


def test_drawing_is_even_over_depths_and_on_a_log_scale():
    rng = rng_of(0)
    drawn = [sample(networks(), rng) for _ in range(4000)]
    depths = [each["hidden_layers"] for each in drawn]
    assert all(abs(depths.count(depth) / 4000 - 0.25) < 0.03 for depth in range(4))
    rates = np.log10([each["learning_rate"] for each in drawn])
    assert np.mean(rates) == pytest.approx(-2.5, abs=0.05)
    assert np.histogram(rates, 10, (-4, -1))[0].min() > 320
    units = [unit for each in drawn for name, unit in flatten(each).items() if name.startswith("units")]
    assert {8, 64} <= set(units) <= set(range(8, 65))


@settings(max_examples=40, deadline=None)
@given(space_files(infinite=False), SEEDS, st.data())
def test_a_finite_space_is_used_up_exactly(entries, seed, data):
    space = parse(entries)
    every = [each.key for each in grid(space)]
    known = data.draw(st.sets(st.sampled_from(every)))
    drawn = [each.key for each in stream(space, rng_of(seed), known)]
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == set(every) - known


@settings(max_examples=40)
@given(space_files(), SEEDS, st.integers(0, 30), st.integers(0, 30))
def test_a_longer_stream_begins_with_the_shorter_one(entries, seed, short, more):
    space = parse(entries)
    known = {each.key for each in itertools.islice(stream(space, rng_of(seed + 1), ()), 5)}
    first = list(itertools.islice(stream(space, rng_of(seed), known), short))
    longer = list(itertools.islice(stream(space, rng_of(seed), known), short + more))
    assert longer[: len(first)] == first
    keys = [each.key for each in longer]
    assert len(keys) == len(set(keys))
    assert known.isdisjoint(keys)


def test_the_last_of_many_is_found():
    space = parse({"a": {"type": "integer", "low": 1, "high": 100}, "b": {"type": "integer", "low": 1, "high": 200}})
    every = [each.key for each in grid(space)]
    assert [each.key for each in stream(space, rng_of(0), every[:-1])] == every[-1:]


def test_a_rare_depth_is_not_forgotten():
    # Half of all draws have no layers, and there is one such configuration only.
    space = parse(
        {
            "layers": {"type": "choice", "values": [0, 2]},
            "units": {"type": "integer", "low": 1, "high": 60, "per": "layers"},
        }
    )
    assert len(list(stream(space, rng_of(0), ()))) == size(space) == 3601


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("activation", "sigmoid"),
        ("hidden_layers", True),
        ("hidden_layers", 2.0),
        ("hidden_layers", 4),
        ("units", (8,)),
        ("units", 8),
        ("units", (8, 65)),
        ("units", (8, 8.0)),
        ("units", (8, True)),
        ("learning_rate", 0.2),
        ("learning_rate", 1),
        ("learning_rate", (0.01,)),
        ("learning_rate", "0.01"),
        ("batch_size", 17),
        ("optimizer", "sgd"),
    ],
)
def test_what_it_would_never_draw_is_not_contained(change, value):
    inner = {
        "hidden_layers": 2,
        "units": (8, 64),
        "learning_rate": 0.01,
        "dropout": 0.0,
        "batch_size": 32,
        "activation": "relu",
        "optimizer": "adam",
    }
    assert contains(networks(), Configuration.of(inner))
    assert not contains(networks(), Configuration.of({**inner, change: value}))
    assert not contains(networks(), Configuration.of({name: inner[name] for name in inner if name != change}))
    assert not contains(networks(), Configuration.of({**inner, "foreign": 1}))


# ----------------------------------------------------------------------------------------------------- real numbers

PLACES = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 5e-324, 1e-17, 0.5, 1 - 2**-53, 1.0]))


@given(real_entries(), PLACES)
@example({"low": 5e-324, "high": 1.7976931348623157e308, "scale": "log"}, 1.0)
@example({"low": 1.7976931348623155e308, "high": 1.7976931348623157e308, "scale": "log"}, 1.0)
@example({"low": 0.1, "high": 0.3, "scale": "linear"}, 1.0)
def test_a_place_lies_in_the_range(entry, unit):
    domain = Real(entry["low"], entry["high"], entry["scale"] == "log")
    value = domain.at(unit)
    assert type(value) is float
    assert domain.low <= value <= domain.high


@given(real_entries(), st.floats(0, 1))
def test_place_and_value_are_inverse(entry, unit):
    domain = Real(entry["low"], entry["high"], entry["scale"] == "log")
    again = domain.at(domain.unit(domain.at(unit)))
    assert again == pytest.approx(domain.at(unit), rel=1e-9, abs=1e-9 * abs(domain.high - domain.low))


# -------------------------------------------------------------------------------------------------------- narrowing

NARROWINGS = st.builds(
    Narrowing,
    units=st.integers(0, 30),
    units_step=st.integers(1, 9),
    fraction=st.sampled_from([1e-6, 0.01, 0.2, 0.5, 1.0]),
)
HALF = Narrowing(fraction=0.2, units=10)


def at_border(space: Space, rng: np.random.Generator) -> Configuration:
    """A configuration whose ranges are at an end, as often as not."""
    drawn = sample(space, rng).as_dict()
    counts = {
        parameter.name for parameter in space.parameters if any(parameter.name == each.per for each in space.parameters)
    }

    def end(domain: Any, value: Any) -> Any:
        if isinstance(domain, Choice) or rng.random() < 0.5:
            return value
        return domain.low if rng.random() < 0.5 else domain.high

    for parameter in space.parameters:
        value = drawn[parameter.name]
        if parameter.name not in counts:
            drawn[parameter.name] = (
                tuple(end(parameter.domain, each) for each in value)
                if isinstance(value, tuple)
                else end(parameter.domain, value)
            )
    return Configuration.of(drawn)


def check_box(space: Space, box: Space, centre: Configuration, rng: np.random.Generator) -> None:
    """The laws of a narrowed space."""
    assert assemble(flatten(centre), space) == centre
    assert contains(box, Configuration.of(flatten(centre)))
    assert inside(box, centre)
    for _ in range(3):
        drawn = sample(box, rng)
        whole = assemble(drawn.as_dict(), space)  # type: ignore[arg-type]
        assert contains(space, whole)
        assert inside(box, whole)
        assert flatten(whole) == drawn.as_dict()
    for parameter in box.parameters:
        wide = space[parameter.name.partition("[")[0]].domain
        if isinstance(parameter.domain, Integer):
            assert isinstance(wide, Integer)
            assert parameter.domain.step % wide.step == 0
            assert wide.low <= parameter.domain.low <= parameter.domain.high <= wide.high
            assert (parameter.domain.low - wide.low) % wide.step == 0
        elif isinstance(parameter.domain, Real):
            assert isinstance(wide, Real)
            assert wide.low <= parameter.domain.low <= parameter.domain.high <= wide.high


@given(space_files(), SEEDS, NARROWINGS, st.sampled_from([1 / 16, 0.5, 1.0, 2.0, 64.0]))
def test_a_box_holds_its_centre_and_stays_in_the_space(entries, seed, by, factor):
    space, rng = parse(entries), rng_of(seed)
    centre = at_border(space, rng)
    check_box(space, narrow(space, centre, by.scaled(factor)), centre, rng)


@given(space_files(), SEEDS, NARROWINGS, st.sampled_from([1e-3, 0.5, 1.0, 3.0]))
def test_a_scaled_box_reaches_a_tenth_or_one_step_and_all_choices(entries, seed, by, factor):
    space = parse(entries)
    centre = at_border(space, rng_of(seed))
    box = narrow(space, centre, by.scaled(factor))
    for name, value in flatten(centre).items():
        whole, domain = space[name.partition("[")[0]], box[name].domain
        if isinstance(whole.domain, Choice) and not any(each.per == name for each in space.parameters):
            assert domain == whole.domain
        elif isinstance(whole.domain, Real) and isinstance(domain, Real) and whole.domain.size is None:
            at, low, high = (whole.domain.unit(each) for each in (float(value), domain.low, domain.high))
            assert at - low >= min(0.1, at) - 1e-6
            assert high - at >= min(0.1, 1 - at) - 1e-6


def test_a_box_widens_and_narrows_by_factors():
    space = parse({"rate": {"type": "real", "low": 0.0, "high": 1.0}, "n": {"type": "integer", "low": 0, "high": 100}})
    centre = Configuration.of({"rate": 0.5, "n": 50})
    for factor, reach in ((1.0, 0.2), (2.0, 0.4), (0.5, 0.1), (0.1, 0.1), (9.0, 0.5)):
        box = narrow(space, centre, Narrowing(fraction=0.2).scaled(factor))
        rate, count = box["rate"].domain, box["n"].domain
        assert isinstance(rate, Real)
        assert [rate.low, rate.high] == pytest.approx([0.5 - reach, 0.5 + reach])
        assert count == Integer(round(50 - 100 * reach), round(50 + 100 * reach))


def test_thousands_of_boxes_on_log_scales():
    # exp(log(x)) != x for every third number: the borders of a box may not cut off what they were made around.
    rng = rng_of(0)
    for _ in range(4000):
        low = 10 ** rng.uniform(-8, 2)
        space = parse({"rate": {"type": "real", "low": low, "high": low * 10 ** rng.uniform(0.01, 6), "scale": "log"}})
        centre = at_border(space, rng)
        box = narrow(space, centre, Narrowing(fraction=float(rng.uniform(1e-4, 0.6))))
        assert contains(box, centre)
        assert contains(space, sample(box, rng))


def test_boxes_of_boxes():
    rng = rng_of(1)
    for _ in range(300):
        space = Space(tuple(parameter for parameter in networks().parameters if not parameter.per))
        for _ in range(6):
            centre = at_border(space, rng)
            box = narrow(space, centre, HALF)
            check_box(space, box, centre, rng)
            space = box


def test_a_box_as_documented():
    centre = Configuration.of(
        {
            "hidden_layers": 2,
            "units": (9, 41),
            "learning_rate": 1e-2,
            "dropout": 0.5,
            "batch_size": 64,
            "activation": "relu",
            "optimizer": "adam",
        }
    )
    box = narrow(networks(), centre, HALF)
    assert box["hidden_layers"].domain == Choice((2,))
    assert box["units[0]"].domain == Integer(9, 19, 2)
    assert box["units[1]"].domain == Integer(31, 51, 2)
    assert box["activation"].domain == Choice(("relu", "tanh", "swish"))
    assert box["optimizer"].domain == Choice(("adam",))
    assert box["batch_size"].domain == Integer(48, 80, 16)
    rate, dropout = box["learning_rate"].domain, box["dropout"].domain
    assert isinstance(rate, Real)
    assert isinstance(dropout, Real)
    assert [rate.low, rate.high] == pytest.approx([10**-2.6, 10**-1.4])
    assert rate.log
    assert [dropout.low, dropout.high] == pytest.approx([0.4, 0.5])
    assert "units" not in box


def test_no_layers_have_no_units():
    centre = Configuration.of({"hidden_layers": 0, "units": ()})
    space = parse({name: NETWORKS[name] for name in ("hidden_layers", "units")})
    box = narrow(space, centre, HALF)
    assert box.names == ("hidden_layers",)
    assert assemble({"hidden_layers": 0}, space) == centre


def test_steps_aside_a_neighbour_is_inside():
    space = parse({"layers": 1, "units": {"type": "integer", "low": 1, "high": 99, "per": "layers"}})
    centre = Configuration.of({"layers": 1, "units": (40,)})
    box = narrow(space, centre, HALF)
    assert inside(box, Configuration.of({"layers": 1, "units": (41,)}))
    assert not inside(box, Configuration.of({"layers": 1, "units": (51,)}))
    assert not inside(box, Configuration.of({"layers": 2, "units": (40, 40)}))


@given(space_files(), SEEDS)
def test_flatten_and_assemble_are_inverse(entries, seed):
    space = parse(entries)
    drawn = sample(space, rng_of(seed))
    assert assemble(flatten(drawn), space) == drawn


# ---------------------------------------------------------------------------------------------------- bad space files

INTEGER = {"type": "integer", "low": 1, "high": 3}
REAL = {"type": "real", "low": 0.1, "high": 1.0}

BAD: Mapping[str, tuple[dict[str, object], str]] = {
    "empty": ({}, "empty"),
    "real upside down": ({"a": {"type": "real", "low": 2.0, "high": 1.0}}, "a has low > high"),
    "integer upside down": ({"a": {"type": "integer", "low": 2, "high": 1}}, "a has low > high"),
    "log of zero": ({"a": {**REAL, "low": 0, "scale": "log"}}, "low > 0"),
    "log of less": ({"a": {**REAL, "low": -1e-3, "scale": "log"}}, "low > 0"),
    "unknown scale": ({"a": {**REAL, "scale": "ln"}}, "linear or log"),
    "scale of another type": ({"a": {**REAL, "scale": ["log"]}}, "linear or log"),
    "step does not fit": ({"a": {"type": "integer", "low": 1, "high": 10, "step": 4}}, "high = 9"),
    "step of zero": ({"a": {**INTEGER, "step": 0}}, "step of a does not fit"),
    "negative step": ({"a": {**INTEGER, "step": -1}}, "step of a does not fit"),
    "step for a real": ({"a": {**REAL, "step": 0.1}}, "unknown key 'step'"),
    "scale for an integer": ({"a": {**INTEGER, "scale": "log"}}, "unknown key 'scale'"),
    "unknown type": ({"a": {"type": "float", "low": 1, "high": 2}}, "real, integer, choice, fixed"),
    "type of another type": ({"a": {"type": ["real"], "low": 1, "high": 2}}, "real, integer, choice, fixed"),
    "no type": ({"a": {"low": 1, "high": 2}}, "no type"),
    "empty table": ({"a": {}}, "no type"),
    "unknown key": ({"a": {**REAL, "hihg": 2}}, "did you mean high?"),
    "no high": ({"a": {"type": "real", "low": 1.0}}, "high of a is not a number"),
    "no values": ({"a": {"type": "choice"}}, "at least one"),
    "empty choice": ({"a": {"type": "choice", "values": []}}, "at least one"),
    "choice of a text": ({"a": {"type": "choice", "values": "relu"}}, "at least one"),
    "duplicate": ({"a": {"type": "choice", "values": ["x", "y", "x"]}}, "twice"),
    "two zeros": ({"a": {"type": "choice", "values": [0.0, -0.0]}}, "twice"),
    "one and one": ({"a": {"type": "choice", "values": [1, 1.0]}}, "twice"),
    "one and true": ({"a": {"type": "choice", "values": [True, 1]}}, "twice"),
    "nested values": ({"a": {"type": "choice", "values": [[1], [2]]}}, "A value of a"),
    "table as value": ({"a": {"type": "choice", "values": [{"b": 1}]}}, "A value of a"),
    "date as value": ({"a": {"type": "choice", "values": [dt.date(2024, 1, 1)]}}, "A value of a"),
    "nan as value": ({"a": {"type": "choice", "values": [math.nan]}}, "A value of a"),
    "fixed to nothing": ({"a": {"type": "fixed"}}, "A value of a"),
    "fixed to nan": ({"a": math.nan}, "A value of a"),
    "fixed to inf": ({"a": math.inf}, "A value of a"),
    "fixed to a list": ({"a": [1, 2]}, 'type = "choice"'),
    "fixed to a date": ({"a": dt.date(2024, 1, 1)}, "neither a value nor a table"),
    "nan": ({"a": {**REAL, "low": math.nan}}, "low of a is not a number"),
    "infinity": ({"a": {**REAL, "high": math.inf}}, "high of a is not a number"),
    "bool as number": ({"a": {**REAL, "low": False}}, "low of a is not a number"),
    "bool as integer": ({"a": {**INTEGER, "low": True}}, "low of a is not a number"),
    "bool as step": ({"a": {**INTEGER, "step": True}}, "step of a is not a number"),
    "text as number": ({"a": {**REAL, "low": "1e-3"}}, "low of a is not a number"),
    "list as number": ({"a": {**REAL, "low": [1]}}, "low of a is not a number"),
    "real as integer": ({"a": {**INTEGER, "high": 3.0}}, 'type = "real"'),
    "real as step": ({"a": {**INTEGER, "step": 0.5}}, 'type = "real"'),
    "per nothing": ({"a": {**INTEGER, "per": "layers"}}, "no layers"),
    "per of another type": ({"a": {**INTEGER, "per": 3}}, "per of a is not the name"),
    "per itself": ({"a": {**INTEGER, "per": "a"}}, "is not a count"),
    "per a real": ({"a": {**INTEGER, "per": "b"}, "b": REAL}, "is not a count"),
    "per a point": (
        {"a": {**INTEGER, "per": "b"}, "b": {"type": "real", "low": 2, "high": 2}},
        "is not a count",
    ),
    "per a text": ({"a": {**INTEGER, "per": "b"}, "b": "two"}, "is not a count"),
    "per a bool": ({"a": {**INTEGER, "per": "b"}, "b": True}, "is not a count"),
    "per less than nothing": ({"a": {**INTEGER, "per": "b"}, "b": {**INTEGER, "low": -1}}, "is not a count"),
    "per what repeats": (
        {"a": {**INTEGER, "per": "b"}, "b": {**INTEGER, "per": "c"}, "c": INTEGER},
        "is not a count",
    ),
    "per too many": ({"a": {**INTEGER, "per": "b"}, "b": {**INTEGER, "high": 10**12}}, "is not a count"),
    "per far too many": ({"a": {**INTEGER, "per": "b"}, "b": 10**12}, "is not a count"),
    "beyond 64 bits": ({"a": {**INTEGER, "high": 2**70}}, "high of a is not a number"),
    "beyond all floats": ({"a": {**REAL, "high": 10**400}}, "high of a is not a number"),
    "a choice beyond 64 bits": ({"a": {"type": "choice", "values": [10**400]}}, "A value of a"),
    "fixed beyond 64 bits": ({"a": 10**400}, "A value of a"),
    "wider than all floats": ({"a": {"type": "real", "low": -1.7e308, "high": 1.7e308}}, "range of a"),
    "no room in between": ({"a": {"type": "real", "low": 0.1, "high": math.nextafter(0.1, 1)}}, "range of a"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_entry_is_explained(name):
    entries, text = BAD[name]
    with pytest.raises(UserError) as caught:
        parse(entries)
    assert text in str(caught.value)
    assert "Expected:" in str(caught.value) or "Try:" in str(caught.value) or "Got:" in str(caught.value)


def test_the_step_that_is_proposed_fits():
    for low, high, step in itertools.product(range(-2, 3), range(3, 9), range(1, 8)):
        entries = {"a": {"type": "integer", "low": low, "high": high, "step": step}}
        try:
            parse(entries)
        except UserError as error:
            proposed = int(str(error).rpartition("use high = ")[2].partition(",")[0])
            parse({"a": {"type": "integer", "low": low, "high": proposed, "step": step}})
            assert low <= proposed <= high


ANYTHING = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(),
        st.integers(-3, 5),
        st.floats(),
        st.sampled_from(["", "log", "linear", "a", "b", "c", "real", "integer"]),
        st.text(max_size=5),
        st.dates(),
        st.times(),
        st.datetimes(),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
KEYS = st.sampled_from(["low", "high", "step", "scale", "values", "value", "per", "hihg"])
ENTRIES = st.one_of(
    ANYTHING,
    st.builds(
        lambda kind, rest: {"type": kind, **rest},
        st.sampled_from(["real", "integer", "choice", "fixed", "x"]),
        st.dictionaries(KEYS, ANYTHING, max_size=5),
    ),
    st.builds(
        lambda kind, low, high, rest: {"type": kind, "low": low, "high": high, **rest},
        st.sampled_from(["real", "integer"]),
        st.integers(-5, 5) | st.floats() | st.integers(),
        st.integers(-5, 5) | st.floats() | st.integers(),
        st.dictionaries(st.sampled_from(["step", "scale", "per"]), ANYTHING, max_size=2),
    ),
)


@settings(max_examples=600)
@given(st.dictionaries(st.sampled_from(["a", "b", "c", "", "x y"]), ENTRIES, max_size=4))
def test_anything_is_a_space_or_a_clear_error(entries):
    try:
        space = parse(entries)
    except UserError:
        return
    drawn = sample(space, rng_of(0))
    assert contains(space, drawn)
    count = size(space)
    assert count is None or count >= 1
    check_box(space, narrow(space, drawn, Narrowing()), drawn, rng_of(1))


def test_the_forms_of_a_good_file(tmp_path):
    path = tmp_path / "space.toml"
    path.write_text(
        """
        batch_size = 32
        learning_rate = { type = "real", low = 1e-4, high = 1, scale = "log" }
        hidden_layers = { type = "integer", low = 1, high = 4 }
        units = { type = "integer", low = 8, high = 64, step = 2, per = "hidden_layers" }
        activation = { type = "choice", values = ["relu", "tanh"] }
        [dropout]
        type = "fixed"
        value = 0.25
        """,
        encoding="utf-8",
    )
    assert load(path) == Space(
        (
            Parameter("batch_size", Choice((32,))),
            Parameter("learning_rate", Real(1e-4, 1.0, True)),
            Parameter("hidden_layers", Integer(1, 4)),
            Parameter("units", Integer(8, 64, 2), "hidden_layers"),
            Parameter("activation", Choice(("relu", "tanh"))),
            Parameter("dropout", Choice((0.25,))),
        )
    )


def test_a_file_from_a_windows_editor_is_read(tmp_path):
    path = tmp_path / "space.toml"
    path.write_bytes("\ufeffa = 1\r\n".encode())
    assert load(path).names == ("a",)


@pytest.mark.parametrize(
    "content",
    [
        b"a = ",
        b"a = 1\na = 2\n",
        b"= 1",
        b"\xff\xfe",
        b"a = 01",
        b"PK\x03\x04",
        b"a = " + b"9" * 5000,
        b"a = " + b"[" * 5000,
    ],
    ids=["half", "twice", "nameless", "binary", "octal", "zip", "long", "deep"],
)
def test_what_is_not_toml_is_explained(tmp_path, content):
    path = tmp_path / "space.toml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"space\.toml"):
        load(path)


def test_a_file_that_cannot_be_read_is_explained(tmp_path):
    for path in (tmp_path / "absent.toml", tmp_path, tmp_path / "a\0b"):
        with pytest.raises(UserError):
            load(path)
    with pytest.raises(UserError, match="--space"):
        load(tmp_path / "absent.toml")
