"""Rows that somebody typed: imported, refused by name, or left as they are and named; nothing is lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pipeline import models
from pipeline.errors import UserError
from pipeline.ranking.order import by_mean
from pipeline.ranking.summaries import summarise, summarise_imported
from pipeline.tasks import load
from pipeline.trial import Configuration
from pipeline.workbook.book import View, unknown, write
from pipeline.workbook.import_rows import listed
from tests.workbook.test_book import cells, column, configuration, edited, known, trained, typed, view

EPOCHS = 200
VALUES = {"hidden layers": 1, "neurons": "[9]", "activation": "relu", "learning_rate": 0.01, "batch_size": 32}
RESULT = {**VALUES, "dropout": 0.0, "MAE mean": 0.3, "repeats": 2}
POSSIBLE = partial(models.impossible, "mlp")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A workbook of six configurations that were trained here."""
    found = tmp_path / "ledger.xlsx"
    write(found, view())
    return found


def read(path: Path, shown: View | None = None) -> Any:
    return unknown(path, known(shown or view()), EPOCHS, possible=POSSIBLE)


WRONG: Mapping[str, tuple[dict[str, object], str]] = {
    "score below 0": ({"MAE mean": -5}, "its score is -5, and no score is below 0"),
    "score with a comma": ({"MAE mean": "0,30"}, "the text '0,30'"),
    "score in words": ({"MAE mean": "see below"}, "the text 'see below'"),
    "score below those of its trainings": ({"MAE min": 0.4, "MAE max": 0.5}, "0.3, beside 0.4 to 0.5"),
    "score above those of its trainings": ({"MAE max": 0.2}, "0.3, beside - to 0.2"),
    "score as a date": ({"MAE mean": dt.date(2024, 3, 30)}, "2024-03-30 00:00:00, a date or a time"),
    "score as a truth value": ({"MAE mean": True}, "True"),
    "score that is infinite": ({"MAE mean": "1e999"}, "the text '1e999'"),
    "deviation below 0": ({"MAE std": -0.1}, "its standard deviation is -0.1"),
    "deviation as a text": ({"MAE std": "0,1"}, "MAE std in row"),
    "no whole repeats": ({"repeats": 2.5}, "repeats in row"),
    "no repeats at all": ({"repeats": 0}, "not a whole number from 1 on"),
    "epochs as a text": ({"epochs limit": "all"}, "epochs limit in row"),
    "failures below 0": ({"failures": -1}, "not a whole number from 0 on"),
    "neurons as a date": ({"neurons": dt.date(2024, 9, 12)}, "2024-09-12 00:00:00, a date or a time"),
    "neurons that are not whole": ({"neurons": "[9.5]"}, r"the text '\[9.5\]'"),
    "neurons below 1": ({"neurons": "[9, -3]", "hidden layers": None}, r"units cannot be \(9, -3\)"),
    "neurons of other layers": ({"hidden layers": 3}, "3 hidden layers, and neurons of 1"),
    "a rate with a comma": ({"learning_rate": "0,01"}, "learning_rate in row"),
    "a number for a word": ({"activation": 3}, "activation in row"),
    "a word that is none": ({"activation": "rellu"}, "activation cannot be 'rellu'"),
    "a hyperparameter without a value": ({"dropout": None}, "no value for dropout"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_result_that_is_wrong_is_refused_by_its_row(path: Path, what: str) -> None:
    changes, reason = WRONG[what]
    row = typed(path, RESULT | changes)
    before = path.read_bytes()
    with pytest.raises(UserError, match=f"row {row}") as error:
        read(path)
    with pytest.raises(UserError, match=reason):
        read(path)
    assert "remark" in str(error.value)
    assert path.read_bytes() == before


def test_all_wrong_rows_are_named_at_once(path: Path) -> None:
    rows = [typed(path, RESULT | changes) for changes, _ in WRONG.values()]
    typed(path, RESULT)
    with pytest.raises(UserError) as error:
        read(path)
    assert f"The rows {rows[0]} to {rows[-1]} of {path} are wrong" in str(error.value)
    assert all(f"row {row}: " in str(error.value) for row in rows)


def test_the_column_of_the_score_is_called_as_the_sheet_calls_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.xlsx"
    write(path, replace(view(), task=load("classification")))
    changes = {"log loss mean" if name == "MAE mean" else name: value for name, value in RESULT.items()}
    typed(path, changes | {"log loss std": "x"})
    with pytest.raises(UserError, match="log loss std in row") as error:
        unknown(path, known(view()), EPOCHS, task=load("classification"))
    assert "MAE" not in str(error.value)


LEFT: Mapping[str, tuple[dict[str, object], str]] = {
    "no score": ({**RESULT, "MAE mean": None}, "its MAE mean is empty"),
    "no hyperparameter": ({"MAE mean": 0.25, "notes": "mean of all"}, "it has a MAE mean, and no hyperparameter"),
    "a failed training": ({**RESULT, "failures": 1}, "some of its trainings failed"),
    "other epochs": ({**RESULT, "epochs limit": 50}, "it had up to 50 epochs, and the study's results have 200"),
}


@pytest.mark.parametrize("what", LEFT)
def test_a_row_that_is_not_taken_is_named_with_its_reason_and_stays(path: Path, what: str) -> None:
    changes, reason = LEFT[what]
    row = typed(path, {**changes, "notes": "mine"})
    found = read(path)
    assert (found.results, found.skipped) == ((), 1)
    (remark,) = found.remarks
    assert remark.startswith(f"Row {row} of {path} was not imported: {reason}")
    write(path, view(range(9)))
    assert [each["MAE mean"] for each in cells(path) if each["notes"] == "mine"] == [changes["MAE mean"]]


def test_what_is_known_or_stands_twice_is_named(path: Path) -> None:
    shown = view()
    values = configuration(0).as_dict()
    own = {"hidden layers": values["hidden_layers"], "neurons": str([*values["units"]]), "MAE mean": 0.001}  # type: ignore[misc]
    rest = {name: value for name, value in values.items() if name not in ("hidden_layers", "units")}
    again = typed(path, {**rest, **own})
    first, second, third = (typed(path, RESULT | {"MAE mean": score}) for score in (0.3, 0.4, 0.5))
    copied = typed(path, {**RESULT, "neurons": "[11]", "key": shown.ranking[0].key})
    found = read(path)
    assert [each.mean for each in found.results] == [0.3]
    assert found.skipped == 4
    assert [remark.partition(" of ")[0] for remark in found.remarks] == [
        f"Row {again}", f"Rows {second}, {third}", f"Row {copied}",
    ]  # fmt: skip
    assert "results of its configuration already" in found.remarks[0]
    assert f"the configuration of row {first}" in found.remarks[1]
    assert "its key is that of row" in found.remarks[2]


def test_a_copied_row_without_its_key_is_told_what_counts(path: Path) -> None:
    exact = cells(path)[0]["configuration"]
    typed(path, {**RESULT, "learning_rate": 0.02, "configuration": exact})
    (remark,) = read(path).remarks
    assert "results of its configuration already, which count; with the cell configuration empty" in remark


def test_rows_without_anything_of_ours_are_remarks_without_a_word(path: Path) -> None:
    typed(path, {"notes": "a remark"})
    typed(path, {"stage": "see the minutes"})
    assert read(path) == type(read(path))()


def test_numbers_may_be_texts_with_a_point_and_scores_are_from_0_on(path: Path) -> None:
    typed(path, RESULT | {"MAE mean": "0.30", "MAE std": " 1e-2 ", "repeats": "3", "learning_rate": "0.01"})
    typed(path, RESULT | {"MAE mean": 0, "neurons": 12})
    one, other = read(path).results
    assert (one.mean, one.std, one.repeats, one.configuration["learning_rate"]) == (0.3, 0.01, 3, 0.01)
    assert (other.mean, other.configuration["units"]) == (0.0, (12,))


def test_a_sheet_without_the_column_of_the_score_is_named(path: Path) -> None:
    typed(path, RESULT)
    book = edited(path)
    sheet = book["Configurations"]
    sheet.cell(1, column(sheet, "MAE mean"), "score")
    book.save(path)
    found = read(path)
    assert found.results == ()
    assert "has no column MAE mean" in found.remarks[0]


def test_a_typed_score_of_what_was_trained_meanwhile_is_not_written_over(path: Path) -> None:
    typed(path, RESULT | {"notes": "mine"})
    typed(path, RESULT | {"neurons": "[12]", "MAE mean": None, "notes": "filled in"})
    each = [Configuration.of({"hidden_layers": 1, "units": units, "activation": "relu", "learning_rate": 0.01,
            "batch_size": 32, "dropout": 0.0}) for units in ((9,), (12,))]  # fmt: skip
    shown = view()
    summaries = [summarise(one, EPOCHS, trained(one)) for one in each]
    write(path, replace(shown, ranking=by_mean([*shown.ranking, *summaries])))
    rows = cells(path)
    (mine,) = [row for row in rows if row["notes"] == "mine"]
    assert (mine["MAE mean"], mine["key"]) == (0.3, None)
    (filled,) = [row for row in rows if row["notes"] == "filled in"]
    assert (filled["key"], filled["MAE mean"]) == (each[1].key, pytest.approx(summaries[1].mean))
    assert sum(row["key"] == each[0].key for row in rows) == 1


def test_marks_that_a_result_without_models_had_are_taken_away(path: Path) -> None:
    """A journal that was lost: its rows are imported, and none of them is the best any more."""
    shown = view()
    marked = replace(shown, group={shown.ranking[0].key: "best"}, front={shown.ranking[0].key: "weights"})
    write(path, marked)
    edited(path).save(path)
    lost = unknown(path, (), EPOCHS, possible=POSSIBLE).results
    fresh = view(range(10, 14))
    write(path, replace(fresh, ranking=by_mean([*fresh.ranking, *map(summarise_imported, lost)])))
    rows = {row["key"]: row for row in cells(path)}
    for each in lost:
        row = rows[each.configuration.key]
        assert (row["stage"], row["MAE mean"]) == ("imported", pytest.approx(each.mean))
        assert (row["rank"], row["elite"], row["group"], row["front"]) == (None, None, None, None)
    assert sorted(row["rank"] for row in rows.values() if row["rank"]) == [1, 2, 3, 4]


def test_a_workbook_of_numbers_in_texts_alone_names_what_it_cannot_be(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = "Configurations"
    sheet.append(["neurons", "learning_rate", "MAE mean"])
    sheet.append(["[8]", dt.date(2024, 1, 2), 0.3])
    book.save(tmp_path / "ledger.xlsx")
    with pytest.raises(UserError, match="learning_rate in row 2"):
        unknown(tmp_path / "ledger.xlsx", (), EPOCHS)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([3], "3"), ([3, 4], "3, 4"), ([3, 4, 5], "3 to 5"), ([3, 5, 6, 7, 12], "3, 5 to 7 and 12"), ([1, 9], "1 and 9")],
)
def test_rows_are_listed_in_few_words(numbers: list[int], text: str) -> None:
    assert listed(numbers) == text
