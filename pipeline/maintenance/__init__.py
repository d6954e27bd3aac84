"""Commands for a study that no run is working on: check it, draw its workbook, import results of another."""
