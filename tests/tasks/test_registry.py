"""Which task targets ask for, and the tasks and metrics that a user names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline import tasks
from pipeline.errors import UserError
from pipeline.tasks import Metric
from pipeline.tasks.regression import Quantities


@pytest.mark.parametrize(
    ("kinds", "task", "why"),
    [
        (["number"], "regression", ""),
        (["number", "number"], "regression", ""),
        (["truth"], "classification", "true and false are classes"),
        (["text"], "classification", "texts are classes"),
        (["number", "text"], "classification", "texts are classes"),
        (["truth", "truth"], "regression", ""),
        (["date"], "regression", ""),
    ],
)
def test_targets_ask_for_a_task(kinds: list[str], task: str, why: str) -> None:
    found, reason = tasks.for_targets(kinds)
    assert (found.name, reason) == (task, why)


def test_a_fingerprint_says_nothing_of_the_first_task_and_all_of_others() -> None:
    assert tasks.FIRST.facts("none") == {}
    assert tasks.load("classification").facts("balanced") == {"task": "classification", "class_weights": "balanced"}
    assert tasks.UNSAID == {"task": "regression", "class_weights": "none"}
    assert [task.name for task in tasks.TASKS.values() if task.unsaid] == ["regression"]


def test_a_users_task_is_known_once_the_user_named_it() -> None:
    own = replace(tasks.FIRST, name="somewhere:OWN", unsaid=False)
    named: list[str] = []

    def load_object(name: str, *, expected: str) -> object:
        named.append(name)
        return own

    with pytest.raises(UserError, match="never leads to an import"):
        tasks.restore({"task": own.name})
    with pytest.raises(UserError, match="has another name"):
        tasks.use("somewhere:ELSE", load_object)
    assert tasks.use(own.name, load_object) is own is tasks.load(own.name)
    assert tasks.use(own.name, load_object) is own
    assert named == ["somewhere:ELSE", own.name]
    about = {"task": own.name, "names": ["y"], "scale": [1.0], "offset": [0.0]}
    assert tasks.restore(about) == Quantities(("y",), (1.0,), (0.0,))


def test_a_metric_of_the_users_follows_those_of_the_task_and_decides_nothing() -> None:
    def load_object(name: str, *, expected: str) -> object:
        return {"m:WORST": worst, "m:NONE": never, "m:MAE": replace(worst, name="mae"), "m:BROKEN": broken}[name]

    def fails(*_: np.ndarray) -> float:
        raise KeyError("that")

    worst = Metric("worst", "worst", lambda truth, said, _: float(np.max(np.abs(truth - said))))
    never, broken = Metric("never", "never", lambda *_: float("nan")), Metric("broken", "broken", fails)
    target, ones = Quantities(("y",), (1.0,), (0.0,)), np.ones((3, 1))
    further = tasks.metrics(["m:WORST", "m:NONE"], load_object)
    found = tasks.scores(target, ones, 3 * ones, ones[:, 0], further)["y"]
    assert list(found) == ["mae", "rmse", "r2", "percent", "largest", "worst"]
    assert found["worst"] == 2
    with pytest.raises(UserError, match="Two metrics have the name mae"):
        tasks.metrics(["m:MAE"], load_object)
    with pytest.raises(UserError, match="metric broken raised KeyError"):
        tasks.scores(target, ones, ones, ones[:, 0], tasks.metrics(["m:BROKEN"], load_object))
