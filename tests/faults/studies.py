"""Studies as the workbook sees them, of any size; as a program, what writing one costs in a process of its own."""

import json
import random
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl

from pipeline.ledger.journal import open_journal
from pipeline.maintenance.audit import audit
from pipeline.ranking.order import by_mean
from pipeline.ranking.summaries import summarise
from pipeline.study_folder import identity
from pipeline.trial import Configuration, Repeat, Training
from pipeline.workbook import ooxml
from pipeline.workbook.book import View, unknown, write


def configuration(number: int) -> Configuration:
    rng = random.Random(number)
    depth = rng.randint(1, 4)
    return Configuration.of(
        {
            "hidden_layers": depth,
            "units": [rng.randint(4, 120) for _ in range(depth)],
            "activation": rng.choice(["relu", "tanh", "swish"]),
            "learning_rate": 10 ** rng.uniform(-4, -1),
            "batch_size": rng.choice([16, 32]),
            "dropout": rng.uniform(0, 0.5),
            "l2": 10 ** rng.uniform(-6, -3),
        }
    )


def repeat(each: Configuration, index: int) -> Repeat:
    rng = random.Random(f"{each.key}{index}")
    objective = rng.uniform(0.1, 0.6)
    failed = rng.random() < 0.02
    names = ("mae", "rmse", "r2", "percent", "largest")
    scores = {output: {name: objective * rng.uniform(1, 2) for name in names} for output in ("Y", "Z")}
    return Repeat(
        Training(each, 200, index),
        "explore",
        7 + index,
        None if failed else objective,
        scores={} if failed else scores,
        epochs_run=rng.randint(1, 200),
        best_epoch=rng.randint(1, 200),
        seconds=rng.uniform(0.1, 3),
        slot="cpu:0",
        threads=1,
        weights=500,
        error="diverged in epoch 3:\nloss is nan" if failed else "",
        model="0" * 64,
        program="packed",
    )


def view(repeats: int, each: int = 5) -> View:
    """`repeats` trainings, `each` of one configuration."""
    everything = tuple(
        repeat(configuration(number), index) for number in range(repeats // each) for index in range(each)
    )
    groups = [everything[at : at + each] for at in range(0, len(everything), each)]
    ranking = by_mean(summarise(group[0].training.configuration, 200, group) for group in groups)
    return View(
        ranking,
        repeats=everything,
        elite=frozenset(summary.key for summary in ranking[:5]),
        outputs=("Y", "Z"),
        study=(("data", "a.csv"),),
    )


def keep(study: Path, shown: View) -> None:
    """Put the journal of a study, and the file that says what it is, into its folder: what an audit needs."""
    study.mkdir(exist_ok=True)
    identity.write(study, identity.Stored({"epochs": 200}, {}, identity.versions()))
    with open_journal(study / "ledger.jsonl") as journal:
        for each in shown.repeats:
            journal.append_repeat(each)


def unsound(study: Path) -> list[str]:
    """What does not hold of the workbook and of temporary files; the models are none of the workbook's business."""
    found = [finding for finding in audit(study) if finding.file.suffix in (".xlsx", ".tmp")]
    return [str(finding) for finding in found]


def names(study: Path) -> set[str]:
    """The files of a study folder but the journal and what says what it is."""
    return {each.name for each in study.iterdir()} - {"study.json", "ledger.jsonl"}


def rows(path: Path, sheet: str = "Configurations") -> list[dict[str, Any]]:
    """Rows by header, in the order of the sheet, as openpyxl reads them."""
    values: list[Any] = list(openpyxl.load_workbook(path)[sheet].values)
    return [dict(zip(values[0], row, strict=True)) for row in values[1:]]


def touch(path: Path) -> None:
    """What a user makes of a workbook: a note, a column with formulas, a sheet."""
    book = openpyxl.load_workbook(path)
    sheet = book["Configurations"]
    headers = [cell.value for cell in sheet[1]]
    sheet.cell(2, headers.index("notes") + 1, "mine")
    mine = len(headers) + 1
    sheet.cell(1, mine, "twice")
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, mine, f"=A{row}*2")
    book.create_sheet("Mine")["A1"] = 1
    book.save(path)


def peak() -> int:
    """MB that the process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def cost(path: Path, repeats: int) -> dict[str, float]:
    """Processor seconds of each write and of the search for a user's rows, and the memory that all took at most."""
    shown = view(repeats, 1)
    known = {summary.key for summary in shown.ranking}
    seconds: dict[str, float] = {}
    steps: dict[str, Callable[[], object]] = {
        "drawn": lambda: write(path, shown),
        "edited": lambda: edit(path),
        "searched": lambda: unknown(path, known, 200),
        "merged": lambda: write(path, shown),
    }
    for name, step in steps.items():
        began = time.process_time()  # what others do on the machine does not count
        step()
        seconds[name] = time.process_time() - began
    assert not ooxml.untouched(path)
    return {**seconds, "memory": peak()}


def edit(path: Path) -> None:
    """What `touch` does, without the memory of openpyxl."""
    book = ooxml.load(path)
    grid = book.sheets["Configurations"].grid
    mine = grid.width + 1
    for row in grid.rows:
        grid.put(row, {**grid.cells(row), mine: (0, "f", f"=A{row}*2") if row > 1 else (0, "s", "twice")})
    ooxml.save(book, path, ooxml.stamp(path), sealed=False)


if __name__ == "__main__":
    import pipeline.run.launch  # noqa: F401 - the driver's own memory counts

    print(json.dumps(cost(Path(sys.argv[1]), int(sys.argv[2]))))
