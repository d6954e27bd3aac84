"""What docs/tables.md says of a cell is what the program does."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from pipeline.data.cells import ERRORS, WORDS, number, numbers, text
from pipeline.errors import UserError

PAGE = (Path(__file__).parents[2] / "docs" / "tables.md").read_text()


def documented() -> Iterator[tuple[str, str, str]]:
    """Cell, what it is among numbers and what among texts, as the page says."""
    section = PAGE.split("## Cells")[1].split("\n\n")[1]
    for line in section.splitlines()[2:]:
        first, among_numbers, among_texts = (part.strip() for part in line.strip("|").split("|"))
        written = re.findall(r"`([^`]+)`", among_texts) or [among_texts]
        spelled = re.findall(r"`([^`]+)`", first)
        for place, cell in enumerate(spelled):
            yield cell, among_numbers, written[place] if len(written) == len(spelled) else written[0]


@pytest.mark.parametrize(("cell", "among_numbers", "among_texts"), [*documented()])
def test_cells_are_what_the_page_says(cell: str, among_numbers: str, among_texts: str) -> None:
    if among_numbers == "refused":
        with pytest.raises(UserError):
            numbers(pd.Series([cell], dtype=object), "Input 'a'")
    elif among_numbers.startswith("missing"):
        found = number(cell)
        assert found is not None
        assert math.isnan(found)
    else:
        assert number(cell) == float(among_numbers)
    expected = {"as they are": cell, "a text like every other, and counted": cell, "missing, and counted": ""}
    assert text(cell) == expected.get(among_texts, among_texts)


def test_the_page_names_the_words_for_missing_cells() -> None:
    named = {cell for cell, among_numbers, _ in documented() if among_numbers.startswith("missing")}
    assert named <= WORDS | ERRORS
    assert {"NA", "nan", "None", "null", "#DIV/0!"} <= named
