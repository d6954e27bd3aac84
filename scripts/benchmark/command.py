"""Measure what trainings cost with this product and with others on one pinned core; print tables, draw a figure."""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline.cli.console import complain
from pipeline.cli.outputs import write_json
from pipeline.errors import UserError
from pipeline.workers.slots import available_cores
from scripts.asked import json_path, parsed, picture_folder
from scripts.benchmark import plan, report
from scripts.benchmark.contestants import NEEDS, PRODUCT, Case, operations
from scripts.benchmark.plan import Data, Sizes
from scripts.benchmark.process import Worker
from scripts.benchmark.report import Figure, figure

PARTS = ("steady", "wide", "searches", "workers")
REPEATS = 5  # of each configuration of a whole search
Figures = dict[str, Figure]


@dataclass(frozen=True, slots=True)
class Bench:
    """The conditions of a measurement."""

    core: int
    folder: Path  # of temporary files
    logs: Path
    console: Console


def main(words: Sequence[str]) -> int:
    """Measure what the command line asks for; return 2 and print the error if the user can fix it."""
    asked = parsed(parser(), words)
    console = Console(soft_wrap=True, highlight=False, emoji=False)
    try:
        core = chosen_core(asked.core)
        sizes = plan.QUICK if asked.quick else plan.FULL
        if asked.budget is not None:
            sizes = replace(sizes, budget=asked.budget)
        parts = asked.parts or (("steady", "workers") if asked.quick else PARTS)
        asked.out.mkdir(parents=True, exist_ok=True)
        figures = measure(sizes, core, parts, asked.out.resolve(), console)
    except UserError as error:
        complain(error)
        return 2
    for table in report.tables(figures):
        console.print(table)
    picture = report.draw(figures, asked.out / "training_cost.png")
    if picture:
        console.print(f"Figure: {picture}")
    if asked.json:
        write_json(asked.json, report.flat(figures))
        console.print(f"All numbers: {asked.json}")
    return 0


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--core", type=int, help="the core that all contestants share [the last available one]")
    options.add_argument(
        "--quick", action="store_true", help="few rounds, no whole searches, fewer contestants: at most 3 minutes"
    )
    options.add_argument(
        "--parts", type=_parts, help=f"some of {','.join(PARTS)} [all; --quick leaves out wide and searches]"
    )
    options.add_argument(
        "--budget", type=float, help="seconds after which a peer begins no other configuration of a whole search [300]"
    )
    options.add_argument(
        "--out", type=picture_folder, default=Path("results/benchmark_training"), help="folder of the picture"
    )
    options.add_argument("--json", type=json_path, help="JSON file for all numbers: {name: value}")
    return options


def _parts(text: str) -> tuple[str, ...]:
    asked = tuple(text.split(","))
    if unknown := sorted(set(asked) - set(PARTS)):
        raise argparse.ArgumentTypeError(f"there is no part {unknown[0]!r}, only {', '.join(PARTS)}")
    return asked


def chosen_core(asked: int | None) -> int:
    """The core to pin to. Raise UserError for one that this process may not use."""
    cores = available_cores()
    if asked is not None and asked not in cores:
        raise UserError(
            f"This process may not use core {asked}",
            expected=f"one of {', '.join(map(str, cores))}",
            hint="give --core one of these, or leave it out",
        )
    return cores[-1] if asked is None else asked


def measure(sizes: Sizes, core: int, parts: Iterable[str], out: Path, console: Console) -> Figures:
    """All figures of the parts."""
    figures: Figures = {}
    began = time.perf_counter()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    console.print(f"Core {core}; {sizes.rounds} rounds of all contestants in turn; load of the machine: {load:.1f}")
    with tempfile.TemporaryDirectory() as temporary:
        bench = Bench(core, Path(temporary), out, console)
        given = plan.data(bench.folder)
        for each in given.values():
            console.print(f"{each.name}: {each.note}")
        if "steady" in parts:
            figures |= steady(given, sizes, bench)
        if "wide" in parts:
            figures |= wide(given["california"], sizes, bench)
        if "searches" in parts:
            for each in given.values():
                figures |= searches(each, sizes, bench)
        if "workers" in parts:
            figures |= two_workers(given["california"], sizes, bench)
    console.print(f"Measured in {time.perf_counter() - began:.0f} s")
    return figures


# ------------------------------------------------------------------------------------------------------ steady cost


