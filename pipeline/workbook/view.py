"""The contents of the workbook, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.ledger.journal import Contents
from pipeline.ledger.known import best_group, ranking
from pipeline.models import LAYERS, Layers
from pipeline.ranking import front
from pipeline.tasks import FIRST, Task
from pipeline.trial import Repeat, Summary


@dataclass(frozen=True, slots=True)
class View:
    """The derived contents of the workbook."""

    ranking: tuple[Summary, ...]  # best first, every configuration of the study once, including imported ones
    baseline: Summary | None = None  # gets a row without a rank
    repeats: tuple[Repeat, ...] = ()
    elite: frozenset[str] = frozenset()  # keys
    outputs: tuple[str, ...] = ()
    task: Task = FIRST
    layers: Layers = LAYERS
    study: tuple[tuple[str, str], ...] = ()  # (name, value)
    test: Mapping[str, float] = field(default_factory=dict)  # key -> objective on the test rows
    group: Mapping[str, str] = field(default_factory=dict)  # key -> best, as good, ...
    front: Mapping[str, str] = field(default_factory=dict)  # key -> weights, seconds, or both


def view_of(
    contents: Contents,
    *,
    epochs: int,
    outputs: tuple[str, ...],
    task: Task,
    facts: Mapping[str, object],
    elite: frozenset[str],
    test: Mapping[str, float],
    layers: Layers = LAYERS,
) -> View:
    """The view of a study's workbook; `facts` are its settings, fingerprint and versions.

    The outputs are those that the trainings were scored by, and without any training the given ones.
    """
    trained = next((repeat for repeat in contents.repeats if repeat.scores), None)
    everything = ranking(contents, epochs)
    searched = tuple(each for each in everything if each.stage != "baseline")
    return View(
        ranking=searched,
        baseline=next((each for each in everything if each.stage == "baseline"), None),
        repeats=contents.repeats,
        elite=elite,
        outputs=tuple(trained.scores) if trained else outputs,
        task=task,
        layers=layers,
        study=tuple((name, shown(value)) for name, value in facts.items()),
        test=test,
        group=best_group(contents, epochs).marks,
        front=front.marks(searched),
    )


def shown(value: object) -> str:
    """A fact about the study, as text for the sheet *Study*."""
    return ", ".join(str(each) for each in value) if isinstance(value, list | tuple) else str(value)
