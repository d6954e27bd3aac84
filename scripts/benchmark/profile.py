"""The profile of a compiled program: the cost of its matrix products, of everything else, and the limits of both.

A program is traced operation by operation while it trains on one pinned core. The same process also measures the
reference, a product of large float32 matrices, and NumPy's products of exactly the sizes in a step: forward, gradient
of the inputs, gradient of the kernel. The rate of NumPy is what a program without any other operation could reach; the
rate of the program's own products is its limit as long as it multiplies in the same way.
"""

from __future__ import annotations

import argparse
import itertools
import re
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table

from pipeline.cli.console import complain
from pipeline.cli.outputs import write_json
from pipeline.data.rows import load_rows
from pipeline.errors import UserError
from scripts.asked import json_path, parsed
from scripts.benchmark import plan
from scripts.benchmark.command import chosen_core
from scripts.benchmark.contestants import BATCH, PRODUCT, Case, operations, prepare
from scripts.benchmark.process import Worker

PRODUCTS: Final = re.compile(r"MatMul|dot")
WIDTHS: Final = (64, 128, 256)
DEAREST: Final = 8  # operations listed
SECONDS: Final = 0.3  # of a measurement of NumPy's products
REPEATS: Final = 5  # of each measurement, of which the median is taken


@dataclass(frozen=True, slots=True)
class Profile:
    """The results for a width: microseconds of a step of all places, rates as fractions of the reference."""

    width: int
    places: int
    step: float  # untraced
    products: float
    others: Mapping[str, float]  # operations other than products
    rate: float  # of the whole step
    products_rate: float  # if the step consisted only of its products
    numpy_rate: float  # if these were as fast as NumPy's
    yardstick: float  # floating point operations in a second, for the product of large matrices

    @property
    def between(self) -> float:
        """The time outside of operations: the loop, the start of each operation, evaluation, the host."""
        return max(0.0, self.step - self.products - sum(self.others.values()))


