"""Commands upon a study folder at rest: check it, draw its workbook again, import the results of another."""
