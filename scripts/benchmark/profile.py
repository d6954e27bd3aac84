"""The profile of a compiled program: what its matrix products cost, what the rest, and what the limit of both is.

A program is traced operation by operation while it trains on one pinned core. Beside it the same process measures the
yardstick, a product of large float32 matrices, and NumPy's products of exactly the sizes that a step has: forward,
gradient of the inputs, gradient of the kernel. What NumPy reaches with these is what a program without any other
operation could reach; what the program's own products reach is its limit as long as it multiplies as it does.
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
DEAREST: Final = 8  # operations that are named
SECONDS: Final = 0.3  # of a measurement of NumPy's products
REPEATS: Final = 5  # of each measurement: the median counts


@dataclass(frozen=True, slots=True)
class Profile:
    """What was measured of a width: microseconds of a step of all places, rates as parts of the yardstick."""

    width: int
    places: int
    step: float  # untraced
    products: float
    others: Mapping[str, float]  # operations that are no products
    rate: float  # of the whole step
    products_rate: float  # if the step had nothing but its products
    numpy_rate: float  # if these were NumPy's
    yardstick: float  # floating point operations in a second, of the product of large matrices

    @property
    def between(self) -> float:
        """What no operation accounts for: the loop, the start of each operation, evaluation, the host."""
        return max(0.0, self.step - self.products - sum(self.others.values()))


def main(words: Sequence[str]) -> int:
    """Measure and print; 2 and a clear text for what a user can mend."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--core", type=int, help="the core to measure on [the last that may be used]")
    options.add_argument("--epochs", type=int, default=3, help="epochs of each measurement [3]")
    options.add_argument("--json", type=json_path, help="file for every figure: {name: value}")
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
        console.print(f"Figures: {asked.json}")
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
        title="A step of all places in us, and the rates of the step, of its products and of NumPy's, of a large one's",
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
    table = Table("units", "operation", "us per step", title="The dearest operations that are no products")
    for each in profiles:
        for name, cost in sorted(each.others.items(), key=lambda item: -item[1])[:DEAREST]:
            table.add_row(f"{each.width}-{each.width}", name, f"{cost:.1f}")
    return table


# ------------------------------------------------------------------------------------------ in the pinned process


def measure(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a `Profile`, as they travel."""
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
    # The gradient of the first layer's inputs is nobody's.
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
    """Of the core, not of the clock: what else runs on it does not count."""
    taken = []
    for _ in range(REPEATS):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


def _trace(work: Callable[[], object]) -> dict[str, float]:
    """Microseconds of each operation of the program in all: medians times counts, for a trace is disturbed at times."""
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
    """An instruction of the compiled program that holds no other: its loops and calls, and the runtime, are none."""
    if not re.fullmatch(r"[A-Za-z]\w*(\.\d+)?", name) or re.match(r"while|call|conditional|end|Thunk", name):
        return False
    return "." in name or "fusion" in name or bool(PRODUCTS.match(name))


def _numpy_rate(places: int, sizes: Sequence[int]) -> float:
    """Floating point operations in a second of all products of a step, one after the other as a step needs them."""
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
