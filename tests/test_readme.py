"""Every command and every example of the README works as it stands, but for smaller numbers.

Two of them and the program are started as they stand there, in processes of their own; the others run in this process
(see `warm`), which starts TensorFlow once for all. Their studies of other networks are read by models/test_studies.py.
"""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import models, space
from pipeline.models import mlp
from pipeline.settings import Settings
from tests import warm

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()
SMALL = ["--configurations", "2", "--repeats", "2", "--calls", "1", "--elite", "1", "--epochs", "3", "--slots", "cpu:1"]
COMPARED = ["--trainings", "10", "--seeds", "1", "--epochs", "2", "--methods", "random", "halving", "--slots", "cpu:1"]
KERAS = ["--repeats", "1", "--max-repeats", "1", "--epochs", "1", "--top", "2"]  # of networks that it trains, slowly
OTHER_NETWORKS = ("recurrent", "resnet_rate")
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
    assert len(found) == 20
    return found


def test_make_has_its_targets():
    makefile = (ROOT / "Makefile").read_text()
    targets = [words[1] for words in commands() if words[0] == "make"]
    assert targets == ["demo", "test"]
    assert all(f"\n{target}:" in makefile for target in targets)


def test_the_space_of_the_readme_is_one():
    (text,) = [block for block in blocks("toml") if "hidden_layers" in block]
    assert space.size(mlp.complete(space.parse(tomllib.loads(text)))) is None


def test_every_space_and_settings_file_is_sound():
    for path in (ROOT / "search_spaces").glob("*.toml"):
        if path.name.endswith(".settings.toml"):
            settings = Settings.model_validate(tomllib.loads(path.read_text()))
            models.load(settings.model).complete(space.load(ROOT / settings.space))
        elif not path.with_suffix(".settings.toml").exists():
            mlp.complete(space.load(path))


def test_the_drawing_names_every_room():
    (drawing,) = [block for block in blocks("") if block.startswith("pipeline/")]
    for entry in sorted((ROOT / "pipeline").iterdir()):
        if entry.name not in {"__init__.py", "__pycache__"}:
            assert re.search(rf"\b{re.escape(entry.name)}", drawing), entry.name


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


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A checkout with those tables."""
    folder = tmp_path_factory.mktemp("readme")
    tables(folder)
    (settings,) = [block for block in blocks("toml") if block.startswith("# study.toml")]
    (folder / "study.toml").write_text(settings)
    for name in ("search_spaces", "scripts"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def smaller(words: list[str]) -> list[str]:
    """What makes a command of the README small."""
    if words[0].endswith("compare.py"):
        return COMPARED
    if not words[0].endswith("run_pipeline.py"):
        return []
    return [*SMALL, *KERAS] if any(name in words[-1] for name in OTHER_NETWORKS) else SMALL


@pytest.fixture(scope="session")
def answers(home):
    """How each command ended, in the order of the README: later ones read what earlier ones made."""
    found = {}
    for words in scripts():
        if words[1] == "import":  # a colleague's ledger of the same study
            (home / "colleague").mkdir()
            shutil.copy(home / "results" / "housing" / "ledger.xlsx", home / "colleague" / "ledger.xlsx")
        whole = [*words, *smaller(words)]
        if any(words[-1].endswith(each) for each in PROCESSES):
            answer = subprocess.run([sys.executable, *whole], cwd=home, capture_output=True, text=True, check=False)
        else:
            answer = warm.script(home, whole[0].removeprefix("scripts/"), *whole[1:])
        found[tuple(words)] = answer
    return found


slow = [pytest.mark.slow, pytest.mark.xdist_group("readme")]


@pytest.mark.parametrize("words", [pytest.param(words, id=" ".join(words), marks=slow) for words in scripts()])
def test_a_command_of_the_readme_runs(answers, words):
    answer = answers[tuple(words)]
    assert answer.returncode == 0, answer.stderr


@pytest.mark.slow
@pytest.mark.xdist_group("readme")
def test_predictions_are_there_and_the_program_runs(answers, home):
    assert len(pd.read_csv(home / "predictions.csv")) == len(pd.read_csv(home / "together.csv")) == 120
    (program,) = blocks("python")
    checked = program + "\nassert list(predicted.columns) == ['MedHouseVal', 'MedHouseVal spread']\n"
    subprocess.run([sys.executable, "-c", checked], cwd=home, check=True)
