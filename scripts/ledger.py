"""Check, redraw and import ledgers: the `ledger` commands as a script. See --help."""

from pipeline.cli.commands import script

if __name__ == "__main__":
    script("ledger")
