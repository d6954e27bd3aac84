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
    plain = _without_empty_texts(frame)
    mixed = [name for name in plain.columns if pd.api.types.infer_dtype(plain[name]).startswith("mixed")]
    plain = plain.assign(**{name: plain[name].map(str, na_action="ignore") for name in mixed})
    plain.to_parquet(content, engine="pyarrow", index=False)
    return content.getvalue()


def columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """The values of each column as plain Python values, by the name of the column; None for missing ones."""
    plain = _without_empty_texts(frame)
    return {str(name): plain[name].astype(object).where(plain[name].notna(), None).tolist() for name in plain.columns}


def _without_empty_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with empty texts as missing values, which they are in a text file: a column of numbers stays one."""
    texts = [name for name in frame.columns if frame[name].dtype == object]
    return frame.assign(**{name: frame[name].where(frame[name] != "", None) for name in texts})
