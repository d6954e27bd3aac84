"""The `compare` command: runs the comparison, prints its progress and its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markdown import Markdown

from pipeline.cli import outputs
from pipeline.cli.console import escaped, line, standard
from pipeline.compare.request import BASELINE, Request, request
from pipeline.compare.studies import Outcome
from pipeline.report.wording import count, duration, number


def compare(
    file: Path | None,
    options: Mapping[str, Any],
    *,
    methods: Sequence[str],
    seeds: int,
    score: float | None,
    numbers: Path | None,
) -> int:
    """Run or resume the comparison, print and write its page, and write every figure to the JSON file `numbers`.

    Raise UserError for what the user can fix, and `typer.Exit` if a signal stopped it.
    """
    asked = request(file, options, methods=methods, seeds=seeds, score=score)
    base = asked.base
    named = (file, base.data, base.validation_data, base.test_data, base.space)
    inputs = [each for each in named if each is not None]
    if numbers is not None:
        outputs.check_json(numbers, inputs)

    from pipeline.cli.interrupts import resumable  # deferred with what trains: mistakes are named at once
    from pipeline.compare.comparing import compare as run
    from pipeline.compare.comparing import write

    console, folder = standard(), asked.base.study
    with resumable(console, folder) as stop:
        console.print(escaped(_intention(asked)))
        with Tally(console, len(asked.searches) * len(asked.seeds)) as tally:
            compared = run(asked, began=tally.begin, finished=tally.add, say=tally.notice, stop=stop)
        if numbers is not None:
            outputs.check_json(numbers, inputs)  # once more: the studies have their files now
        page = write(compared, folder, numbers)
    console.print(Markdown(page))
    line(console, f"Page, tables and figures: {folder}")
    if numbers is not None:
        line(console, f"All numbers: {numbers}")
    return 0


def _intention(asked: Request) -> str:
    base = asked.base
    searches = len(asked.searches) * len(asked.seeds)
    besides = " and the default network" if BASELINE in asked.methods else ""
    budget = f"{base.trainings} trainings"
    if base.seconds:
        budget = f"{base.seconds:g} seconds and at most {budget}"
    return (
        f"Comparing {', '.join(asked.searches)}{besides} on {base.data}, {count(len(asked.seeds), 'seed')}:"
        f" {searches} {'search' if searches == 1 else 'searches'} of {budget} each, studies below {base.study}"
    )


class Tally:
    """Shows which search is running, if on a terminal, and the result of each."""

    def __init__(self, console: Console, searches: int) -> None:
        self._console = console
        self._searches = searches
        self._done = 0
        self._running = console.status("")

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._running.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.stop()

    def begin(self, method: str, seed: int) -> None:
        """Show that a search begins."""
        self._running.update(f"{method}, seed {seed}: search {self._done + 1} of {self._searches} is running")

    def add(self, outcome: Outcome) -> None:
        """Print a line for a search that has finished, now or in an earlier run."""
        self._done += 1
        self._console.print(
            f"[{self._done} of {self._searches}] {outcome.method}, seed {outcome.seed}:"
            f" validation {number(outcome.validation)}, test {number(outcome.test)};"
            f" {count(outcome.trained, 'training')}, {outcome.borrowed} of them shared, worth"
            f" {outcome.trainings:.1f} full ones; {duration(outcome.seconds)}",
            markup=False,
        )

    def notice(self, text: str) -> None:
        """Print a notice of the running search."""
        self._console.print(f"  {escaped(text)}")
