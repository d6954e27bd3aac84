"""The parts of a report that depend on the task: the module that the task names, a `TaskReport`."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from pipeline.analysis.verdict import Verdict
from pipeline.report.contents import Contents
from pipeline.tasks import Task


class TaskReport(Protocol):
    """The functions of a module that a task names as its `report`."""

    def headline(self, contents: Contents) -> str:
        """The continuation of the first sentence, after the objective of the best configuration; may be empty."""
        ...

    def sections(self, contents: Contents) -> list[str]:
        """Headings, tables and sentences of the page about the outputs and the worst rows."""
        ...

    def worst_rows_csv(self, verdict: Verdict) -> str:
        """The test rows with the largest errors of the best configurations, as CSV text; only a header without any."""
        ...

    def test_predictions_csv(self, verdict: Verdict) -> str:
        """The predictions of the best configuration for every test row, as CSV text; only a header without any."""
        ...


def load(task: Task) -> TaskReport:
    """The module of the task: in this folder, or the one that a user-defined task names."""
    return cast("TaskReport", import_module(task.report))
