"""The workbook: what people see of a study, drawn from the journal, edited by them, and merged."""
