"""The workbook: drawn from the journal, and merged with the user's own changes."""
