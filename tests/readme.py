"""The commands of the README, made small, and what they leave behind: run once in a session, read by several tests.

Two of them are started as they stand there, in processes of their own; the others run in this process (see `warm`),
which starts TensorFlow once for all.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from tests import warm

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()
SMALL = ["--configurations", "2", "--repeats", "2", "--calls", "1", "--elite", "1", "--epochs", "3", "--slots", "cpu:1"]
COMPARED = ["--trainings", "10", "--seeds", "1", "--epochs", "2", "--methods", "random", "halving", "--slots", "cpu:1"]
KERAS = ["--configurations", "1", "--repeats", "1", "--max-repeats", "1", "--epochs", "1", "--top", "2"]  # it is slow
OTHER_NETWORKS = ("recurrent", "resnet_rate")
DEPTH = re.compile(r"^(hidden_layers\s*=) \{.*$", re.MULTILINE)  # a range of a space
PROCESSES = ("demo.settings.toml", "predictions.csv")  # commands with these words are started in a process


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    return [text for kind, text in found if kind == language]


def commands() -> list[list[str]]:
    joined = "\n".join(blocks("sh")).replace("\\\n", " ")
    return [shlex.split(line, comments=True) for line in joined.splitlines() if line.strip()]


def scripts() -> list[list[str]]:
    """The commands that start a script, without the interpreter."""
    found = [words[1:] for words in commands() if words[0].endswith("python") and words[1].startswith("scripts/")]
    assert len(found) == 23
    return found


def tables(folder: Path) -> None:
    """The tables that the README speaks of, small ones."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(120, 3)), columns=["MedInc", "HouseAge", "AveRooms"])
    frame["MedHouseVal"] = frame["MedInc"] + 0.1 * rng.normal(size=120)
    frame.to_csv(folder / "housing.csv", index=False)
    frame.to_csv(folder / "california_housing.csv", index=False)
    frame.drop(columns="MedHouseVal").to_csv(folder / "new.csv", index=False)
    pd.DataFrame(
        {
            "ID": range(150),
            "Age": rng.integers(18, 80, 150),
            "Profession": rng.choice(["Artist", "Doctor"], 150),
            "Segmentation": rng.choice(["A", "B", "C"], 150),
        }
    ).to_csv(folder / "customer_segmentation.csv", index=False)
    codes = {name: rng.integers(1, 4, 150) for name in ("OperatingSystems", "Browser", "Region", "TrafficType")}
    visits = pd.DataFrame({**codes, "PageValues": rng.normal(size=150), "Revenue": rng.random(150) < 0.3})
    visits.to_csv(folder / "online_shoppers.csv", index=False, sep=";")


def checkout(folder: Path) -> None:
    """What the commands find where they are started: the repository's files, and those tables."""
    tables(folder)
    (settings,) = [block for block in blocks("toml") if block.startswith("# study.toml")]
    (folder / "study.toml").write_text(settings)
    for name in ("search_spaces", "scripts"):
        shutil.copytree(ROOT / name, folder / name)
    for path in (folder / "search_spaces").glob("*.toml"):
        if path.stem not in OTHER_NETWORKS:  # as deep as the default network: each depth has a program to compile
            path.write_text(DEPTH.sub(r"\1 2", path.read_text()))


def smaller(words: list[str]) -> list[str]:
    """What makes a command of the README small."""
    if words[0].endswith("compare.py"):
        return COMPARED
    if not words[0].endswith("run_pipeline.py"):
        return []
    if any(name in words[-1] for name in OTHER_NETWORKS):
        return [*SMALL, *KERAS]
    return [*SMALL, "--trainings", "10"] if "--trainings" in words else SMALL


class Commands:
    """The commands of the README, each of them run at most once."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._answers: dict[tuple[str, ...], warm.Answer | subprocess.CompletedProcess[str]] = {}

    def answer(self, words: list[str]) -> warm.Answer | subprocess.CompletedProcess[str]:
        """How the command ended, after those that stand before it: it reads what they made."""
        for each in scripts():
            self._run_once(each)
            if each == words:
                break
        return self._answers[tuple(words)]

    def study(self, settings: str) -> Path:
        """The study that a settings file makes, which needs no other command."""
        (words,) = [each for each in scripts() if each[-1] == f"search_spaces/{settings}.settings.toml"]
        answer = self._run_once(words)
        assert answer.returncode == 0, answer.stderr
        return self.home / "results" / settings

    def _run_once(self, words: list[str]) -> warm.Answer | subprocess.CompletedProcess[str]:
        if tuple(words) not in self._answers:
            self._answers[tuple(words)] = self._run(words)
        return self._answers[tuple(words)]

    def _run(self, words: list[str]) -> warm.Answer | subprocess.CompletedProcess[str]:
        if words[1] == "import":  # a colleague's ledger of the same study
            (self.home / "colleague").mkdir()
            shutil.copy(self.home / "results" / "housing" / "ledger.xlsx", self.home / "colleague" / "ledger.xlsx")
        whole = [*words, *smaller(words)]
        if words[-1].endswith(PROCESSES):
            return subprocess.run([sys.executable, *whole], cwd=self.home, capture_output=True, text=True, check=False)
        return warm.script(self.home, whole[0].removeprefix("scripts/"), *whole[1:])
