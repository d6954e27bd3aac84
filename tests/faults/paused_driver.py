"""As a program: a driver and its workers, to be stopped and continued as one process group; prints what it hears."""

import sys
from pathlib import Path

from pipeline.workers.local import LocalPlaces
from pipeline.workers.pool import Workers
from pipeline.workers.slots import parse
from tests.workers import chores


def main(folder: Path, limit: float) -> None:
    with Workers(LocalPlaces(parse("cpu:2"), folder), stop=lambda: False) as pool:
        jobs = [("steps", folder / "steps"), ("held", folder / "held")]
        for each in pool.run(chores.begun, jobs, limit=lambda _: limit):
            print(each.job[0], each.answer, each.lost, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
