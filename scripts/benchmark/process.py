"""A separate process for each library: pinned, with one thread, controlled by lines of JSON. See `answers`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from pipeline.workers.process import environment
from pipeline.workers.slots import Slot

ROOT: Final = Path(__file__).resolve().parents[2]
OWN: Final = ("engine", "pipeline", "workers", "profile")  # run with the same environment as the product's workers


class Worker:
    """One such process; leaving the `with` block ends it. Raise RuntimeError with the reason if it cannot answer."""

    def __init__(self, library: str, cores: Sequence[int], log: Path) -> None:
        variables = dict(environment(Slot("cpu0", tuple(cores[:1]))))
        if library not in OWN:
            del variables["TF_DETERMINISTIC_OPS"]  # not used by others, and may cost time
        paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        self._log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, this package
                [sys.executable, "-m", "scripts.benchmark.answers", library, ",".join(map(str, cores))],
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
