"""The workbook: a view that is pleasant to read, keeps what people made in it, and is never in the way."""

import json
import os
import random
import shutil
import subprocess
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill
from openpyxl.worksheet import _writer
from openpyxl.worksheet.table import Table as ExcelTable
from openpyxl.writer.excel import ExcelWriter

from pipeline import tasks
from pipeline.errors import UserError
from pipeline.ranking.order import by_mean
from pipeline.ranking.summaries import summarise, summarise_imported
from pipeline.trial import Configuration, Imported, Repeat, Stage, Training
from pipeline.workbook import ooxml
from pipeline.workbook.book import View, refused, unknown, write

OFFICE = shutil.which("soffice") or ""


def configuration(number: int, **more: Any) -> Configuration:
    rng = random.Random(number)
    depth = rng.randint(1, 4)
    return Configuration.of(
        {
            "hidden_layers": depth,
            "units": [2 * rng.randint(4, 60) for _ in range(depth)],
            "activation": rng.choice(["relu", "tanh"]),
            "learning_rate": 10 ** rng.uniform(-4, -1),
            "batch_size": rng.choice([16, 32]),
            "dropout": 0.0,
            **more,
        }
    )


def trained(each: Configuration, count: int = 3, stage: Stage = "explore", error: str = "") -> list[Repeat]:
    rng = random.Random(each.key)
    centre = rng.uniform(0.1, 0.5)
    repeats = []
    for index in range(count):
        objective = centre + rng.gauss(0, 0.005)
        scores = {"Y": dict.fromkeys(("mae", "rmse", "r2", "percent", "largest"), objective)}
        good: dict[str, Any] = {
            "objective": objective,
            "scores": scores,
            "epochs_run": 90,
            "best_epoch": 60,
            "weights": 500,
        }
        bad: dict[str, Any] = {"objective": None, "error": error}
        repeats.append(
            Repeat(Training(each, 200, index), stage, 7 + index, seconds=2.5, slot="cpu:0", **(bad if error else good))
        )
    return repeats


def view(
    numbers: Iterable[int] = range(6), *, failed: Iterable[int] = (), taken: Iterable[Imported] = (), count: int = 3
) -> View:
    configurations = [configuration(number) for number in numbers]
    repeats = [trained(each, count) for each in configurations]
    repeats += [trained(configuration(number), count, error="=1+1 failed") for number in failed]
    summaries = [summarise(each[0].training.configuration, 200, each) for each in repeats]
    base = trained(
        Configuration.of({**configuration(1).as_dict(), "hidden_layers": 2, "units": (64, 64)}), count, "baseline"
    )
    everything = by_mean([*summaries, *(summarise_imported(row) for row in taken)])
    return View(
        ranking=everything,
        baseline=summarise(base[0].training.configuration, 200, base),
        repeats=tuple(each for group in (base, *repeats) for each in group),
        elite=frozenset(each.key for each in everything[:2]),
        outputs=("Y",),
        study=(("data", "concrete.csv"), ("seed", "1")),
        test={everything[0].key: 0.123},
    )


def known(shown: View) -> set[str]:
    base = {shown.baseline.key} if shown.baseline else set()
    return {each.key for each in shown.ranking} | base


def cells(path: Path, sheet: str = "Configurations") -> list[dict[str, Any]]:
    """Rows as dictionaries, in the order of the sheet."""
    values: list[Any] = list(edited(path)[sheet].values)
    return [dict(zip(values[0], row, strict=True)) for row in values[1:]]


def column(sheet: Any, header: str) -> int:
    return next(int(cell.column) for cell in sheet[1] if cell.value == header)


