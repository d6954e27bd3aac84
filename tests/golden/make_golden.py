"""How the golden studies were made; kept to show that, and NOT to be run again to make tests pass.

A golden study says what an older version wrote and read. Written anew, it would say what the present version does,
and prove nothing. What a later version adds gets a folder of its own, beside these.
"""

from __future__ import annotations

import json
import math
import random
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.golden import golden_studies as golden
from tests.golden.golden_studies import HERE, MODEL, MORE, RUN, STUDIES, call

NOT_NEEDED = ("figures", "logs", ".lock")


def _write(path: Path, header: str, rows: Iterable[Sequence[object]]) -> None:
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")


def _tables() -> None:
    """Only the standard library draws: its numbers do not change with versions of packages."""
    draw = random.Random(1)
    rows: list[Sequence[object]] = []
    for number in range(1, 81):
        a, b = round(draw.gauss(0, 1), 3), round(draw.uniform(1, 50), 2)
        colour = draw.choice(["red", "green", "blue"])
        y = round(2 * a + math.sin(b / 8) + {"red": 0.5, "green": 0, "blue": -0.7}[colour] + draw.gauss(0, 0.2), 3)
        z = round(100 + 10 * a * a - b + draw.gauss(0, 1), 2)
        gaps = [value if draw.random() >= share else "" for value, share in ((a, 0.12), (b, 0.08), (colour, 0.1))]
        rows.append([number, *gaps, draw.choice([1, 1, 2, 0.5]), y, z])
    _write(HERE / "gaps" / "table.csv", "id,a,b,colour,weight,y,z", rows)
    new = [[1, 0.5, 20.25, "red"], [2, "", 31.5, "green"], [3, -1.25, "", "blue"], [4, 0.125, 7, "violet"]]
    _write(HERE / "gaps" / "new.csv", "id,a,b,colour", [*new, [5, 1.75, 44, ""]])

    draw, rows = random.Random(2), []
    for _ in range(90):
        u, v, code = round(draw.gauss(0, 1), 3), round(draw.gauss(0, 1), 3), draw.choice(["01", "1a", "10"])
        score = u + 0.5 * v + (0.8 if code == "10" else 0) + draw.gauss(0, 0.4)
        label = "01" if score < -0.4 else "02" if score < 0.7 else "10"
        rows.append([u, v, code, draw.choice([3, 7]), label])
    _write(HERE / "classes" / "table.csv", "u,v,code,shift,label", rows)
    new = [[0.5, -0.5, "01", 3], [-1.5, 0.25, "1", 7], [2, 1, "10", 3], [0.75, 0, "99", 5], ["", -1, "1a", 7]]
    _write(HERE / "classes" / "new.csv", "u,v,code,shift", new)

    draw = random.Random(3)
    waves = [
        [step, round(math.sin(step / 4) + 0.1 * draw.gauss(0, 1), 3), round(math.cos(step / 7) + draw.gauss(0, 0.1), 3)]
        for step in range(109)
    ]
    _write(HERE / "series" / "table.csv", "step,level,wind", waves[:100])
    _write(HERE / "series" / "new.csv", "step,level,wind", waves[100:])

    draw, rows = random.Random(4), []
    for _ in range(60):
        a, b, kind = round(draw.uniform(-2, 2), 3), round(draw.uniform(-2, 2), 3), draw.choice(["x", "y"])
        rows.append([a, b, kind, round(a * b + math.sin(a) + draw.gauss(0, 0.1), 3)])
    _write(HERE / "folds" / "table.csv", "a,b,kind,y", rows)
    new = [[0.5, 1, "x"], [-1.5, 0.25, "y"], ["", 1.5, "x"], [1, -1, "z"]]
    _write(HERE / "folds" / "new.csv", "a,b,kind", new)

    draw, rows = random.Random(5), []
    for _ in range(50):
        a, b = round(draw.uniform(-2, 2), 3), round(draw.uniform(-2, 2), 3)
        rows.append([a, b, round(a - b * b + draw.gauss(0, 0.1), 3)])
    _write(HERE / "own" / "table.csv", "a,b,y", rows)
    _write(HERE / "own" / "new.csv", "a,b", [[0.5, 1], [-1.5, 0.25], [1, -1], [0, 0]])


def _study(name: str) -> None:
    home = HERE / name
    answer = call(home, *RUN)
    assert answer.returncode == 0, answer.stderr
    for each in NOT_NEEDED:
        path = home / "study" / each
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if name in MODEL:
        sys.path.append(str(home))
    expected = {
        "fingerprint": golden.study_json(home)["fingerprint"],
        "stages": golden.stages(home),
        "trainings": golden.trainings(home),
        "ranking": golden.ranking(home, name),
        **golden.opened(home),
        "best.txt": (home / "study" / "best.txt").read_text(),
        "workbook": golden.workbook(home),
        "predictions": golden.predictions(home, name),
        "more": _more(home, name) if name in MORE else [],
    }
    (home / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def _more(home: Path, name: str) -> list[dict[str, object]]:
    """The trainings that one more repeat of everything adds."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(shutil.copytree(home, Path(scratch) / name))
        answer = call(copy, *RUN, *golden.more_of(name))
        assert answer.returncode == 0, answer.stderr
        return golden.trainings(copy)[len(golden.trainings(home)) :]


def main() -> None:
    """Write everything that is not there; what is there stays as it is."""
    if (HERE / "processor.json").exists():
        sys.exit("The golden studies are there, and are never written again.")
    _tables()
    for name in STUDIES:
        _study(name)
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(shutil.copytree(HERE / "gaps", Path(scratch) / "gaps"))
        found = golden.processor(copy)
    (HERE / "processor.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
