"""Nothing that a run says or stores depends on the order of a set, which differs from process to process."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def begun(folder: Path, seed: int) -> "subprocess.Popen[str]":
    folder.mkdir()
    words = [sys.executable, "-m", "tests.run.hash_seed_run", str(folder)]
    env = {**os.environ, "PYTHONHASHSEED": str(seed)}
    return subprocess.Popen(words, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_two_processes_with_other_hashes_say_and_store_the_same(tmp_path):
    running = [begun(tmp_path / str(seed), seed) for seed in (3, 5)]
    first, other = (json.loads(each.communicate()[0].splitlines()[-1]) for each in running)
    assert [each.returncode for each in running] == [0, 0]
    said, _, content, _, _ = first
    (classes,) = re.findall(r"5 classes \((.*?) of the training", " ".join(said))
    assert [each.split()[0] for each in classes.split(", ")] == ["-1", "0", "1", "10", "nan"]
    assert any("study is sound" in line for line in said)
    assert len(content) > 20
    for ours, theirs in zip(first, other, strict=True):
        assert theirs == ours
