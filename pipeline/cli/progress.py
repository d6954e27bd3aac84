"""Progress of a search: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import time
from types import TracebackType
from typing import Self

from rich import progress as bars
from rich.console import Console
from rich.text import Text

from pipeline import running_time
from pipeline.report.wording import count
from pipeline.run.events import Asked, Committed, Event
from pipeline.tasks import FIRST, Task
from pipeline.trial import Stage
from pipeline.tuning.study import Plan

PLAIN_SECONDS = 10.0  # between two plain lines
ENOUGH = 10  # trainings needed to estimate a rate
TITLES = {"baseline": "default network", "explore": "stage 1", "refine": "stage 2", "imported": ""}


class Progress:
    """Shows stage, done and total, best so far and time left, from the events of a run."""

    def __init__(self, console: Console, plan: Plan, task: Task = FIRST, seconds: float = 0.0) -> None:
        self._console = console
        self._objective = task
        self._limit = seconds or math.inf  # of the run
        self._totals: dict[Stage, int] = {
            "baseline": plan.budget.repeats,
            "explore": plan.explore_trainings,
            "refine": plan.refine_trainings,  # how often contenders are retrained is known only at the end
        }
        self._stage: Stage = "baseline"
        self._done = dict.fromkeys(self._totals, 0)
        self._known = 0
        self._failed = 0
        self._best = math.inf
        self._started = running_time.seconds()
        self._spoken = -math.inf
        self._bar = bars.Progress(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(),
            bars.MofNCompleteColumn(),
            bars.TextColumn("{task.fields[note]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None, note="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """Print a permanent line."""
        self._console.print(Text(text))

    def observe(self, event: Event) -> None:
        """Show an event."""
        if isinstance(event, Asked):
            if event.stage != self._stage:
                self._conclude()
            self._stage = event.stage
            # An exhausted space needs fewer trainings than planned, and searches may end early.
            if event.stage != "refine":
                self._totals[event.stage] = self._done[event.stage] + event.trainings
            if event.stage == "baseline":  # asked for again at the end, with all its trainings
                self._known -= self._done[event.stage]
                self._done[event.stage] = 0
            self._done[event.stage] += event.known
            self._known += event.known
        else:
            self._done[self._stage] += 1
            self._failed += event.repeat.failed
            self._best = event.best
        self._show(isinstance(event, Committed))

    def _conclude(self) -> None:
        if self._done[self._stage]:
            self.say(
                f"{TITLES[self._stage]} done: {count(self._done[self._stage], 'training')}{self._note(left=False)}"
            )

    def _show(self, moved: bool) -> None:
        total = max(self._totals[self._stage], self._done[self._stage])
        if self._console.is_terminal:
            self._bar.update(
                self._task,
                description=TITLES[self._stage],
                completed=self._done[self._stage],
                total=total,
                note=self._note(left=True).removeprefix(", "),
            )
        elif moved and time.monotonic() - self._spoken > PLAIN_SECONDS:
            self._spoken = time.monotonic()
            self.say(
                f"{TITLES[self._stage]}: {self._done[self._stage]} of {count(total, 'training')}{self._note(left=True)}"
            )

    def _note(self, *, left: bool) -> str:
        task, best = self._objective, self._best
        parts = [f"best {task.objective} {task.shown(best):.4f}" if math.isfinite(best) else ""]
        parts.append(f"{self._failed} failed" if self._failed else "")
        parts.append(self._left() if left else "")
        return "".join(f", {part}" for part in parts if part)

    def _left(self) -> str:
        """Time left for all stages, from the rate so far; known trainings take no time."""
        trained = sum(self._done.values()) - self._known
        missing = sum(self._totals.values()) - sum(self._done.values())
        if trained < ENOUGH or missing < 1:
            return ""
        elapsed = running_time.seconds() - self._started
        seconds = max(0.0, min(elapsed / trained * missing, self._limit - elapsed))
        minutes = math.ceil(seconds / 60)
        return f"about {minutes} min left" if seconds > 90 else f"about {math.ceil(seconds)} s left"
