"""The workbook that people read and edit: drawn from the journal, and merged with what they made of it."""
