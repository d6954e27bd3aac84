"""Which search finds the best network in the fewest trainings: real trainings, several seeds, one table. See --help."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `scripts` is a folder of the checkout, not installed

from pipeline.cli.compare import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
