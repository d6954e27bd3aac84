"""What a worker does without while it imports TensorFlow; a module of that name stands in for it."""

import subprocess
import sys
import threading

import pytest

from pipeline.training import tensorflow_start
from tests.faults.commands import ROOT

TENSORFLOW = """
import types

found = []
try:
    import sklearn.base
except ImportError:
    found.append("no scikit-learn")
config = types.SimpleNamespace(experimental=types.SimpleNamespace(
    enable_op_determinism=lambda: found.append("deterministic"),
    enable_tensor_float_32_execution=lambda tf32: found.append(f"tf32 {tf32}"),
))
"""
PROGRAM = """
from pipeline.training import tensorflow_start

tensorflow_start.start(False)
import tensorflow
import sklearn  # what comes afterwards finds it

print(tensorflow.found)
"""


def test_tensorflow_is_imported_without_scikit_learn_which_is_there_afterwards(tmp_path):
    (tmp_path / "tensorflow.py").write_text(TENSORFLOW)
    (tmp_path / "sklearn").mkdir()
    for name in ("__init__.py", "base.py"):
        (tmp_path / "sklearn" / name).write_text("")
    paths = f"import sys; sys.path[:0] = {[str(tmp_path), str(ROOT)]!r}\n"
    answer = subprocess.run([sys.executable, "-c", paths + PROGRAM], capture_output=True, text=True, check=True)
    assert answer.stdout == "['no scikit-learn', 'deterministic', 'tf32 False']\n"


def test_other_threads_find_what_is_left_out(tmp_path, monkeypatch):
    (tmp_path / "left_out_here.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(tensorflow_start, "LEFT_OUT", {"left_out_here"})
    found = []

    def look() -> None:
        import left_out_here  # type: ignore[import-not-found]

        found.append(left_out_here.__name__)

    other = threading.Thread(target=look)
    with tensorflow_start.left_out():
        with pytest.raises(ModuleNotFoundError, match="left out"):
            look()
        other.start()
        other.join()
    assert found == ["left_out_here"]
    sys.modules.pop("left_out_here")
    look()
    assert len(found) == 2
