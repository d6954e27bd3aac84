"""The terminal: writing to it, and showing untrusted text safely."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import IO, Final, TextIO, cast

from rich.console import Console

from pipeline.storage.streams import take_every_character

PLAIN_WIDTH: Final = 140  # columns of output to a file or a pipe


def escaped(text: str) -> str:
    """Escape a text for the console: no control characters, no markup of its own."""
    # Texts from files can contain terminal commands: colours, titles, fake answers.
    plain = "".join(each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in text)
    return plain.replace("[", r"\[")


def standard() -> Console:
    """Standard output, as wide as the terminal or as plain text; silent once its reader is gone.

    Characters that the terminal lacks are replaced.
    """
    take_every_character()
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    return Console(file=cast("IO[str]", Output(sys.stdout)), width=width, highlight=False, emoji=False)


def line(console: Console, text: str) -> None:
    """Print a text, escaped, without breaking its lines, so that paths can be copied."""
    console.print(escaped(text), soft_wrap=True)


def complain(error: Exception) -> None:
    """Print an error that the user can fix, on standard error."""
    take_every_character()
    console = Console(stderr=True, soft_wrap=True, highlight=False, emoji=False)
    console.print(f"[bold red]Error:[/] {escaped(str(error))}")


class Output(io.TextIOBase):
    """Standard output that ignores a closed terminal or pipe, so that a run outlives them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream  # not sys.stdout at each call: a progress bar replaces it by a stream that writes here

    def write(self, text: str) -> int:
        """Write, unless the reader is gone."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Flush, unless the reader is gone."""
        self._try(self._stream.flush)

    def isatty(self) -> bool:
        """Same as for standard output."""
        return self._stream.isatty()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Same as for standard output."""
        return self._stream.encoding

    def _try(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())  # so is what is still buffered
            os.close(nowhere)
