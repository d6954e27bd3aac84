"""Standard output and standard error that take every character, whatever the encoding of the terminal or the pipe."""

from __future__ import annotations

import io
import sys
from typing import Final

_REFUSING: Final = frozenset({"strict", "surrogateescape"})  # ways to encode that raise UnicodeEncodeError


def take_every_character() -> None:
    """Let both streams print `?` for a character that they lack: no text may end a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in _REFUSING:
            stream.reconfigure(errors="replace")
