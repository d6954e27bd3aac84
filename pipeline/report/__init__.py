"""The report of a study: a page, figures and tables of rows, all drawn from one value, `contents.Contents`."""
