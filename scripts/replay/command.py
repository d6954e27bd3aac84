"""Replay tables of trained networks through this search and others; print tables, draw a figure."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from joblib import Parallel, delayed
from rich.console import Console
from rich.progress import Progress

from pipeline.cli.console import complain
from pipeline.cli.outputs import write_json
from pipeline.errors import UserError
from scripts.asked import json_path, lines_path, parsed, picture_folder
from scripts.replay import report, tables
from scripts.replay.contestants import ANYTIME, METHODS, Run, Task, answer, missing


def main(words: Sequence[str]) -> int:
    """Replay what the command line asks for; return 2 and print the error if the user can fix it."""
    asked = parsed(parser(), words)
    console = Console(soft_wrap=True, highlight=False, emoji=False)
    try:
        if asked.proposing:
            from scripts.replay import proposing

            figures = proposing.measure(console)
        else:
            figures = compare(asked, console)
    except UserError as error:
        complain(error)
        return 2
    if asked.json:
        write_json(asked.json, figures)
        console.print(f"All numbers: {asked.json}")
    return 0


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument(
        "--tables", type=Path, default=Path("../shared/data/hpo_tables"), help=f"folder of .npz files: {tables.FORMAT}"
    )
    options.add_argument(
        "--budgets", type=int, nargs="+", default=[50, 100, 200], help="numbers of trainings of a search"
    )
    options.add_argument("--seeds", type=int, default=16, help="replays of each search on each table")
    options.add_argument(
        "--draws",
        choices=["with", "without"],
        default="with",
        help="draw repeated trainings of a configuration with or without replacement",
    )
    options.add_argument(
        "--methods",
        nargs="+",
        choices=list(METHODS),
        metavar="METHOD",
        help=f"some of {', '.join(METHODS)} [those whose libraries are installed]",
    )
    options.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that replay side by side")
    options.add_argument(
        "--runs", type=lines_path, help="file of finished replays, one in each line, which are not replayed again"
    )
    options.add_argument("--json", type=json_path, help="JSON file for all numbers: {name: value}")
    options.add_argument(
        "--out", type=picture_folder, default=Path("results/benchmark_search"), help="folder of the picture"
    )
    options.add_argument("--proposing", action="store_true", help="measure the cost of a proposal instead")
    return options  # fmt: skip


def compare(asked: argparse.Namespace, console: Console) -> dict[str, float]:
    """Every figure of the comparison."""
    methods = _methods(asked.methods, console)
    given = tables.read(asked.tables)
    if asked.seeds < 1 or min(asked.budgets) < 2 or asked.workers < 1:
        raise UserError("Nothing to replay", expected="--seeds and --workers from 1, --budgets from 2")
    budgets = tuple(sorted(set(asked.budgets)))
    known = _known(asked.runs)
    tasks = _tasks(methods, given, asked.seeds, budgets, draws=asked.draws, known=known)
    began = time.perf_counter()
    console.print(
        f"{len(given)} tables, {asked.seeds} seeds, draws {asked.draws} replacement; {len(tasks)} replays to do"
    )
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("replays", total=len(tasks))
        for runs in Parallel(n_jobs=asked.workers, return_as="generator_unordered")(delayed(answer)(t) for t in tasks):
            known += runs
            _keep(asked.runs, runs)
            progress.advance(bar)
    chosen = [
        run
        for run in known
        if run.method in methods and run.budget in budgets and run.draws == asked.draws and run.seed < asked.seeds
        and run.table in {table.name for table in given}
    ]  # fmt: skip
    figures = report.figures(chosen)
    for table in report.tables(figures, methods, budgets):
        console.print(table)
    asked.out.mkdir(parents=True, exist_ok=True)
    console.print(f"Figure: {report.draw(figures, methods, budgets, asked.out / 'search_regret.png')}")
    console.print(f"Replayed in {time.perf_counter() - began:.0f} s")
    return report.flat(figures)


def _methods(asked: Sequence[str] | None, console: Console) -> tuple[str, ...]:
    lacking = {method: missing(method) for method in asked or METHODS if missing(method)}
    for method, libraries in lacking.items():
        text = f"{method} needs {' and '.join(libraries)}, which this environment lacks: pip install -e '.[bench]'"
        if asked:
            raise UserError(text)
        console.print(f"Left out: {text}")
    return tuple(method for method in asked or METHODS if method not in lacking)


def _tasks(
    methods: Sequence[str], given: Sequence[tables.Table], seeds: int, budgets: tuple[int, ...], *, draws: tables.Draws,
    known: Sequence[Run],
) -> list[Task]:  # fmt: skip
    """The remaining replays, seed by seed, so that an interrupted comparison has all contestants."""
    done = {(run.method, run.table, run.seed, run.budget, run.draws) for run in known}
    tasks = []
    for seed in range(seeds):
        for method in methods:
            for table in given:
                left = tuple(each for each in budgets if (method, table.name, seed, each, draws) not in done)
                groups = [left] if method in ANYTIME else [(each,) for each in left]
                tasks += [Task(method, table, seed, group, draws) for group in groups if group]
    return tasks


def _known(file: Path | None) -> list[Run]:
    if file is None or not file.exists():
        return []
    try:
        return [Run(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
    except (ValueError, TypeError) as error:
        raise UserError(
            f"{file} is not a file of finished replays",
            expected="what --runs wrote before, or a new name",
            got=str(error)[:200],
            hint="give --runs another name",
        ) from error


def _keep(file: Path | None, runs: Sequence[Run]) -> None:
    if file is None:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as lines:
        lines.writelines(json.dumps(asdict(run)) + "\n" for run in runs)