def steady(given: Mapping[str, Data], sizes: Sizes, bench: Bench) -> Figures:
    """Milliseconds per network and epoch of every contestant, and their ratios."""
    figures: Figures = {}
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for name, each in given.items():
            cases = dict(plan.cases(each, sizes, bench.folder))
            for case in cases.values():
                if case.library not in workers and available(case.library, bench.console):
                    log = bench.logs / f"{case.library}.log"
                    workers[case.library] = stack.enter_context(Worker(case.library, [bench.core], log))
            present = {label: case for label, case in cases.items() if case.library in workers}
            rounds, first = in_turn(present, workers, sizes.least[name], sizes, bench.console)
            figures |= {f"{label}_ms": figure(values) for label, values in rounds.items()}
            figures |= {f"{label}_first_s": figure([seconds]) for label, seconds in first.items()}
            figures |= compared(name, rounds)
            if name == "california":
                figures |= arithmetic(each, rounds)
    return figures


def wide(given: Data, sizes: Sizes, bench: Bench) -> Figures:
    """The gain of a separate program for a wide network over padding all its layers to the widest."""
    with Worker("engine", [bench.core], bench.logs / "engine.log") as worker:
        rounds, first = in_turn(plan.wide(given), {"engine": worker}, 1, sizes, bench.console)
    figures = {f"{label}_ms": figure(values) for label, values in rounds.items()}
    figures |= {f"{label}_first_s": figure([seconds]) for label, seconds in first.items()}
    own, padded = rounds["wide_own"], rounds["wide_padded"]
    return figures | {"wide_own_vs_padded": figure([theirs / mine for theirs, mine in zip(padded, own, strict=True)])}


def available(library: str, console: Console) -> bool:
    """Whether a contestant's library is installed; prints a notice if it is not."""
    present = library not in NEEDS or importlib.util.find_spec(NEEDS[library]) is not None
    if not present:
        console.print(f"{library}: {NEEDS[library]} is not installed, left out (pip install -e '.\\[bench]')")
    return present


