"""A module whose import ends the process the first time, as a kill in the middle of importing TensorFlow does."""

import os
import signal
from pathlib import Path

FLAG = Path(os.environ["DEADLY_IMPORT"]) / f"core-{min(os.sched_getaffinity(0))}"

if not FLAG.exists():
    FLAG.touch()
    os.kill(os.getpid(), signal.SIGKILL)
