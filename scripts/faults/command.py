"""Kill drivers and workers of a real study at random, resume it each time, and report what was lost."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Final

from pipeline.cli.outputs import write_json
from scripts.asked import json_path, parsed
from scripts.faults.storm import Tally, Weather, storm

ROOT: Final = Path(__file__).resolve().parents[2]
SCRIPT: Final = ROOT / "scripts" / "run_pipeline.py"
SPACE: Final = """\
hidden_layers = { type = "integer", low = 1, high = 2 }
units = { type = "integer", low = 4, high = 20, per = "hidden_layers" }
learning_rate = { type = "real", low = 1e-3, high = 5e-2, scale = "log" }
activation = { type = "choice", values = ["relu", "tanh"] }
"""
OPTIONS: Final = {
    "data": "builtin:diabetes",
    "target": "target",
    "configurations": "12",
    "repeats": "3",
    "elite": "2",
    "calls": "4",
    "epochs": "60",
    "patience": "20",
    "top": "2",
}
CALM: Final = (0.1, 12.0)  # seconds that a driver lives after its start, its first worker or its first commit


def main(words: Sequence[str]) -> int:
    """Kill, resume, check, and print the findings; return 1 if there are any."""
    asked = parsed(parser(), words)
    began = time.monotonic()
    with ExitStack() as stack:
        folder = asked.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            print(f"Error: {folder} is not empty.", file=sys.stderr)
            return 2
        (folder / "space.toml").write_text(SPACE)
        options = {**OPTIONS, "slots": asked.slots, "space": str((folder / "space.toml").resolve())}

        def command(where: Path) -> list[str]:
            given = {**options, "study": str((where / "study").resolve())}
            flags = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)]
            return [sys.executable, str(SCRIPT), *flags, *asked.options]

        weather = Weather(CALM, asked.kills, asked.seed)
        tally = storm(command, folder.resolve(), weather, lambda text: print(text, flush=True), PYTHONPATH=str(ROOT))
    seconds = time.monotonic() - began
    for line in told(tally, seconds):
        print(line)
    if asked.json:
        content = {**asdict(tally), "kills": tally.kills, "seed": asked.seed, "seconds": round(seconds, 1)}
        write_json(asked.json, content, sort_keys=False)
    return 0 if tally.sound else 1


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    options = argparse.ArgumentParser(description=__doc__, epilog="Further options go to run_pipeline.py.")
    options.add_argument("--kills", type=int, default=100, help="drivers and workers to kill [100]")
    options.add_argument("--seed", type=int, default=0, help="seed of the times and the victims [0]")
    options.add_argument("--json", type=json_path, help="file for the findings")
    options.add_argument("--folder", type=Path, help="empty folder for the studies; they are kept [a temporary one]")
    options.add_argument("--slots", default="auto", help="workers of each study, as run_pipeline.py takes them [auto]")
    options.add_argument(
        "options", nargs="*", help="after --: options of run_pipeline.py, which override the built-in ones"
    )
    return options


def told(tally: Tally, seconds: float) -> list[str]:
    """The figures and every finding."""
    lines = [
        f"kills {tally.kills}: drivers {tally.driver_kills}, workers {tally.worker_kills}",
        f"lost {len(tally.lost)}, doubled {len(tally.doubled)}, orphans {len(tally.orphans)}",
        f"damaged {len(tally.damaged)}, differing from the undisturbed run {len(tally.differing)}",
        f"studies brought to their end {tally.studies}, {seconds:.0f} s in all",
        f"last process gone at most {tally.slowest:.2f} s after its driver",
    ]
    for name in ("lost", "doubled", "orphans", "damaged", "differing", "ended"):
        lines += [f"{name}: {each}" for each in getattr(tally, name)]
    return lines
