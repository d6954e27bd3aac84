"""What trainings cost with this product and with others on one pinned core: tables, a figure, JSON. See --help."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `scripts` is a folder of the checkout, not installed

from scripts.benchmark.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
