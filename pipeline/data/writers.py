"""Write a table as the bytes of a file, or as plain values for other writers: the other direction of `readers`."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final

import pandas as pd

SEPARATORS: Final = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
"""The endings of text files, and what separates cells in them."""


def text(frame: pd.DataFrame, ending: str) -> str:
    """The table as the text of a file with that ending of `SEPARATORS`; missing values are empty."""
    return frame.to_csv(index=False, sep=SEPARATORS[ending], lineterminator="\n")


def parquet(frame: pd.DataFrame) -> bytes:
    """The table as the content of a Parquet file; a column of values of several kinds becomes one of texts."""
    content = BytesIO()
    mixed = [name for name in frame.columns if pd.api.types.infer_dtype(frame[name]).startswith("mixed")]
    plain = frame.assign(**{name: frame[name].map(str, na_action="ignore") for name in mixed})
    plain.to_parquet(content, engine="pyarrow", index=False)
    return content.getvalue()


def columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """The values of each column as plain Python values, by the name of the column."""
    return {str(name): frame[name].astype(object).where(frame[name].notna(), None).tolist() for name in frame.columns}
