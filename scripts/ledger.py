"""Check, redraw and join ledgers: the `ledger` commands under the name that a script has. See --help."""

from pipeline.cli.commands import script

if __name__ == "__main__":
    script("ledger")
