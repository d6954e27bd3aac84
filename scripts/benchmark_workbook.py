"""What writing workbooks costs and keeps, compared with openpyxl's public interface for the same content.

`--rows 2000 20000 --runs 5` draws a new workbook (openpyxl: write-only mode) and refreshes one in which a user has
made notes, formulas, a chart, an image and more (openpyxl: load, edit, save), in turns, each in a process of its own.
It prints processor seconds and the additional memory of the process, and openpyxl's as multiples of the product's. Then
it prints which of a user's changes survive a refresh by each: kept, lost, or refused (the file is left unchanged, and
the results are written beside it).
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `scripts` is a folder of the checkout, not installed

from pipeline.cli.outputs import write_json
from pipeline.ranking.order import by_mean
from pipeline.ranking.summaries import summarise
from pipeline.trial import Configuration, Repeat, Training
from pipeline.workbook import book, ooxml
from pipeline.workbook.columns import Table
from pipeline.workbook.merge import draw
from pipeline.workbook.sheets import tables
from pipeline.workbook.view import View
from scripts.asked import json_path, parsed
from scripts.benchmark import openpyxl_alone
from scripts.benchmark.users_things import THINGS, user_made

OURS: Final = "product"
PEER: Final = "openpyxl"
NEW: Final = 0.01  # of the rows are new in a refresh


def view(rows: int) -> View:
    """A study of this many configurations, trained once each: the most cells for each training."""
    repeats = tuple(_repeat(number) for number in range(rows))
    ranking = by_mean(summarise(each.training.configuration, 200, [each]) for each in repeats)
    return View(
        ranking,
        repeats=repeats,
        elite=frozenset(each.key for each in ranking[:5]),
        outputs=("Y", "Z"),
        study=(("data", "a.csv"), ("seed", "7")),
    )


def _repeat(number: int) -> Repeat:
    rng = random.Random(number)  # noqa: S311 - it draws a study
    depth = rng.randint(1, 4)
    configuration = Configuration.of(
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
    objective = rng.uniform(0.1, 0.6)
    scores = {
        output: {name: objective * rng.uniform(1, 2) for name in ("mae", "rmse", "r2", "percent", "largest")}
        for output in ("Y", "Z")
    }
    training = Training(configuration, 200, 0)
    return Repeat(
        training, "explore", 7, objective, scores=scores, epochs_run=90, best_epoch=60, seconds=rng.uniform(0.1, 3),
        slot="cpu:0", threads=1, weights=500, model="0" * 64, program="packed",
    )  # fmt: skip


def draw_ours(path: Path, made: Sequence[Table]) -> None:
    """A new workbook, drawn by the product."""
    drawn = ooxml.Book.new("benchmark")
    for table in made:
        draw(drawn.add(table.title), table)
    ooxml.save(drawn, path, None, sealed=True)


def one(task: str, who: str, rows: int, path: Path) -> dict[str, float]:
    """Do one task and measure its processor seconds and additional MB."""
    shown = view(rows if task == "draw" else round(rows * (1 + NEW)))
    made = tables(shown)
    work: Mapping[tuple[str, str], Callable[[], object]] = {
        ("draw", OURS): lambda: draw_ours(path, made),
        ("draw", PEER): lambda: openpyxl_alone.draw(path, made),
        ("edit", OURS): lambda: book.write(path, shown),
        ("edit", PEER): lambda: openpyxl_alone.edit(path, made),
    }
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # reset the peak to the current memory
    before, began = _memory("VmRSS"), time.process_time()
    work[task, who]()
    return {"seconds": time.process_time() - began, "MB": _memory("VmHWM") - before}


def _memory(field: str) -> float:
    """The memory of this process in MB, from Linux: VmRSS is the current, VmHWM the peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def _measured(task: str, who: str, rows: int, path: Path) -> dict[str, float]:
    words = [sys.executable, __file__, "--one", task, who, str(path), "--rows", str(rows)]
    answer = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - this file itself
    if answer.returncode:
        raise SystemExit(answer.stderr)
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def compared(home: Path, task: str, rows: int, runs: int) -> dict[str, Any]:
    """Run both in turns; return the figures of each, and openpyxl's as multiples of the product's, run by run."""
    path = home / "ledger.xlsx"
    source = home / f"source-{rows}.xlsx"
    if task == "edit":
        book.write(source, view(rows))
        user_made(source)
    figures: dict[str, list[dict[str, float]]] = {OURS: [], PEER: []}
    for run in range(runs):
        for who in (OURS, PEER) if run % 2 == 0 else (PEER, OURS):
            path.unlink(missing_ok=True)
            if task == "edit":
                shutil.copy(source, path)
            figures[who].append(_measured(task, who, rows, path))
    ratios = {
        what: [theirs[what] / ours[what] for ours, theirs in zip(figures[OURS], figures[PEER], strict=True)]
        for what in ("seconds", "MB")
    }
    return {"task": task, "rows": rows, "figures": figures, "ratios": ratios}


