"""What a report says of one task alone: the module that the task names, a `TaskReport`."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from pipeline.analysis.verdict import Verdict
from pipeline.report.contents import Contents
from pipeline.tasks import Task


class TaskReport(Protocol):
    """What the module of a task's `report` offers."""

    def headline(self, contents: Contents) -> str:
        """What follows the objective of the best configuration in the first sentence, from its comma on; or nothing."""
        ...

    def sections(self, contents: Contents) -> list[str]:
        """Headings, tables and sentences of the page about the outputs and the worst rows."""
        ...

    def worst_rows_csv(self, verdict: Verdict) -> str:
        """The test rows that the best configurations get most wrong, as CSV text; a header without any."""
        ...

    def test_predictions_csv(self, verdict: Verdict) -> str:
        """What the best configuration predicts for every test row, as CSV text; a header without any."""
        ...


def load(task: Task) -> TaskReport:
    """The module of the task: of this folder, or wherever the user's own task says."""
    return cast("TaskReport", import_module(task.report))
