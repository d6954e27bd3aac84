"""Spreadsheet files behind one wall: read with what would be lost, written whole or not at all."""
