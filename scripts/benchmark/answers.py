"""The program of a benchmark process: it answers requests, one line of JSON each, until there are no more."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any


def main(library: str, cores: str) -> None:
    """Answer requests until there are no more."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in cores.split(",")})
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print what they like
    from scripts.benchmark import profile, searches

    answering = {**searches.RUN, "profile": profile.measure}

    contestants: dict[int, tuple[Any, int]] = {}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "prepare" in request:
                answer = _prepare(request, contestants)
            elif "round" in request:
                answer = _round(*contestants[request["round"]])
            else:
                answer = answering[library](request)
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
