"""As a program: a whole small study of classes like "nan", and everything that it says and stores but for times."""

import hashlib
import json
import os
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.faults import small_study as small

LABELS = ("0", "1", "nan", "10", "-1")
TIMES = re.compile(r"\d+(\.\d+)? (s|ms|min)\b|took .*|\d{4}-\d\d-\d\dT[\d:.]+Z")
WRITTEN = ("best.txt", "worst_rows.csv", "test_predictions.csv", "ensemble-mean.json", "ensemble-greedy.json")


def table(path: Path) -> None:
    """Classes that all look like numbers, one of them like none; categories, gaps and groups."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=120), "b": rng.choice(["x", "y", "zz", "w"], 120)})
    frame["g"], frame["y"] = [f"g{row // 3}" for row in range(120)], [LABELS[row % 5] for row in range(120)]
    frame.loc[[3, 17], "a"] = np.nan
    frame.to_parquet(path)


def main(folder: Path) -> None:
    os.chdir(folder)
    table(Path("n.parquet"))
    with pytest.MonkeyPatch.context() as patch:
        small.stand_in(patch, workers=3)
        answer = small.run(Path(), data="n.parquet", target="y", task="classification", group="g", ignore="g")
        verified = small.command("ledger", "verify", "study")
    study = Path("study")
    content = {name: hashlib.sha256((study / name).read_bytes()).hexdigest() for name in WRITTEN}
    content |= {path: hashlib.sha256(data).hexdigest() for path, data in small.weights(study).items()}
    for path in sorted(study.glob("models/*/preprocessing.skops")):
        content[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    said = [TIMES.sub("", line) for line in (answer.output + verified.output).splitlines()]
    summary = [TIMES.sub("", line) for line in (study / "summary.md").read_text().splitlines()]
    stored = json.loads((study / "study.json").read_text())["fingerprint"]
    print(json.dumps([said, summary, content, stored, [repr(each) for each in small.facts(study)]]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
