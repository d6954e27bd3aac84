"""The tasks by name: those of this folder, and the user's own that were imported into this process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pipeline.errors import UserError
from pipeline.tasks import classification, regression
from pipeline.tasks.task import Metric, Target, Task

TASKS: Final[Mapping[str, Task]] = {task.name: task for task in (regression.TASK, classification.TASK)}
"""`--task auto` asks them from the last to the first, which takes what is left."""

FIRST: Final = next(task for task in TASKS.values() if task.unsaid)
"""The only task once: what is stored and names no task is of it."""

UNSAID: Final[Mapping[str, str]] = {"task": FIRST.name, "class_weights": FIRST.weightings[0]}
"""What a fingerprint without these fields means."""

LoadObject = Callable[..., object]
"""`plugins.load_object`: from a `module:object` and the words of what it should be to what it is."""

_used: Final[dict[str, Task]] = {}  # the user's own, by the name that the user gave


def is_own(name: object) -> bool:
    """True for the name of a task of the user's own."""
    return isinstance(name, str) and ":" in name


def use(name: str, load_object: LoadObject) -> Task:
    """Import the task that the user names; `load` and `restore` know it from then on.

    Args:
        name: One of `TASKS`, or a `module:object` from the user, never from a file.
        load_object: `plugins.load_object`, which imports.

    Returns:
        The task.

    Raises:
        UserError: There is no such task, or the object is not a `Task` of that name.
    """
    if is_own(name) and name not in _used:
        task = load_object(name, expected="a pipeline.tasks.Task")
        if not isinstance(task, Task):
            raise UserError(f"{name} is not a task", expected="a pipeline.tasks.Task", got=type(task).__name__)
        if task.name != name:
            raise UserError(
                f"The task {name} has another name than the one that it is imported by",
                expected=f"name={name!r}: a study says by it what has to be named to open it",
                got=repr(task.name)[:100],
            )
        _used[name] = task
    return load(name)


def load(name: object) -> Task:
    """The task of that name. Nothing is imported, so the name may come from a file.

    Raises:
        UserError: There is no such task, or it is one of the user's own that the user did not name.
    """
    task = TASKS.get(name) or _used.get(name) if isinstance(name, str) else None
    if task is not None:
        return task
    if is_own(name):
        raise UserError(
            f"{name} is a task that is not part of this program",
            expected="its name from you: a study folder never leads to an import",
            hint=f"name it if you trust it: --task {name}, or load_top_models(..., task=...)",
        )
    raise UserError(f"There is no task {name!r:.100}", expected=f"{', '.join(TASKS)}, or module:object of yours")


def restore(about: Mapping[str, Any]) -> Target:
    """The target that `describe` took apart.

    Raises:
        ValueError, KeyError, TypeError: `describe` never writes this.
        UserError: The target belongs to a task of the user's own that the user did not name.
    """
    given = dict(about)
    name = given.pop("task", FIRST.name)
    if name not in list(TASKS) and not is_own(name):
        raise ValueError("it does not name a task")
    return load(name).restore(given)


def for_targets(kinds: Sequence[str]) -> tuple[Task, str]:
    """The task that target columns of these kinds call for, and the reason if it is not the obvious one."""
    for task in reversed([*TASKS.values()]):
        why = task.accepts(kinds)
        if why is not None:
            return task, why
    raise AssertionError("the first task takes everything")


def metrics(names: Sequence[str], load_object: LoadObject) -> tuple[Metric, ...]:
    """Import the metrics that the user names.

    Args:
        names: References of the form `module:object`.
        load_object: `plugins.load_object`, which imports.

    Returns:
        The metrics, in the order of the names.

    Raises:
        UserError: A name does not lead to a `Metric`, or two metrics have the same name.
    """
    found: dict[str, Metric] = {
        metric.name: metric for task in (*TASKS.values(), *_used.values()) for metric in task.metrics
    }
    own = []
    for name in names:
        metric = load_object(name, expected="a pipeline.tasks.Metric")
        if not isinstance(metric, Metric):
            raise UserError(f"{name} is not a metric", expected="module:object, of a pipeline.tasks.Metric")
        if metric.name in found and found[metric.name] is not metric:
            raise UserError(f"Two metrics have the name {metric.name}", hint=f"rename that of {name}")
        found[metric.name] = metric
        own.append(metric)
    return tuple(own)
