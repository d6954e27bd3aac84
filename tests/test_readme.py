"""Every command and every example of the README works as it stands, but for smaller numbers."""

import re
import subprocess
import sys
import tomllib

import pandas as pd
import pytest

from pipeline import models, space
from pipeline.models import mlp
from pipeline.settings import Settings
from tests.readme import ROOT, blocks, commands, scripts


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


@pytest.mark.slow
@pytest.mark.parametrize("words", scripts(), ids=" ".join)
def test_a_command_of_the_readme_runs(readme, words):
    answer = readme.answer(words)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.slow
def test_predictions_are_there_and_the_program_runs(readme):
    readme.answer(scripts()[-1])
    assert len(pd.read_csv(readme.home / "predictions.csv")) == len(pd.read_csv(readme.home / "together.csv")) == 120
    (program,) = blocks("python")
    checked = program + "\nassert list(predicted.columns) == ['MedHouseVal', 'MedHouseVal spread']\n"
    subprocess.run([sys.executable, "-c", checked], cwd=readme.home, check=True)
