"""The terminal: what is written to it, and how foreign text is shown there."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import IO, Final, TextIO, cast

from rich.console import Console

from pipeline.storage.streams import take_every_character

PLAIN_WIDTH: Final = 140  # columns of what goes into a file or a pipe


def escaped(text: str) -> str:
    """A text as the console may print it: no control characters, no markup of its own."""
    # A file can hold what a terminal obeys: colours, titles, answers to questions that nobody asked.
    plain = "".join(each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in text)
    return plain.replace("[", r"\[")


def standard() -> Console:
    """Standard output, at the width of the terminal or of plain text, silent when nobody is left to read it.

    Characters that the terminal lacks are replaced.
    """
    take_every_character()
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    return Console(file=cast("IO[str]", Output(sys.stdout)), width=width, highlight=False, emoji=False)


def line(console: Console, text: str) -> None:
    """Print a text as it is, foreign parts harmless, without breaking its lines: paths can be copied."""
    console.print(escaped(text), soft_wrap=True)


def complain(error: Exception) -> None:
    """Print what the user can fix, on standard error."""
    take_every_character()
    console = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)
    console.print(f"[bold red]Error:[/] {escaped(str(error))}")


class Output(io.TextIOBase):
    """Standard output that falls silent when nobody is left to read it: a run outlives its terminal or its pipe."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream  # and not sys.stdout at each call: a progress bar replaces that by one that writes here

    def write(self, text: str) -> int:
        """Write, or fall silent."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Flush, or fall silent."""
        self._try(self._stream.flush)

    def isatty(self) -> bool:
        """As standard output."""
        return self._stream.isatty()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As standard output."""
        return self._stream.encoding

    def _try(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())  # what is still buffered goes there too
            os.close(nowhere)
