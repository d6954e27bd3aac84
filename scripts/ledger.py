"""Check, redraw and join ledgers: the `ledger` commands under the name that a script has."""

from pipeline.cli.commands import ledger

if __name__ == "__main__":
    ledger()
