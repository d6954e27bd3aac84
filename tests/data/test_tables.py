"""Reading tables: the same table from every format, and an error that says what to do for what is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest

from pipeline.data.cells import text
from pipeline.data.readers import read_frame
from pipeline.data.tables import read
from pipeline.errors import UserError

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
Write = Callable[..., str]
GOOD = "size,colour,old,price\n1,red,True,3.5\n2,blue,False,4.1\n,red,,0.3\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(content: str | bytes, name: str = "table.csv") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return put


def refused(*fragments: str) -> pytest.RaisesExc[UserError]:
    pattern = "(?s)" + ".*".join(fragments)
    return pytest.raises(UserError, match=pattern)


def test_roles_kinds_and_missing_cells(write: Write) -> None:
    table = read(write(GOOD), targets=["price"])
    assert table.columns.inputs == ("size", "colour", "old")
    assert table.columns.categories == ("colour",)
    assert np.isnan(table.frame["size"][2])
    assert table.frame["old"].tolist()[:2] == [1.0, 0.0]
    assert isinstance(table.frame.index, pd.RangeIndex)
    assert list(table.frame.columns) == ["price", "size", "colour", "old"]


def test_every_format_gives_the_same_table_and_hash(write: Write, tmp_path: Path) -> None:
    source = write(GOOD)
    frame = read_frame(source)
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    sources = [source, str(tmp_path / "t.xlsx"), str(tmp_path / "t.parquet")]
    sources += [write(GOOD.replace(",", mark), f"{number}.txt") for number, mark in enumerate(";\t|:")]
    sources += [
        write(GOOD.encode("utf-16"), "wide.csv"),
        write("\n" + GOOD.replace("\n", "\r\n") + "\r\n \n", "crlf.csv"),
    ]
    tables = [read(each, targets=["price"]) for each in sources]
    assert len({table.sha256 for table in tables}) == 1
    for table in tables:
        pd.testing.assert_frame_equal(table.frame, tables[0].frame)


def test_the_hash_depends_on_used_names_and_values_only(write: Write) -> None:
    reference = read(write(GOOD), targets=["price"], ignore=["old"]).sha256
    assert read(write(GOOD.replace("True", "False")), targets=["price"], ignore=["old"]).sha256 == reference
    zero = [read(write(f"x,y\n{sign}0.0,1\n1,2\n"), targets=["y"]).sha256 for sign in ("", "-")]
    assert zero[0] == zero[1]
    assert read(write(GOOD.replace("red", "rot")), targets=["price"], ignore=["old"]).sha256 != reference
    assert read(write(GOOD.replace("4.1", "4.2")), targets=["price"], ignore=["old"]).sha256 != reference
    assert read(write(GOOD.replace("size", "Size")), targets=["price"], ignore=["old"]).sha256 != reference


def test_numbers_are_read_to_the_last_bit(write: Write) -> None:
    values = np.random.default_rng(0).normal(size=500) * 10.0 ** np.random.default_rng(1).integers(-300, 300, 500)
    table = read(write("x,y\n" + "".join(f"1,{value!r}\n" for value in values.tolist())), targets=["y"])
    assert np.array_equal(table.frame["y"], values)


def test_one_column_is_not_split_at_anything(write: Write) -> None:
    for content in ("time\n12:30\n13:45\n", 'note\n"a, b"\nc\n', "x, in m\n1.5\n2.5\n"):
        assert read_frame(write(content)).shape == (2, 1)


def test_separator_within_quotes_and_decimal_commas(write: Write) -> None:
    assert list(read_frame(write('a;b\n"x, y";1,5\n"z, w";2,5\n')).columns) == ["a", "b"]
    with refused("Target 'b' has text", "'1,5' in row 2", "decimal points instead of decimal commas"):
        read(write("a;b\n1;1,5\n2;2,5\n"), targets=["b"])


def test_positions_are_those_of_the_file(write: Write) -> None:
    with refused("Target 'b' has 1 empty", "row 3"):
        read(write("a,b\n1,2\n\n3,4\n"), targets=["b"])
    assert len(read_frame(write("a,b\n1,2\n3,4\n\n,\n"))) == 2


def test_groups_stay_inputs_unless_ignored(write: Write) -> None:
    source = write("g,x,y\n1,5,1\n1,6,2\n2,7,3\n")
    assert read(source, targets=["y"], groups=["g"]).columns.inputs == ("g", "x")
    only = read(source, targets=["y"], groups=["g"], ignore=["g"])
    assert only.columns.inputs == ("x",)
    assert only.frame["g"].tolist() == ["1", "1", "2"]


def test_numeric_categories_and_explicit_inputs(write: Write) -> None:
    source = write("z,a,k,y\n1,5,1,1\n1,6,2,2\n2,7,3,3\n")
    columns = read(source, targets=["y"], inputs=["k", "z"], categories=["k"]).columns
    assert (columns.inputs, columns.categories) == (("z", "k"), ("k",))


def test_categories_are_the_same_text_however_they_were_read() -> None:
    assert {text(each) for each in (1, 1.0, "1", "1.0", " 1 ", np.float32(1), np.int64(1))} == {"1"}
    assert {text(each) for each in (0.1, "0.1", np.float32(0.1))} == {"0.1"}
    assert {text(each) for each in (True, "true", "TRUE", np.True_)} == {"True"}
    assert [text(each) for each in ("01", "+1", "1e5", "1.", "-0")] == ["01", "+1", "1e5", "1.", "0"]  # codes are texts
    assert {text(each) for each in (None, float("nan"), pd.NA, pd.NaT, "", " ")} == {""}


def test_a_few_odd_words_beside_few_numbers_are_categories(write: Write) -> None:
    source = write("rooms,y\n1,1\n2,2\n3+,3\n")
    assert read(source, targets=["y"]).columns.categories == ("rooms",)
    rows = "".join(f"{number},{number}\n" for number in range(30))
    with refused("Input 'x' has some text among its numbers", "'\\?' in row 32", "categories"):
        read(write(f"x,y\n{rows}?,3\n"), targets=["y"])


def test_built_in_sets() -> None:
    table = read("builtin:linnerud", targets=["Weight", "Waist"], ignore=["Pulse"])
    assert table.frame.shape == (20, 5)
    with refused("no file diabetes", "builtin:diabetes"):
        read("diabetes", targets=["target"])
    with refused("no built-in data set 'boston'", "diabetes"):
        read("builtin:boston", targets=["target"])


def test_a_built_in_set_that_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn import datasets

    def fail(**_: Any) -> None:
        raise URLError("no route")

    monkeypatch.setattr(datasets, "fetch_california_housing", fail)
    with refused("cannot be fetched", "network", "no route"):
        read("builtin:california_housing", targets=["MedHouseVal"])


@pytest.mark.parametrize(
    ("content", "asked", "fragments"),
    [
        ("a,b\n1,2\n2,3\n", {"targets": ["c"]}, ["no column 'c'", "'a', 'b'"]),
        ("Price,b\n1,2\n2,3\n", {"targets": ["price"]}, ["no column 'price'", "did you mean 'Price'"]),
        ("a,a,b\n1,2,3\n", {"targets": ["b"]}, ["more than one column named 'a'"]),
        ("a,b\n", {"targets": ["b"]}, ["no rows"]),
        ("", {"targets": ["b"]}, ["empty"]),
        ("\n\n", {"targets": ["b"]}, ["empty"]),
        ("1,2\n3,4\n", {"targets": ["b"]}, ["no header"]),
        ("a,b\n1,2,3\n4,5,6\n", {"targets": ["b"]}, ["more cells than the header", "row 2"]),
        ("a,b\n1,2\n4,5\n" * 150 + "1,2,3\n", {"targets": ["b"]}, ["cannot be read"]),
        (",a,b\n0,1,2\n1,3,4\n", {"targets": ["b"]}, ["Column 1 has no name", "ignore"]),
        (
            '"x, m";y\n1;2\n2;3\n',
            {"targets": ["x", "m"]},
            ["no column 'x'", "a comma separates", r'target = \["x, m"\]'],
        ),
        ('"x,  m";y\n1;2\n2;3\n', {"targets": ["y", "x", "m"]}, ["no column 'x'", r'target = \["x,  m"\]']),
        ('"x, m";z;y\n1;2;3\n2;3;4\n', {"targets": ["y"], "ignore": ["x", "m"]}, [r'ignore = \["x, m"\]']),
        (
            '"x, m";y\n1;2\n2;3\n',
            {"targets": ["x m"]},
            ["did you mean 'x, m'", "settings file takes names with commas"],
        ),
        ("a,b\n1,2\n2,x\n", {"targets": ["b"]}, ["Target 'b' has text", "'x' in row 3"]),
        ("a,b\n1,2\n2,2\n", {"targets": ["b"]}, ["constant", "2 in every row"]),
        ("a,b\n1,inf\n2,2\n", {"targets": ["b"]}, ["Target 'b' has an infinite", "row 2"]),
        ("a,b\n1,1\n-inf,2\n", {"targets": ["b"]}, ["Input 'a' has an infinite", "row 3"]),
        ("a,b\n1,\n2,2\n", {"targets": ["b"]}, ["1 empty cell", "row 2", "remove"]),
        ("a,b\n1,2\n2,3\n", {"targets": []}, ["No target"]),
        ("a,b\n1,2\n2,3\n", {"targets": ["b"], "ignore": ["b"]}, ["'b' is named as target and as ignored"]),
        ("a,b\n1,2\n2,3\n", {"targets": ["b"], "inputs": ["b"]}, ["target and as input"]),
        ("a,b\n1,2\n2,3\n", {"targets": ["b"], "weight": "b"}, ["target and as weight"]),
        ("a,b\n1,2\n2,3\n", {"targets": ["b"], "ignore": ["a"]}, ["No input is left"]),
        ("a,b\n1,2\n2,3\n", {"targets": ["b"], "categories": ["b"]}, ["it is not an input"]),
        ("a,e,b\n1,,2\n2,,3\n", {"targets": ["b"]}, ["Input 'e' is empty", "ignore"]),
        ("a,b\n2024-01-01,2\n2024-02-01,3\n", {"targets": ["b"]}, ["Input 'a' holds dates", "ignore"]),
        ("a,b,w\n1,2,1\n2,3,-1\n", {"targets": ["b"], "weight": "w"}, ["negative in row 3"]),
        ("a,b,w\n1,2,0\n2,3,0\n", {"targets": ["b"], "weight": "w"}, ["0 in every row"]),
        ("a,b,w\n1,2,1e308\n2,3,1e308\n", {"targets": ["b"], "weight": "w"}, ["Weight 'w' is too large", "finite sum"]),
        ("a,b,w\n1,2,\n2,3,1\n", {"targets": ["b"], "weight": "w"}, ["Weight 'w' has 1 empty"]),
        ("a,b,g\n1,2,\n2,3,1\n", {"targets": ["b"], "groups": ["g"]}, ["Group 'g' has 1 empty"]),
        (
            "a,b\n" + "".join(f"name {number},{number}\n" for number in range(201)),
            {"targets": ["b"]},
            ["Category 'a' has 201 distinct", "ignore"],
        ),
    ],
)
def test_bad_tables_are_refused_in_clear_words(
    write: Write, content: str, asked: dict[str, Any], fragments: list[str]
) -> None:
    with refused(*fragments):
        read(write(content), **asked)


def test_a_column_that_is_called_like_a_nameless_one_is_an_input(write: Write) -> None:
    assert read(write("Unnamed: depth,b\n1,2\n2,3\n"), targets=["b"]).columns.inputs == ("Unnamed: depth",)


def test_bad_files_are_refused_in_clear_words(write: Write, tmp_path: Path) -> None:
    for name, content, fragment in (
        ("x.xlsx", b"not a zip", "cannot be read"),
        ("x.parquet", b"PAR1 nonsense", "cannot be read"),
        ("x.csv", b"PK\x03\x04\0\0", "is not a text file"),
        ("x.xls", b"\xd0\xcf", "save it as .xlsx"),
        ("x.json", b"{}", "unknown format"),
    ):
        with refused(fragment):
            read(write(content, name), targets=["y"])
    with refused("is a folder"):
        read(str(tmp_path), targets=["y"])
    with refused("There is no file"):
        read(str(tmp_path / "none.csv"), targets=["y"])


def test_dates_from_excel_are_dates(tmp_path: Path) -> None:
    frame = pd.DataFrame({"day": pd.to_datetime(["2024-01-01", "2024-01-02"]), "y": [1.0, 2.0]})
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    with refused("Input 'day' holds dates"):
        read(str(tmp_path / "t.xlsx"), targets=["y"])
    with refused("Target 'day' holds dates"):
        read(str(tmp_path / "t.xlsx"), targets=["day"])


@pytest.mark.skipif(not DATA.exists(), reason="the sets of ../shared/data are not there")
def test_real_tables() -> None:
    shoppers = read(str(DATA / "online_shoppers.csv"), targets=["PageValues"])
    assert shoppers.frame.shape == (12330, 18)
    assert shoppers.columns.categories == ("Month", "VisitorType")
    customers = read(str(DATA / "customer_segmentation.csv"), targets=["Age"], ignore=["ID"])
    assert len(customers.columns.categories) == 7
    with refused("Target 'Work_Experience' has 829 empty", "row 3"):
        read(str(DATA / "customer_segmentation.csv"), targets=["Work_Experience"])


@pytest.mark.parametrize(
    ("content", "labels", "why"),
    [
        ("x,y\n1,low\n2,high\n3,low\n", {"low", "high"}, "texts are classes"),
        ("x,y\n1,True\n2,False\n3,True\n", {"True", "False"}, "true and false are classes"),
        ("x,y\n1,TRUE\n2,FALSE\n3,TRUE\n", {"True", "False"}, "true and false are classes"),
    ],
)
def test_texts_and_truth_values_are_classes(write: Write, content: str, labels: set[str], why: str) -> None:
    table = read(write(content), targets=["y"])
    assert (table.task, table.why, set(table.frame["y"])) == ("classification", why, labels)


def test_numbers_are_classes_only_where_that_is_asked_for(write: Write) -> None:
    source = write("x,y\n1,10\n2,2.0\n3,10\n")
    numbers = read(source, targets=["y"])
    assert (numbers.task, numbers.frame["y"].tolist()) == ("regression", [10.0, 2.0, 10.0])
    asked = read(source, targets=["y"], task="classification")
    assert (asked.task, asked.why, asked.frame["y"].tolist()) == ("classification", "", ["10", "2", "10"])
    assert asked.sha256 != numbers.sha256
    truth = read(write("x,y\n1,True\n2,False\n"), targets=["y"], task="regression")
    assert (truth.task, truth.frame["y"].tolist()) == ("regression", [1.0, 0.0])


def test_a_text_among_numbers_is_a_mistake_and_no_class(write: Write) -> None:
    with refused("Target 'y' has text", "'n/a!' in row 3", "--task classification"):
        read(write("x,y\n1,2.5\n2,n/a!\n3,4\n"), targets=["y"])
    table = read(write("x,y\n1,2\n2,two\n3,2\n"), targets=["y"], task="classification")
    assert table.frame["y"].tolist() == ["2", "two", "2"]


def test_classes_that_cannot_be_told_are_refused(write: Write) -> None:
    with refused("'y', 'z' cannot be classified together"):
        read(write("x,y,z\n1,a,2\n2,b,3\n3,a,4\n"), targets=["y", "z"])
    with refused("Target 'y' has 1 empty", "row 3"):
        read(write("x,y\n1,a\n2,\n3,b\n"), targets=["y"])
    with refused("Target 'y' has 1 distinct"):
        read(write("x,y\n1,a\n2,a\n"), targets=["y"])
    with refused("Target 'y' has 250 distinct", "merge rare classes"):
        read(write("x,y\n" + "".join(f"1,name{number}\n" for number in range(250))), targets=["y"])
    days = write("x,y\n1,2024-01-01\n2,2024-01-02\n")
    with refused("Target 'y' holds dates", "--task classification"):
        read(days, targets=["y"])
    assert read(days, targets=["y"], task="classification").frame["y"].tolist() == ["2024-01-01", "2024-01-02"]


@pytest.mark.parametrize("cell", [[1, 2], [], {"a": 1}, b"x"])
def test_a_cell_that_holds_several_things_is_refused_by_its_column(tmp_path: Path, cell: object) -> None:
    frame = pd.DataFrame({"a": pd.Series([cell] * 20, dtype=object), "y": range(20)})
    frame.to_parquet(tmp_path / "t.parquet")
    for target in ("y", "a"):
        with refused("'a' holds neither numbers nor text"):
            read(str(tmp_path / "t.parquet"), targets=[target])
