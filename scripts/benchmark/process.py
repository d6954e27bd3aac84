"""A process of its own for each library: pinned, with one thread, asked and answering with lines of JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from pipeline.workers.process import environment
from pipeline.workers.slots import Slot

ROOT: Final = Path(__file__).resolve().parents[2]
OWN: Final = ("engine", "pipeline", "workers")  # run with all that the product sets for its workers


class Worker:
    """One such process; leaving the `with` block ends it. RuntimeError with its reason where it cannot answer."""

    def __init__(self, library: str, cores: Sequence[int], log: Path) -> None:
        variables = dict(environment(Slot("cpu0", tuple(cores[:1]))))
        if library not in OWN:
            del variables["TF_DETERMINISTIC_OPS"]  # nobody else asks for it, and it may cost
        paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        self._log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, this package
                [sys.executable, "-m", "scripts.benchmark.process", library, ",".join(map(str, cores))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                env={**os.environ, **variables, "MKL_NUM_THREADS": "1", "PYTHONPATH": paths},
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Its answer to a request."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process ended; see {self._log}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer


def main(library: str, cores: str) -> None:
    """Answer requests until there are no more."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in cores.split(",")})
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print what they like
    from scripts.benchmark import searches

    contestants: dict[int, tuple[Any, int]] = {}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "prepare" in request:
                answer = _prepare(request, contestants)
            elif "round" in request:
                answer = _round(*contestants[request["round"]])
            else:
                answer = searches.RUN[library](request)
        except Exception as error:  # noqa: BLE001 - whatever a contestant raises is told, and the others go on
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _prepare(request: Mapping[str, Any], contestants: dict[int, tuple[Any, int]]) -> dict[str, Any]:
    """Train an epoch, which compiles, then another few to learn how many epochs fill the time of a round."""
    from scripts.benchmark.contestants import Case, prepare

    began = time.perf_counter()
    case = Case(**{**request["case"], "units": tuple(request["case"]["units"])})
    contestant = prepare(case)
    contestant.train(1)
    first = time.perf_counter() - began
    epochs = request["least"]
    each = _round(contestant, epochs)["ms"] * contestant.networks / 1000
    contestants[request["prepare"]] = (contestant, max(epochs, round(request["seconds"] / each)))
    return {"first_seconds": first, "networks": contestant.networks}


def _round(contestant: Any, epochs: int) -> dict[str, float]:
    """Milliseconds per network and epoch, and the part of the time for which this process had the core."""
    wall, used = time.perf_counter(), time.process_time()
    contestant.train(epochs)
    wall, used = time.perf_counter() - wall, time.process_time() - used
    return {"ms": 1000 * wall / (contestant.networks * epochs), "share": used / wall}


if __name__ == "__main__":
    main(*sys.argv[1:])
