"""What a study tells people: a page, pictures and lists of rows, all drawn from one value, `contents.Contents`."""