def survival(home: Path) -> dict[str, dict[str, str]]:
    """What happens to each thing in a refresh by each: kept, lost or refused."""
    found: dict[str, dict[str, str]] = {}
    few, more = view(20), view(25)
    path, source = home / "ledger.xlsx", home / "source.xlsx"
    for name, thing in THINGS.items():
        source.unlink(missing_ok=True)
        book.write(source, few)
        thing.make(source)
        if not thing.there(source):
            raise SystemExit(f"{name}: it was not put into the workbook")
        found[name] = {}
        refreshes: Mapping[str, Callable[[Path, View], Path]] = {OURS: book.write, PEER: _alone}
        for who, refresh in refreshes.items():
            shutil.copy(source, path)
            beside = refresh(path, more) != path
            there = thing.there(path)
            found[name][who] = ("refused" if beside else "kept") if there else "LOST"
    return found


def _alone(path: Path, shown: View) -> Path:
    openpyxl_alone.edit(path, tables(shown))
    return path


def _printed(comparison: Mapping[str, Any]) -> str:
    """A line with both medians, and the ratios' least, median and most."""
    figures, ratios = comparison["figures"], comparison["ratios"]

    def middle(who: str, what: str) -> float:
        return float(statistics.median(each[what] for each in figures[who]))

    parts = [f"{comparison['task']:5} {comparison['rows']:7,} rows"]
    for what in ("seconds", "MB"):
        least, most = min(ratios[what]), max(ratios[what])
        ratio = f"{statistics.median(ratios[what]):5.2f}x ({least:.2f}-{most:.2f})"
        parts.append(f"{what} {middle(OURS, what):8.2f} {middle(PEER, what):8.2f} {ratio}")
    return "   ".join(parts)


def main(words: Sequence[str]) -> None:
    """Measure, print, and write JSON if requested."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[2_000, 20_000], help="configurations, trained once each"
    )
    parser.add_argument("--runs", type=int, default=5, help="repetitions of each measurement")
    parser.add_argument("--json", type=json_path, help="JSON file for all numbers")
    parser.add_argument(
        "--folder", type=Path, help="folder for the workbooks, for example on another disk or in memory"
    )
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    asked = parsed(parser, words)
    if asked.one:
        task, who, path = asked.one
        print(json.dumps(one(task, who, asked.rows[0], Path(path))))
        return
    comparisons = []
    print(
        f"task and size, {OURS}, {PEER}, and {PEER} as a multiple of {OURS}: median (least-most) of {asked.runs} runs"
    )
    with tempfile.TemporaryDirectory(dir=asked.folder) as home:
        for rows in asked.rows:
            for task in ("draw", "edit"):
                comparisons.append(compared(Path(home), task, rows, asked.runs))
                print(_printed(comparisons[-1]), flush=True)
        kept = survival(Path(home))
    print(f"\n{'what a user made':26} {OURS:10} {PEER}")
    for name, fates in kept.items():
        print(f"{name:26} {fates[OURS]:10} {fates[PEER]}")
    if asked.json:
        write_json(asked.json, {"comparisons": comparisons, "survival": kept}, sort_keys=False)


if __name__ == "__main__":
    main(sys.argv[1:])