def in_turn(
    cases: Mapping[str, Case], workers: Mapping[str, Worker], least: int, sizes: Sizes, console: Console
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Each contestant's ms in each round, and the seconds until its first epoch ended; failed ones are left out."""
    first: dict[str, float] = {}
    for number, (label, case) in enumerate(cases.items()):
        request = {"prepare": number, "case": asdict(case), "seconds": sizes.seconds, "least": least}
        try:
            first[label] = workers[case.library].ask(request)["first_seconds"]
        except RuntimeError as error:
            console.print(f"{label}: {error}", markup=False)
    numbers = {label: number for number, label in enumerate(cases)}
    rounds: dict[str, list[float]] = {label: [] for label in first}
    shares: list[float] = []
    for _ in range(sizes.rounds):
        for label, values in rounds.items():
            answer = workers[cases[label].library].ask({"round": numbers[label]})
            values.append(answer["ms"])
            shares.append(answer["share"])
    console.print(f"The contestants had the core for {100 * statistics.median(shares):.0f} % of their time")
    for label, values in rounds.items():
        console.print(f"  {label}: {figure(values)} ms, first {first[label]:.1f} s")
    return rounds, first


def compared(name: str, rounds: Mapping[str, Sequence[float]]) -> Figures:
    """The cost of each other engine as a multiple of this one's, round by round."""
    tuned = [label for label in rounds if label.startswith(f"{name}_keras_tuned")]
    best = min(tuned, key=lambda label: statistics.median(rounds[label]), default="")
    others = {
        f"{name}_vs_keras": (f"{name}_keras", f"{name}_engine"),
        f"{name}_vs_keras_tuned": (best, f"{name}_engine"),
        f"{name}_vs_sklearn": (f"{name}_sklearn", f"{name}_engine"),
        f"{name}_vs_torch": (f"{name}_torch", f"{name}_engine"),
        f"{name}_dropout_vs_keras": (f"{name}_dropout_keras", f"{name}_dropout_engine"),
    }
    figures = {
        label: figure([theirs / mine for theirs, mine in zip(rounds[other], rounds[engine], strict=True)])
        for label, (other, engine) in others.items()
        if other in rounds and engine in rounds
    }
    if best:
        figures[f"{name}_keras_tuned_ms"] = figure(rounds[best])
    if f"{name}_engine" in rounds:
        figures[f"{name}_ms"] = figure(rounds[f"{name}_engine"])
    return figures


def arithmetic(given: Data, rounds: Mapping[str, Sequence[float]]) -> Figures:
    """GFLOP/s of the large product (the faster library of each round) and of this engine, and their ratios."""
    products = [rounds[label] for label in ("product_numpy", "product_tensorflow") if label in rounds]
    if not products:
        return {}
    peak = [2.0 * PRODUCT**3 / min(ms) / 1e6 for ms in zip(*products, strict=True)]
    figures = {"product_gflops": figure(peak)}
    rows = given.rows
    for width in plan.WIDTHS:
        label = "california_engine" if width == plan.WIDTHS[0] else f"california_{width}_units_engine"
        if label in rounds:
            count = operations(len(rows.train.rows), len(rows.validation.rows), len(rows.features), (width, width))
            rates = [count / ms / 1e6 for ms in rounds[label]]
            figures[f"gflops_{width}"] = figure(rates)
            figures[f"flops_ratio_{width}"] = figure([mine / best for mine, best in zip(rates, peak, strict=True)])
    return figures


# --------------------------------------------------------------------------------------------------- whole searches


def searches(given: Data, sizes: Sizes, bench: Bench) -> Figures:
    """Seconds of 24 configurations x 5 repeats, processes' starts and compilations included, and their ratios."""
    limits = {"epochs": sizes.epochs[given.name], "patience": sizes.patience}
    settings = {**given.settings, **limits, "configurations": 24, "repeats": REPEATS, "slots": "cpu:1"}
    label = f"end_to_end_{given.name}"
    mine: list[float] = []
    answer: dict[str, Any] = {}
    for number in range(sizes.searches):
        place = bench.folder / f"{given.name}-{number}"
        place.mkdir()
        seconds, answer = _asked("pipeline", {"folder": str(place), "settings": settings}, bench)
        mine.append(seconds)
    drawn, epochs = answer["configurations"], answer["epochs"]
    figures = {f"{label}_s": figure(mine), f"{label}_epochs": figure([sum(epochs)])}
    bench.console.print(
        f"  {label}: {figure(mine)} s for {len(drawn)} x 5 trainings of {sum(epochs):.0f} epochs together"
    )
    for peer in ("kerastuner", "optuna"):
        if not available(peer, bench.console):
            continue
        request = {"rows": str(given.file), "configurations": drawn, "budget": sizes.budget, **limits}
        request["repeats"] = sizes.peer_repeats
        try:
            seconds, answer = _asked(peer, request, bench)
        except RuntimeError as error:
            bench.console.print(f"{label} {peer}: {error}", markup=False)
            continue
        done = len(answer["epochs"])
        # The rest is extrapolated by the epochs that the pipeline needed for it.
        factor = sum(epochs) / sum(epochs[:done]) * REPEATS / sizes.peer_repeats
        total = seconds - answer["seconds"] + answer["seconds"] * factor
        part = f"{done} of {len(drawn)} configurations, {sizes.peer_repeats} of {REPEATS} repeats ({seconds:.0f} s)"
        scaled = "" if factor == 1 else f", scaled up from {part}"
        bench.console.print(f"  {label} {peer}: {total:.0f} s{scaled}; {sum(answer['epochs'])} epochs")
        figures[f"{label}_{peer}_s"] = figure([total])
        figures[f"{label}_{peer}_configurations"] = figure([done])
        figures[f"{label}_{peer}_epochs"] = figure([sum(answer["epochs"])])
        figures[f"{label}_vs_{peer}"] = figure([total / each for each in mine])
    return figures


def _asked(library: str, request: Mapping[str, Any], bench: Bench) -> tuple[float, dict[str, Any]]:
    """Seconds from the start of a fresh process to its answer, and the answer."""
    began = time.perf_counter()
    with Worker(library, [bench.core], bench.logs / f"{library}.log") as worker:
        answer = worker.ask(request)
        return time.perf_counter() - began, answer


def two_workers(given: Data, sizes: Sizes, bench: Bench) -> Figures:
    """The rate of two pinned workers over that of one, programs compiled before."""
    others = [each for each in available_cores() if each != bench.core]
    if not others:
        bench.console.print("Two workers need two cores, and this process may use one: left out")
        return {}
    cores = [bench.core, others[-1]]
    request = {
        "rows": str(given.file), "cores": cores, "epochs": 20, "trainings": sizes.trainings,
        "rounds": sizes.worker_rounds,
    }  # fmt: skip
    try:
        with Worker("workers", cores, bench.logs / "workers.log") as worker:
            answer = worker.ask(request)
    except RuntimeError as error:
        bench.console.print(f"two workers: {error}", markup=False)
        return {}
    ratios = [two / one for one, two in zip(answer["one"], answer["two"], strict=True)]
    return {
        "two_workers_vs_one": figure(ratios),
        "one_worker_trainings_per_s": figure(answer["one"]),
        "two_workers_trainings_per_s": figure(answer["two"]),
    }
