"""What the workbook shows, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.tasks import Task
from pipeline.tasks.regression import TASK
from pipeline.trial import Repeat, Summary


@dataclass(frozen=True, slots=True)
class View:
    """Everything that the workbook shows, already derived."""

    ranking: tuple[Summary, ...]  # best first, every configuration of the study once, imported ones as well
    baseline: Summary | None = None  # a row too, without a rank
    repeats: tuple[Repeat, ...] = ()
    elite: frozenset[str] = frozenset()  # keys
    outputs: tuple[str, ...] = ()
    task: Task = TASK
    study: tuple[tuple[str, str], ...] = ()  # (name, value)
    test: Mapping[str, float] = field(default_factory=dict)  # key -> objective on the test rows
    group: Mapping[str, str] = field(default_factory=dict)  # key -> best, as good, ...
    front: Mapping[str, str] = field(default_factory=dict)  # key -> weights, seconds, or both
