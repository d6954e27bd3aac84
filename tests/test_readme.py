"""Every command and every example of the README works as it stands, but for smaller numbers."""

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

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()
COMPARED = ["--trainings", "10", "--seeds", "1", "--epochs", "2", "--methods", "random", "halving", "--slots", "cpu:1"]
SMALL = ["--configurations", "2", "--repeats", "2", "--calls", "1", "--elite", "1", "--epochs", "3", "--slots", "cpu:1"]


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


@pytest.fixture
def home(tmp_path):
    """A checkout with the tables that the README speaks of, small ones."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(120, 3)), columns=["MedInc", "HouseAge", "AveRooms"])
    frame["MedHouseVal"] = frame["MedInc"] + 0.1 * rng.normal(size=120)
    frame.to_csv(tmp_path / "housing.csv", index=False)
    frame.to_csv(tmp_path / "california_housing.csv", index=False)
    frame.drop(columns="MedHouseVal").to_csv(tmp_path / "new.csv", index=False)
    pd.DataFrame(
        {
            "ID": range(150),
            "Age": rng.integers(18, 80, 150),
            "Profession": rng.choice(["Artist", "Doctor"], 150),
            "Segmentation": rng.choice(["A", "B", "C"], 150),
        }
    ).to_csv(tmp_path / "customer_segmentation.csv", index=False)
    codes = {name: rng.integers(1, 4, 150) for name in ("OperatingSystems", "Browser", "Region", "TrafficType")}
    visits = pd.DataFrame({**codes, "PageValues": rng.normal(size=150), "Revenue": rng.random(150) < 0.3})
    visits.to_csv(tmp_path / "online_shoppers.csv", index=False, sep=";")
    (settings,) = [block for block in blocks("toml") if block.startswith("# study.toml")]
    (tmp_path / "study.toml").write_text(settings)
    for folder in ("search_spaces", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def try_out(words, home):
    small = SMALL if "run_pipeline" in words[0] else COMPARED if "compare" in words[0] else []
    answer = subprocess.run([sys.executable, *words, *small], cwd=home, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, (words, answer.stderr)


def has_a_study_of_its_own(words):
    return "compare" in words[0] or any(word.endswith(".settings.toml") for word in words)


@pytest.mark.long
@pytest.mark.slow
def test_the_commands_of_other_networks_data_and_comparisons_run(home):
    alone = [words for words in scripts() if has_a_study_of_its_own(words)]
    assert len(alone) == 8
    for words in alone:
        try_out(words, home)


@pytest.mark.long
@pytest.mark.slow
def test_the_commands_of_a_study_and_the_program_run(home):
    for words in scripts():
        if has_a_study_of_its_own(words):
            continue
        if words[1] == "import":  # a colleague's ledger of the same study
            (home / "colleague").mkdir()
            shutil.copy(home / "results" / "housing" / "ledger.xlsx", home / "colleague" / "ledger.xlsx")
        try_out(words, home)
    assert len(pd.read_csv(home / "predictions.csv")) == len(pd.read_csv(home / "together.csv")) == 120
    (program,) = blocks("python")
    checked = program + "\nassert list(predicted.columns) == ['MedHouseVal', 'MedHouseVal spread']\n"
    subprocess.run([sys.executable, "-c", checked], cwd=home, check=True)
