"""Standard output and standard error that take every character, whatever the encoding of the terminal or the pipe."""

from __future__ import annotations

import codecs
import io
import sys
from typing import Final

_REFUSING: Final = frozenset({"strict", "surrogateescape"})  # ways to encode that raise UnicodeEncodeError
_PLAIN: Final = str.maketrans({"•": "*", "─": "-", "━": "-", "│": "|", "★": "*", "…": "~"})
_HANDLER: Final = "two-stage-search.replace"


def take_every_character() -> None:
    """Let both streams print what is most like a character that they lack, or `?`: no text may end a command."""
    codecs.register_error(_HANDLER, _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in _REFUSING:
            stream.reconfigure(errors=_HANDLER)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """One character for each, so that tables keep their widths."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    plain = error.object[error.start : error.end].translate(_PLAIN)
    return "".join(each if each.isascii() else "?" for each in plain), error.end