def main(words: Sequence[str]) -> int:
    """Measure and print; return 2 and print the error if the user can fix it."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--core", type=int, help="the core to measure on [the last available one]")
    options.add_argument("--epochs", type=int, default=3, help="epochs of each measurement [3]")
    options.add_argument("--json", type=json_path, help="JSON file for all numbers: {name: value}")
    asked = parsed(options, words)
    console = Console(soft_wrap=True, highlight=False, emoji=False)
    try:
        core = chosen_core(asked.core)
        with tempfile.TemporaryDirectory() as folder:
            data = plan.data(Path(folder))["california"]
            console.print(f"Core {core}; {data.name}: {data.note}")
            with Worker("profile", [core], Path(folder) / "profile.log") as worker:
                request = {"rows": str(data.file), "epochs": asked.epochs}
                profiles = [Profile(**worker.ask({**request, "width": width})) for width in WIDTHS]
    except (UserError, RuntimeError) as error:
        complain(error)
        return 2
    for table in (_summary(profiles), _dearest(profiles)):
        console.print(table)
    if asked.json:
        write_json(asked.json, flat(profiles))
        console.print(f"All numbers: {asked.json}")
    return 0


def flat(profiles: Sequence[Profile]) -> dict[str, float]:
    """Every figure under `NAME_WIDTH`."""
    figures: dict[str, float] = {}
    for each in profiles:
        named = {
            "places": each.places,
            "step_us": each.step,
            "products_us": each.products,
            "others_us": sum(each.others.values()),
            "between_us": each.between,
            "flops_ratio": each.rate,
            "products_flops_ratio": each.products_rate,
            "numpy_products_flops_ratio": each.numpy_rate,
            "yardstick_gflops": each.yardstick / 1e9,
        }
        figures |= {f"{name}_{each.width}": value for name, value in named.items()}
    return figures


def _summary(profiles: Sequence[Profile]) -> Table:
    table = Table(
        "units", "places", "step", "products", "others", "between", "rate", "products'", "NumPy's",
        title="A step of all places in us; rates of the step, its products and NumPy's, relative to a large one",
    )  # fmt: skip
    for each in profiles:
        times = (each.step, each.products, sum(each.others.values()), each.between)
        rates = (each.rate, each.products_rate, each.numpy_rate)
        table.add_row(
            f"{each.width}-{each.width}",
            str(each.places),
            *(f"{value:.0f}" for value in times),
            *(f"{value:.2f}" for value in rates),
        )
    return table


def _dearest(profiles: Sequence[Profile]) -> Table:
    table = Table("units", "operation", "us per step", title="The most expensive operations besides products")
    for each in profiles:
        for name, cost in sorted(each.others.items(), key=lambda item: -item[1])[:DEAREST]:
            table.add_row(f"{each.width}-{each.width}", name, f"{cost:.1f}")
    return table


# ------------------------------------------------------------------------------------------ in the pinned process


def measure(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a `Profile`, as sent between processes."""
    width, epochs = asked["width"], asked["epochs"]
    rows = load_rows(Path(asked["rows"]))
    contestant = prepare(Case("engine", asked["rows"], (width, width)))
    contestant.train(1)
    steps = epochs * -(-len(rows.train.rows) // BATCH)
    whole = _seconds(lambda: contestant.train(epochs))
    costs = _trace(lambda: contestant.train(epochs))
    products = sum(cost for name, cost in costs.items() if PRODUCTS.search(name))
    values = np.random.default_rng(0).standard_normal((2, PRODUCT, PRODUCT), np.float32)
    yardstick = 2.0 * PRODUCT**3 / _seconds(lambda: values[0] @ values[1])
    features, work = len(rows.features), contestant.networks * epochs
    count = work * operations(len(rows.train.rows), len(rows.validation.rows), features, (width, width))
    # The gradient of the first layer's inputs is not needed.
    multiplied = count - work * 2.0 * len(rows.train.rows) * features * width
    return {
        "width": width,
        "places": contestant.networks,
        "step": 1e6 * whole / steps,
        "products": products / steps,
        "others": {name: cost / steps for name, cost in costs.items() if not PRODUCTS.search(name)},
        "rate": count / whole / yardstick,
        "products_rate": multiplied / (products / 1e6) / yardstick,
        "numpy_rate": _numpy_rate(contestant.networks, (features, width, width, 1)) / yardstick,
        "yardstick": yardstick,
    }


def _seconds(work: Callable[[], object]) -> float:
    """Processor time instead of wall time, so that other processes do not count."""
    taken = []
    for _ in range(REPEATS):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


def _trace(work: Callable[[], object]) -> dict[str, float]:
    """Total microseconds of each operation of the program: medians times counts, because traces are noisy."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    level = tf.profiler.experimental.ProfilerOptions(host_tracer_level=3, python_tracer_level=0, device_tracer_level=0)
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder, options=level)
        work()
        tf.profiler.experimental.stop()
        space = xplane_pb2.XSpace()
        (file,) = Path(folder).rglob("*.xplane.pb")
        space.ParseFromString(file.read_bytes())
    taken: dict[str, list[float]] = defaultdict(list)
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                taken[plane.event_metadata[event.metadata_id].name].append(event.duration_ps / 1e6)
    return {name: statistics.median(each) * len(each) for name, each in taken.items() if _is_operation(name)}


def _is_operation(name: str) -> bool:
    """An instruction of the compiled program that contains no other: not its loops, calls or the runtime."""
    if not re.fullmatch(r"[A-Za-z]\w*(\.\d+)?", name) or re.match(r"while|call|conditional|end|Thunk", name):
        return False
    return "." in name or "fusion" in name or bool(PRODUCTS.match(name))


def _numpy_rate(places: int, sizes: Sequence[int]) -> float:
    """Floating point operations in a second of all products of a step, in the order of a step."""
    draw = np.random.default_rng(0)
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    for position, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        given, kernel, error = (
            draw.standard_normal((places, *shape), np.float32)
            for shape in ((BATCH, inputs), (inputs, outputs), (BATCH, outputs))
        )
        pairs += [(given, kernel), (given.transpose(0, 2, 1), error)]
        if position:
            pairs.append((error, kernel.transpose(0, 2, 1)))
    count = sum(2.0 * places * one.shape[1] * one.shape[2] * other.shape[2] for one, other in pairs)

    def multiply(steps: int) -> None:
        for _ in range(steps):
            for one, other in pairs:
                np.matmul(one, other)

    steps = max(1, round(SECONDS / _seconds(lambda: multiply(1))))
    return float(count * steps / _seconds(lambda: multiply(steps)))
