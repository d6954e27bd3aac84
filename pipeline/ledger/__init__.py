"""The ledger: the journal is the truth, the workbook is its view for people."""
