"""What the ledger costs in a study of many trials, with random networks instead of trained ones.

`--trials N --json FILE` runs N configurations once each and prints the driver's peak memory, the milliseconds for each
trial of journal and workbook, the seconds until a restarted run knows what is done, and the ratios to a study of 1,000.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `scripts` is a folder of the checkout, not installed

SMALL = 1_000  # trials of the study that the other is compared with
SPACE = """
hidden_layers = { type = "integer", low = 1, high = 3 }
units = { type = "integer", low = 2, high = 12, per = "hidden_layers" }
learning_rate = { type = "real", low = 1e-4, high = 1e-1, scale = "log" }
dropout = { type = "real", low = 0.0, high = 0.5 }
activation = { type = "choice", values = ["relu", "tanh", "swish"] }
"""


@dataclass(slots=True)
class Clock:
    """Seconds spent in functions, by name."""

    spent: dict[str, float] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time counted under the name."""

        @wraps(function)
        def measured(*arguments: Any, **options: Any) -> Any:
            began, processor = time.perf_counter(), time.process_time()
            try:
                return function(*arguments, **options)
            finally:
                for kind, since, now in (("", began, time.perf_counter()), (" cpu", processor, time.process_time())):
                    self.spent[name + kind] = self.spent.get(name + kind, 0.0) + now - since
                self.calls[name] = self.calls.get(name, 0) + 1

        return measured


class Answered(Exception):
    """Ends a restarted run as soon as it knows what is left to do."""


def run(study: Path, trials: int, *, until: bool) -> dict[str, float]:
    """Run the study and measure it; `until` stops a restarted one as soon as it knows what is done."""
    from pipeline import saved_models
    from pipeline.ledger.journal import Journal
    from pipeline.run import launch, prepare
    from pipeline.run.events import Asked, Committed
    from pipeline.settings import Settings
    from pipeline.workbook import book
    from pipeline.workers.pool import StoppedError

    clock = Clock()
    for owner, name in ((book, "write"), (saved_models, "save"), (Journal, "append_repeat")):
        setattr(owner, name, clock.timed(name, getattr(owner, name)))
    space = study.parent / "space.toml"
    space.write_text(SPACE)
    settings = Settings(  # no races, because only the ledger is measured
        data="builtin:diabetes", target=("target",), space=space, study=study, configurations=trials, repeats=1,
        max_repeats=1, calls=0, epochs=3, top=1, engine="keras", slots="cpu:1",
        cluster="scripts.faults.drawing:drawing",
    )  # fmt: skip

    moments: list[float] = []  # processor time, without that for workbooks, at each commit

    def observe(event: object) -> None:
        if isinstance(event, Committed):
            moments.append(time.process_time() - clock.spent.get("write cpu", 0.0))
        elif until and isinstance(event, Asked) and event.stage == "explore":
            raise Answered

    prepare.prepare(settings)  # to import everything first
    gc.collect()
    before, began, processor = _peak(), time.perf_counter(), time.process_time()
    found: dict[str, float] = {}
    try:
        launch.launch(prepare.prepare(settings), observe=observe, say=_silent, stop=lambda: False)
    except (Answered, StoppedError):
        found["scan seconds"] = time.perf_counter() - began
        found["scan processor seconds"] = time.process_time() - processor
    return {
        **found,
        "peak MB": _peak(),
        "peak MB before": before,
        "journal ms": 1000 * clock.spent.get("append_repeat", 0.0) / trials,
        "journal processor ms": 1000 * clock.spent.get("append_repeat cpu", 0.0) / trials,
        "workbook ms": 1000 * clock.spent.get("write", 0.0) / trials,
        "workbook processor ms": 1000 * clock.spent.get("write cpu", 0.0) / trials,
        "workbook drawn": clock.calls.get("write", 0),
        "models ms": 1000 * clock.spent.get("save", 0.0) / trials,
        "first ms": _between(moments[:SMALL]),
        "last ms": _between(moments[-SMALL:]),
        "all ms": 1000 * (time.perf_counter() - began) / trials,
        "processor ms": 1000 * (time.process_time() - processor) / trials,
    }


def _between(moments: Sequence[float]) -> float:
    """Milliseconds from one moment to the next, on average."""
    return 1000 * (moments[-1] - moments[0]) / (len(moments) - 1) if len(moments) > 1 else 0.0


def _silent(_: str) -> None:
    """Ignore the notices of a run."""


def _peak() -> float:
    """The peak memory of this process in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(home: Path, trials: int, *, until: bool = False) -> dict[str, float]:
    """The same in a separate process, so that its memory is measured alone."""
    words = [sys.executable, __file__, "--one", str(home / f"study-{trials}"), "--trials", str(trials)]
    words += ["--until"] if until else []
    answer = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - this file itself
    if answer.returncode:
        raise SystemExit(answer.stderr)
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure, print, and write JSON if requested."""
    from pipeline.cli.outputs import write_json  # deferred: what is measured imports for itself
    from scripts.asked import json_path, parsed

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20_000, help="configurations, trained once each")
    parser.add_argument("--json", type=json_path, help="JSON file for all numbers: {name: value}")
    parser.add_argument("--folder", type=Path, help="folder for the studies, for example on another disk or in memory")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--until", action="store_true", help=argparse.SUPPRESS)
    asked = parsed(parser)
    if asked.one:
        print(json.dumps(run(asked.one, asked.trials, until=asked.until)))
        return
    with tempfile.TemporaryDirectory(dir=asked.folder) as home:
        small = measured(Path(home), min(SMALL, asked.trials))
        large = measured(Path(home), asked.trials) if asked.trials > SMALL else small
        scan = measured(Path(home), asked.trials, until=True)
    figures = {
        "trials": asked.trials,
        "driver peak MB": large["peak MB"],
        "journal ms per trial": large["journal ms"],
        "workbook ms per trial": large["workbook ms"],
        "journal and workbook, processor ms per trial": large["journal processor ms"] + large["workbook processor ms"],
        "restart scan seconds": scan["scan seconds"],
        "restart scan, processor seconds": scan["scan processor seconds"],
        f"trial, the last {SMALL} against the first": large["last ms"] / large["first ms"],
        f"workbook per trial, against {SMALL} trials": large["workbook processor ms"] / small["workbook processor ms"],
        "small": small,
        "large": large,
        "restart": scan,
    }
    for name, value in figures.items():
        if not isinstance(value, dict):
            print(f"{name:48} {value:10.2f}")
    if asked.json:
        write_json(asked.json, figures, sort_keys=False)


if __name__ == "__main__":
    main()
