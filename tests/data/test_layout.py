import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.data.layout import pixels, quantities, shape_of, steps


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))
def test_the_names_of_pixels_have_their_shape(height, width, channels):
    names = pixels(height, width, channels)
    assert len(set(names)) == height * width * channels
    assert shape_of(names) == (height, width, channels)
    assert shape_of(tuple(names)) == (height, width, channels)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4, unique=True), st.integers(0, 3), st.integers(0, 9))
def test_the_names_of_steps_have_their_shape(columns, last, more):
    assert shape_of(steps(columns, last + more, last)) == (more + 1, len(columns))


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("a", "b"),
        ("pixel_0_1", "pixel_0_0"),
        ("pixel_0_0", "pixel_0_1", "age"),
        ("age", "pixel_0_0", "pixel_0_1"),
        ("pixel_0_0", "pixel_1_1"),
        ("pixel_0_0", "pixel_99999_99999"),
        ("pixel_0_0", "pixel_0_0"),
        ("x[t-2]", "y[t-1]"),
        ("x[t-1]", "x[t-2]"),
        ("x[t-3]", "x[t-1]"),
        ("x[t-2]", "x"),
        ("x", "x[t-1]"),
        ("x[t-999999]", "x[t-0]"),
        ("[t-1]",),
    ],
)
def test_other_names_have_none(names):
    assert shape_of(names) == ()


def test_a_digit_of_scikit_learn_has_its_shape():
    from sklearn.datasets import load_digits

    assert shape_of(load_digits().feature_names) == (8, 8, 1)


def test_quantities_are_columns_of_windows_all_pixels_or_each_input():
    names = steps(["load", "heat[t-1]"], 3, 2)
    assert quantities(names) == {"load": ("load[t-3]", "load[t-2]"), "heat[t-1]": ("heat[t-1][t-3]", "heat[t-1][t-2]")}
    assert quantities(pixels(2, 2, 1)) == {"pixels": tuple(pixels(2, 2, 1))}
    assert quantities(("a", "b[t-1]")) == {"a": ("a",), "b[t-1]": ("b[t-1]",)}
    assert quantities(()) == {}