def edited(path: Path) -> Any:
    """The workbook as a person opens it; `save` is up to the test."""
    return openpyxl.load_workbook(path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.xlsx"


def names(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir())


def test_it_says_what_the_summaries_say(path):
    shown = view(failed=(50,), taken=[Imported(configuration(60), 100, 4, 0.2, 0.01, "x")])
    assert write(path, shown) == path
    rows = cells(path)
    by_key = {row["key"]: row for row in rows}
    assert len(by_key) == len(rows) == 9
    ranks = {each.key: rank for rank, each in enumerate((e for e in shown.ranking if e.stage != "imported"), 1)}
    for each in shown.ranking:
        row = by_key[each.key]
        assert row["neurons"] == str(json.loads(each.configuration.json)["units"])
        assert row["hidden layers"] == each.configuration["hidden_layers"]
        assert Configuration.from_json(row["configuration"]) == each.configuration
        assert row["elite"] == ("★" if each.key in shown.elite else None)
        assert row["epochs limit"] == each.epochs
        if each.stage == "explore" and each.repeats:
            assert (row["rank"], row["repeats"], row["failures"], row["weights"]) == (ranks[each.key], 3, 0, 500)
            assert row["MAE mean"] == pytest.approx(each.mean, rel=1e-14)
            assert row["95 % high"] == pytest.approx(each.high, rel=1e-14)
            assert row["Y percent error"] == pytest.approx(each.mean, rel=1e-14)
    assert [row["rank"] for row in rows if row["rank"]] == list(range(1, 7))
    assert shown.baseline is not None
    base = by_key[shown.baseline.key]
    assert (base["stage"], base["rank"]) == ("baseline", None)
    assert by_key[shown.ranking[0].key]["test MAE"] == 0.123
    failed = by_key[configuration(50).key]
    assert (failed["MAE mean"], failed["rank"], failed["failures"], failed["repeats"]) == (None, None, 3, 0)
    taken = by_key[configuration(60).key]
    assert (taken["stage"], taken["rank"], taken["MAE std"]) == ("imported", None, 0.01)  # no models, so no rank
    trainings = cells(path, "Repeats")
    assert len(trainings) == len(shown.repeats) == 24
    assert trainings[0]["seed"] == 7
    assert trainings[-1]["error"] == "=1+1 failed"
    assert cells(path, "Study") == [{"name": "data", "value": "concrete.csv"}, {"name": "seed", "value": "1"}]


def test_no_interval_reaches_below_what_a_score_can_be(path):
    shown = view()
    first = replace(shown.ranking[0], low=-0.3, high=0.9)
    write(path, replace(shown, ranking=(first, *shown.ranking[1:])))
    (row,) = [each for each in cells(path) if each["key"] == first.key]
    assert (row["95 % low"], row["95 % high"]) == (0, 0.9)


def test_it_is_pleasant_to_open(path):
    write(path, view())
    sheet = edited(path)["Configurations"]
    assert sheet.freeze_panes == "F2"
    assert sheet.auto_filter.ref == f"A1:{sheet.cell(1, sheet.max_column).column_letter}8"
    assert sheet.cell(2, column(sheet, "learning_rate")).number_format == "0.00E+00"
    assert sheet.cell(2, column(sheet, "MAE mean")).number_format == "0.0000"
    assert sheet.cell(2, column(sheet, "batch_size")).number_format == "0"
    rules = [rule.type for area in sheet.conditional_formatting for rule in area.rules]
    assert "colorScale" in rules
    link = sheet.cell(2, column(sheet, "model")).hyperlink
    assert link.target == f"models/{sheet.cell(2, column(sheet, 'key')).value}/"
    assert [cell.value for cell in sheet[1]][-3:] == ["epochs limit", "key", "configuration"]


def test_a_space_without_layers_has_no_such_columns(path):
    each = Configuration.of({"alpha": 0.5, "stage": "x", "values": (1, 2)})
    repeats = trained(each)
    write(path, View((summarise(each, 200, repeats),), None, tuple(repeats), outputs=("test", "Y")))
    (row,) = cells(path)
    assert not {"hidden layers", "neurons"} & row.keys()
    assert row["stage (hyperparameter)"] == "x"
    assert row["values"] == "[1, 2]"
    assert unknown(path, (), 200).results[0].configuration == each


@pytest.mark.parametrize("task", tasks.TASKS.values(), ids=list(tasks.TASKS))
def test_hyperparameters_may_be_called_like_any_column(path, task):
    called = ["log loss mean", "MAE mean", "test log loss", "rank", "rank (hyperparameter)", "key", "epochs", "alpha"]
    each = Configuration.of({name: place + 0.5 for place, name in enumerate(called)})
    repeats = trained(each)
    metrics = {"mean": 0.1, "MAE": 0.2, "own": 0.3}
    summary = replace(
        summarise(each, 200, repeats), scores={task.objective: metrics, f"{task.objective} mean": metrics}
    )
    shown = View((summary,), None, tuple(repeats), outputs=tuple(summary.scores), task=task)
    write(path, shown)
    headers = next(edited(path)["Configurations"].values)
    assert len(set(headers)) == len(headers)
    assert {"alpha", f"{task.objective} mean", "rank", "rank (hyperparameter)"} <= set(headers)
    (row,) = cells(path)
    assert row[f"{task.objective} mean"] == pytest.approx(summary.mean)
    (found,) = unknown(path, (), 200, task=task).results
    assert found.configuration == each
    assert found.mean == pytest.approx(summary.mean)
    write(path, shown)  # found again by their headers, and not doubled
    assert list(next(edited(path)["Configurations"].values)) == list(headers)
    assert names(path) == ["ledger.xlsx"]


def test_hyperparameters_of_typed_rows_are_found_by_their_headers(path):
    each = [
        Configuration.of({"rank": n + 0.5, "rank (hyperparameter)": n + 0.25, "log loss mean": 3.5}) for n in range(2)
    ]
    task, repeats = tasks.TASKS["classification"], trained(each[0])
    write(path, View((summarise(each[0], 200, repeats),), None, tuple(repeats), task=task))
    book = edited(path)
    sheet = book["Configurations"]
    for header, value in {
        "rank (hyperparameter)": 1.5, "rank (hyperparameter) (hyperparameter)": 1.25,
        "log loss mean (hyperparameter)": 3.5, "log loss mean": 0.25,
    }.items():  # fmt: skip
        sheet.cell(3, column(sheet, header)).value = value
    book.save(path)
    (found,) = unknown(path, {each[0].key}, 200, task=task).results
    assert (found.configuration, found.mean) == (each[1], 0.25)


def test_an_output_called_like_a_column_does_not_hide_it(path):
    shown = view()
    rename = [replace(each, scores={"test": each.scores["Y"]}) if each.scores else each for each in shown.ranking]
    write(path, replace(shown, ranking=tuple(rename), outputs=("test",)))
    headers = list(cells(path)[0])
    assert len(headers) == len(set(headers))
    assert {"test MAE", "test MAE (output)"} <= set(headers)


NASTY = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")', "a\x00\x0bb\ud800", "_x0041_", "x" * 40_000]


@pytest.mark.parametrize("text", NASTY)
def test_text_is_text(path, text):
    repeats = trained(configuration(1, activation="=2+3"), error=text)
    shown = View((summarise(repeats[0].training.configuration, 200, repeats),), None, tuple(repeats))
    for _ in range(2):  # drawn, then merged
        write(path, shown)
        book = edited(path)
        for sheet in book:
            assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
        sheet = book["Repeats"]
        cell = sheet.cell(2, column(sheet, "error"))
        assert cell.data_type == "s"
        assert len(cell.value) <= 32_767
        assert cell.quotePrefix == text.startswith(("=", "+", "-", "@", "\t"))
        assert cell.value.startswith(text[:1] if text[0] != "_" else "_")
        sheet.cell(1, 40, "mine")
        book.save(path)


def test_nothing_infinite_is_written(path):
    repeats = trained(configuration(1))
    wild = [replace(each, scores={"Y": {"mae": float("inf"), "r2": float("nan")}}) for each in repeats]
    write(path, View((summarise(configuration(1), 200, wild),), None, tuple(wild), outputs=("Y",)))
    content = b"".join(zipfile.ZipFile(path).read(f"xl/worksheets/sheet{number}.xml") for number in (1, 2, 3))
    assert b">inf<" not in content.lower()
    assert b">nan<" not in content.lower()


def test_what_the_user_made_survives_a_refresh(path):
    write(path, view(range(5)))
    book = edited(path)
    sheet = book["Configurations"]
    key = column(sheet, "key")
    mine = sheet.max_column + 1
    sheet.cell(1, mine, "my verdict").fill = PatternFill("solid", fgColor="FF00FF")
    sheet.cell(1, mine + 1, "twice")
    mean = sheet.cell(1, column(sheet, "MAE mean")).column_letter
    for at in range(2, sheet.max_row + 1):
        sheet.cell(at, mine, "v " + sheet.cell(at, key).value).number_format = "@"
        sheet.cell(at, mine + 1, f"={mean}{at}*2")
        sheet.cell(at, column(sheet, "notes"), "n " + sheet.cell(at, key).value)
    marked = sheet.cell(5, key).value
    sheet.cell(5, mine).comment = Comment("look here", "me")
    sheet.cell(5, 1).fill = PatternFill("solid", fgColor="00FFFF")
    sheet.cell(5, mine).hyperlink = "https://example.org/"
    sheet.row_dimensions[5].height = 40
    sheet.row_dimensions[6].hidden = True
    hidden = sheet.cell(6, key).value
    sheet.column_dimensions["B"].width = 33
    sheet.column_dimensions["C"].hidden = True
    sheet.auto_filter.add_filter_column(1, ["explore"])
    book.create_sheet("Mine")["A1"] = "=1+2"
    book.move_sheet("Mine", -3)
    book.save(path)

    more = view(range(12))
    assert write(path, more) == path
    book = edited(path)
    assert book.sheetnames == ["Mine", "Configurations", "Repeats", "Study"]
    assert book["Mine"]["A1"].value == "=1+2"
    sheet = book["Configurations"]
    rows = cells(path)
    assert [row["rank"] for row in rows if row["rank"]] == list(range(1, 13))  # still in the order of ranks
    old = known(view(range(5)))
    for number, row in enumerate(rows, 2):
        if row["key"] in old:
            assert row["my verdict"] == "v " + row["key"]
            assert row["notes"] == "n " + row["key"]
            assert row["twice"] == f"={mean}{number}*2"
        else:
            assert row["my verdict"] is row["notes"] is row["twice"] is None
        assert sheet.row_dimensions[number].hidden == (row["key"] == hidden)
        assert (sheet.row_dimensions[number].height == 40) == (row["key"] == marked)
        assert (sheet.cell(number, mine).comment is not None) == (row["key"] == marked)
        assert sheet.cell(number, mine).hyperlink is None or row["key"] == marked
        assert (sheet.cell(number, 1).fill.fgColor.rgb == "0000FFFF") == (row["key"] == marked)
        link = sheet.cell(number, column(sheet, "model")).hyperlink
        assert (link.ref, link.target) == (
            sheet.cell(number, column(sheet, "model")).coordinate,
            f"models/{row['key']}/",
        )
        assert sheet.cell(number, column(sheet, "learning_rate")).number_format == "0.00E+00"
    assert [cell.value for cell in sheet[1]].count("my verdict") == 1
    link = next(cell.hyperlink for (cell,) in sheet.iter_rows(min_col=mine, max_col=mine) if cell.hyperlink)
    assert sheet[link.ref].value == "v " + marked
    assert link.target == "https://example.org/"
    assert sheet.cell(1, mine).fill.fgColor.rgb == "00FF00FF"
    assert sheet.column_dimensions["B"].width == 33
    assert sheet.column_dimensions["C"].hidden
    assert sheet.auto_filter.ref.endswith("14")
    assert sheet.auto_filter.filterColumn[0].colId == 1
    assert [row["key"] for row in cells(path, "Repeats")] == [each.training.configuration.key for each in more.repeats]


def test_the_order_that_the_user_sorted_stays_and_new_rows_follow(path):
    first = view(range(8))
    write(path, first)
    book = edited(path)
    sheet = book["Configurations"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    rows.sort(key=lambda row: row[column(sheet, "key") - 1])
    for number, row in enumerate(rows, 2):
        for at, value in enumerate(row, 1):
            sheet.cell(number, at).value = value
    book.save(path)
    order = sorted(known(first))
    for count in (10, 12):
        shown = view(range(count))
        write(path, shown)
        after = [row["key"] for row in cells(path)]
        assert after[: len(order)] == order
        assert set(after) == known(shown)
        ranks = {each.key: rank for rank, each in enumerate(shown.ranking, 1)}
        assert all(row["rank"] == ranks.get(row["key"]) for row in cells(path))
        order = after


def test_columns_are_found_wherever_they_were_moved(path):
    write(path, view())
    book = edited(path)
    sheet = book["Configurations"]
    sheet.insert_cols(1, 2)
    sheet["A1"], sheet["A2"] = "mine", "yes"
    sheet.insert_rows(1, 2)
    sheet["A1"] = "Our best networks"
    del book["Repeats"]
    book.save(path)
    best = edited(path)["Configurations"]
    row = next(each for each in best.iter_rows(min_row=4, values_only=True) if each[0] == "yes")
    shown = view(range(9))
    assert write(path, shown) == path
    sheet = edited(path)["Configurations"]
    assert sheet["A1"].value == "Our best networks"
    key = next(cell.column for cell in sheet[3] if cell.value == "key")
    found = [each[key - 1] for each in sheet.iter_rows(min_row=4, values_only=True)]
    assert sorted(found) == sorted(known(shown))
    assert [each[0] for each in sheet.iter_rows(min_row=4, values_only=True) if each[key - 1] == row[key - 1]] == [
        "yes"
    ]
    assert len(cells(path, "Repeats")) == len(shown.repeats)


def test_a_column_of_ours_that_was_taken_away_comes_back_behind(path):
    write(path, view())
    book = edited(path)
    sheet = book["Configurations"]
    sheet.delete_cols(column(sheet, "MAE std"))
    book.save(path)
    write(path, view())
    headers = list(cells(path)[0])
    assert headers[-1] == "MAE std"
    assert all(row["MAE std"] for row in cells(path))


def test_rows_of_the_user_stay(path):
    write(path, view())
    book = edited(path)
    sheet = book["Configurations"]
    last = sheet.max_row
    sheet.cell(last + 2, 2, "mean of all")
    sheet.cell(last + 2, column(sheet, "MAE mean"), f"=AVERAGE(M2:M{last})")
    book.save(path)
    assert write(path, view(range(10))) == path
    rows = [row for row in cells(path) if any(value is not None for value in row.values())]
    assert len(rows) == 12
    (own,) = [row for row in rows if row["key"] is None]
    assert own["stage"] == "mean of all"
    assert own["MAE mean"].startswith("=AVERAGE")
    assert unknown(path, known(view(range(10))), 200).results == ()


def test_an_excel_table_and_a_filter_reach_the_new_rows(path):
    write(path, view())
    book = edited(path)
    sheet = book["Configurations"]
    sheet.auto_filter.ref = None
    last = sheet.cell(1, sheet.max_column).column_letter
    sheet.add_table(ExcelTable(displayName="Results", ref=f"A1:{last}{sheet.max_row}"))
    book.save(path)
    write(path, view(range(10)))
    sheet = edited(path)["Configurations"]
    assert sheet.tables["Results"].ref == f"A1:{last}12"
    assert sheet.auto_filter.ref is None


@pytest.mark.parametrize("edit", ["renamed", "deleted", "twice", "alike", "sheet", "merged"])
def test_a_workbook_that_a_refresh_would_break_is_left_alone(path, edit):
    write(path, view())
    book = edited(path)
    sheet = book["Configurations"]
    key = column(sheet, "key")
    if edit == "renamed":
        sheet.cell(1, key).value = "id"
    elif edit == "deleted":
        sheet.delete_cols(key)
    elif edit == "twice":
        sheet.cell(1, 1).value = "key"
    elif edit == "alike":
        sheet.cell(3, key).value = sheet.cell(2, key).value
    elif edit == "sheet":
        sheet.title = "Results"
    else:
        sheet.merge_cells("M2:M3")
    book.save(path)
    content = path.read_bytes()
    shown = view(range(9))
    fresh = path.with_name("ledger.fresh.xlsx")
    for _ in range(2):
        assert write(path, shown) == fresh
    assert path.read_bytes() == content
    assert {row["key"] for row in cells(fresh)} == known(shown)
    assert any(row["name"] == "written beside" and "ledger.xlsx" in row["value"] for row in cells(fresh, "Study"))
    assert names(path) == ["ledger.fresh.xlsx", "ledger.xlsx"]
    path.unlink()
    assert write(path, shown) == path
    assert names(path) == ["ledger.xlsx"]


@pytest.mark.parametrize("lock", ["~$ledger.xlsx", ".~lock.ledger.xlsx#"])
def test_an_open_workbook_is_written_beside_and_merged_later(path, lock):
    write(path, view())
    book = edited(path)
    sheet = book["Configurations"]
    sheet.cell(2, column(sheet, "notes"), "mine")
    book.save(path)
    content = path.read_bytes()
    path.with_name(lock).write_bytes(b"")
    shown = view(range(9))
    pending = path.with_name("ledger.pending.xlsx")
    for _ in range(2):
        assert write(path, shown) == pending
    assert path.read_bytes() == content
    assert len(cells(pending)) == 10
    path.with_name(lock).unlink()
    assert write(path, shown) == path
    assert names(path) == ["ledger.xlsx"]
    assert len(cells(path)) == 10
    assert [row["notes"] for row in cells(path)].count("mine") == 1


def test_what_a_user_wrote_into_the_pending_file_is_not_thrown_away(path):
    write(path, view())
    lock = path.with_name("~$ledger.xlsx")
    lock.write_bytes(b"")
    pending = write(path, view())
    book = edited(pending)
    book["Study"]["D1"] = "mine"
    book.save(pending)
    lock.unlink()
    assert write(path, view()) == path
    assert pending.exists()


def test_a_read_only_workbook_is_respected(path):
    write(path, view())
    path.chmod(0o444)
    assert write(path, view(range(9))).name == "ledger.pending.xlsx"
    path.chmod(0o640)
    assert write(path, view(range(9))) == path
    assert path.stat().st_mode & 0o777 == 0o640
    assert names(path) == ["ledger.xlsx"]


def test_a_refusal_of_the_system_is_worked_around_until_it_ends(path, monkeypatch):
    write(path, view())
    replaced = Path.replace

    def refuse(self, target):
        if target.name == "ledger.xlsx":
            raise PermissionError(13, "in use")
        return replaced(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        assert write(path, view(range(9))).name == "ledger.pending.xlsx"
    assert names(path) == ["ledger.pending.xlsx", "ledger.xlsx"]
    assert write(path, view(range(9))) == path
    assert names(path) == ["ledger.xlsx"]


def test_a_workbook_that_somebody_saves_meanwhile_is_not_written_over(path, monkeypatch):
    write(path, view())
    check = zipfile.ZipFile.testzip

    def interrupted(archive):
        if str(archive.filename).endswith(".ledger.xlsx.tmp"):
            theirs = edited(path)
            theirs["Study"]["D1"] = "theirs"
            theirs.save(path)
        return check(archive)

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "testzip", interrupted)
        assert write(path, view(range(9))).name == "ledger.pending.xlsx"
    assert write(path, view(range(9))) == path
    assert edited(path)["Study"]["D1"].value == "theirs"
    assert names(path) == ["ledger.xlsx"]


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif how == "text":
        path.write_text("my notes")
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "flipped":
        path.write_bytes(content[:3000] + bytes(200) + content[3200:])
    elif how == "other zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("hello.txt", "x")
    else:
        path.unlink()
        path.mkdir()
        (path / "inside").write_text("x")


@pytest.mark.parametrize("how", ["truncated", "text", "empty", "flipped", "other zip", "folder"])
def test_a_file_that_is_no_workbook_is_kept_under_another_name(path, how):
    for number in (1, 2):
        write(path, view())
        damage(path, how)
        content = None if how == "folder" else path.read_bytes()
        assert unknown(path, (), 200).results == ()
        assert write(path, view()) == path
        aside = path.with_name(f"ledger.damaged-{number}.xlsx")
        assert aside.is_dir() if content is None else aside.read_bytes() == content
        assert len(cells(path)) == 7
    assert names(path) == ["ledger.damaged-1.xlsx", "ledger.damaged-2.xlsx", "ledger.xlsx"]


@pytest.mark.parametrize("step", ["write", "fsync", "check", "replace"])
@pytest.mark.parametrize("merged", [False, True])
def test_a_failed_save_leaves_the_old_workbook_and_nothing_else(path, monkeypatch, step, merged):
    write(path, view())
    if merged:
        book = edited(path)
        book["Study"]["D1"] = "mine"
        book.save(path)
    content = path.read_bytes()

    def refuse(*args, **kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        where = {
            "write": (ExcelWriter, "write_data"),
            "fsync": (os, "fsync"),
            "check": (zipfile.ZipFile, "testzip"),
            "replace": (Path, "replace"),
        }
        patch.setattr(*where[step], refuse)
        with pytest.raises(OSError, match="No space"):
            write(path, view(range(9)))
    assert path.read_bytes() == content
    assert names(path) == ["ledger.xlsx"]
    assert not any(map(os.path.exists, _writer.ALL_TEMP_FILES))
    assert write(path, view(range(9))) == path


def test_a_temporary_file_of_a_killed_run_is_replaced_not_followed(path, tmp_path):
    other = tmp_path / "precious"
    other.write_text("x")
    path.with_name(".ledger.xlsx.tmp").symlink_to(other)
    write(path, view())
    assert other.read_text() == "x"
    assert names(path) == ["ledger.xlsx", "precious"]


def test_what_saving_would_lose_is_a_reason_not_to_save(path):
    write(path, view())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/threadedComments/threadedComment1.xml", "<x/>")
    content = path.read_bytes()
    assert write(path, view(range(9))).name == "ledger.fresh.xlsx"
    assert path.read_bytes() == content


def test_what_openpyxl_says_it_leaves_out_is_a_reason_as_well(path):
    write(path, view())
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    extension = b'<extLst><ext uri="{CCE6A557-97BC-4B89-ADB6-D9C93CAAB3DF}"/></extLst></worksheet>'
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace(b"</worksheet>", extension)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    fresh = write(path, view(range(9)))
    assert fresh.name == "ledger.fresh.xlsx"
    assert any("extension" in row["value"] for row in cells(fresh, "Study"))


def test_rows_that_cannot_be_moved_stay_and_new_ones_follow(path):
    write(path, view())
    before = [row["key"] for row in cells(path)]
    book = edited(path)
    sheet = book["Configurations"]
    mine = sheet.max_column + 1
    sheet.cell(2, mine, "these three")
    sheet.merge_cells(start_row=2, end_row=4, start_column=mine, end_column=mine)
    book.save(path)
    assert write(path, view(range(9))) == path
    assert [row["key"] for row in cells(path)][:7] == before
    assert len(edited(path)["Configurations"].merged_cells.ranges) == 1


def test_an_untouched_workbook_is_drawn_anew_unless_it_knows_more(path, monkeypatch):
    write(path, view(range(6)))
    assert ooxml.untouched(path)
    assert ooxml.knows_only(path, "Configurations", known(view(range(6))))
    assert not ooxml.knows_only(path, "Configurations", known(view(range(5))))
    with monkeypatch.context() as patch:
        patch.setattr(ooxml, "load", None)
        write(path, view(range(9)))
    write(path, view(range(3)))  # a journal that was lost: the rows that only the workbook knows stay
    assert {row["key"] for row in cells(path)} == known(view(range(9)))
    assert not ooxml.untouched(path)


def test_its_own_rows_are_known_and_a_lost_journal_comes_back(path):
    shown = view(failed=(50,))
    write(path, shown)
    assert unknown(path, known(shown), 200).results == ()
    book = edited(path)
    book.save(path)  # not sealed any more: every row is read
    assert unknown(path, known(shown), 200).results == ()
    found = {row.configuration.key: row for row in unknown(path, (), 200).results}
    assert found.keys() == {
        each.key for each in shown.ranking if each.repeats
    }  # neither the failed one nor the baseline
    for each in shown.ranking:
        if each.repeats:
            row = found[each.key]
            assert row.configuration == each.configuration
            assert (row.epochs, row.repeats) == (200, 3)
            assert row.mean == pytest.approx(each.mean, rel=1e-14)
            assert row.std == pytest.approx(each.std, rel=1e-12)
            assert row.source.startswith("ledger.xlsx, row ")


def typed(path: Path, changes: Mapping[str, object]) -> int:
    """A row that a colleague types below the others."""
    book = edited(path)
    sheet = book["Configurations"]
    row = sheet.max_row + 1
    for header, value in changes.items():
        sheet.cell(row, column(sheet, header), value)
    book.save(path)
    return int(row)


TYPED = {"hidden layers": 2, "neurons": "[10, 12]", "activation": "tanh", "learning_rate": 0.01, "batch_size": 64.0}


def test_a_typed_row_is_put_together_and_filled_in(path):
    shown = view()
    write(path, shown)
    row = typed(path, TYPED | {"dropout": 0, "MAE mean": 0.2, "notes": "by hand", "mean seconds": 7})
    (found,) = unknown(path, known(shown), 77).results
    values = {"hidden_layers": 2, "units": (10, 12), "activation": "tanh", "learning_rate": 0.01, "batch_size": 64}
    expected = Configuration.of({**values, "dropout": 0.0})
    assert found == Imported(expected, 77, 1, 0.2, None, f"ledger.xlsx, row {row}")
    assert found.configuration.key == expected.key  # 0.0 as elsewhere, not 0
    more = replace(shown, ranking=by_mean([*shown.ranking, summarise_imported(found)]))
    assert write(path, more) == path
    (own,) = [each for each in cells(path) if each["key"] == expected.key]
    assert (own["notes"], own["mean seconds"], own["stage"], own["repeats"]) == ("by hand", 7, "imported", 1)
    assert len(cells(path)) == 8
    assert unknown(path, known(more), 77).results == ()


def test_the_first_of_two_rows_of_one_configuration_counts(path):
    write(path, view())
    typed(path, TYPED | {"dropout": 0.5, "MAE mean": 0.2})
    typed(path, TYPED | {"dropout": 0.5, "MAE mean": 0.3})
    (found,) = unknown(path, known(view()), 200).results
    assert found.mean == 0.2


@pytest.mark.parametrize("neurons", ["[10, 12]", "10, 12", "[10,12]", " 10 12 "])
def test_neurons_are_read_as_people_write_them(path, neurons):
    write(path, view())
    typed(path, TYPED | {"neurons": neurons, "dropout": 0.5, "MAE mean": 1})
    (found,) = unknown(path, known(view()), 200).results
    assert found.configuration["units"] == (10, 12)


def test_a_sheet_without_any_exact_text_is_read_by_its_columns(path):
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = "Configurations"
    sheet.append(
        ["rank", "hidden layers", "neurons", "activation", "learning_rate", "MAE mean", "MAE std", "repeats", "why"]
    )
    sheet.append([1, 1, 37, "relu", 0.001, 0.2, 0.01, 5, "best"])
    sheet.append([2, None, "[8, 8]", "relu", 1, 0.3, None, None, None])
    sheet.append([None, None, None, None, None, 0.25, None, None, "mean"])
    sheet.append([None, 1, "[4]", "relu", 1, None, None, None, "not run"])
    book.save(path)
    first, second = unknown(path, (), 60).results
    values = {"hidden_layers": 1, "units": (37,), "activation": "relu", "learning_rate": 0.001}
    assert first == Imported(Configuration.of(values), 60, 5, 0.2, 0.01, "ledger.xlsx, row 2")
    assert second.configuration["hidden_layers"] == 2
    assert second.repeats == 1


def test_a_row_whose_key_and_text_disagree_is_named(path):
    write(path, view())
    book = edited(path)
    sheet = book["Configurations"]
    sheet.cell(4, column(sheet, "configuration")).value = configuration(99).json
    book.save(path)
    row = sheet.cell(4, column(sheet, "key")).value
    with pytest.raises(UserError, match="row 4"):
        unknown(path, (), 200)
    assert len(unknown(path, {row}, 200).results) == 5  # a row that is known is not looked into
    sheet.cell(4, column(sheet, "configuration")).value = "{broken"
    book.save(path)
    with pytest.raises(UserError, match="row 4"):
        unknown(path, (), 200)


def test_an_incomplete_typed_row_is_named(path):
    write(path, view())
    row = typed(path, {"activation": "tanh", "MAE mean": 0.3})
    with pytest.raises(UserError, match=f"row {row}.*\n.*\n.*batch_size"):
        unknown(path, known(view()), 200)


def test_no_workbook_has_no_rows(path):
    assert unknown(path, (), 200).results == ()
    openpyxl.Workbook().save(path)
    assert unknown(path, (), 200).results == ()


def test_the_same_view_again_changes_nothing(path):
    write(path, view())
    book = edited(path)
    book["Study"]["D1"] = "mine"
    book.save(path)
    write(path, view())
    first = [list(sheet.values) for sheet in edited(path)]
    write(path, view())
    assert [list(sheet.values) for sheet in edited(path)] == first


@pytest.mark.slow
@pytest.mark.skipif(not OFFICE, reason="LibreOffice (soffice) is not installed")
def test_libreoffice_opens_it_saves_it_and_the_refresh_goes_on(path, tmp_path):
    shown = view(failed=(50,))
    write(path, shown)
    home = f"-env:UserInstallation=file://{tmp_path}/profile"
    subprocess.run(
        [OFFICE, home, "--headless", "--convert-to", "xlsx", "--outdir", tmp_path / "out", path],
        check=True,
        capture_output=True,
        timeout=120,
    )
    theirs = tmp_path / "out" / "ledger.xlsx"
    assert not ooxml.untouched(theirs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert unknown(theirs, known(shown), 200).results == ()
        assert len(unknown(theirs, (), 200).results) == 6
        more = view(range(9), failed=(50,))
        assert write(theirs, more) == theirs
    assert {row["key"] for row in cells(theirs)} == known(more)
    assert all(row["error"] == "=1+1 failed" for row in cells(theirs, "Repeats") if row["error"])
    assert refused(theirs) == ""
