"""What the registry of engines says: which one trains a model, and how trainings become jobs."""

from __future__ import annotations

import math
import sys
from dataclasses import replace

import pytest

from pipeline import models
from pipeline.errors import UserError
from pipeline.space import parse
from pipeline.training import engines
from pipeline.training.jobs import jobs_of, sound
from pipeline.training.protocol import Protocol, Trained
from pipeline.trial import Configuration, Training


def test_every_model_has_an_engine_and_packed_is_for_perceptrons() -> None:
    assert {name: engines.default(name) for name in models.MODELS} == {
        "mlp": "packed",
        "convnet": "keras",
        "recurrent": "keras",
    }
    assert engines.default("mine:build") == "keras"
    for model in (*models.MODELS, "mine:build"):
        engines.check(engines.default(model), model)
    with pytest.raises(UserError, match="does not train --model recurrent"):
        engines.check("packed", "recurrent")
    with pytest.raises(UserError, match="no engine 'fast'"):
        engines.load("fast")


def test_an_engine_that_shares_programs_gets_larger_jobs() -> None:
    space = models.load("mlp").complete(parse({"batch_size": 32}))
    trainings = [Training(models.load("mlp").baseline(space), 3, index) for index in range(100)]
    for engine in engines.ENGINES.values():
        protocol = Protocol("mlp", "mse", 3, 0.0, seed=0, space=space, engine=engine.name)
        sizes = [len(job.trainings) for job in jobs_of(trainings, protocol, 1)]
        assert sum(sizes) == 100
        assert max(sizes) <= 1.5 * engine.largest_job  # cut into equal parts of nearly that size
        assert (max(sizes) > 1) == (engine.sharing is not None)


@pytest.mark.parametrize(
    ("objective", "score"), [(math.nan, 0.5), (math.inf, 0.5), (None, 0.5), (0.5, math.nan), (0.5, -math.inf)]
)
def test_an_outcome_without_finite_figures_has_failed_whatever_its_engine_says(
    objective: float | None, score: float
) -> None:
    training = Training(Configuration.of({"learning_rate": 0.1}), 3, 1)
    given = Trained(training, seed=7, seconds=2.0, threads=1, objective=objective, scores={"y": {"mae": score}})
    found = sound(given)
    assert (found.training, found.seed, found.seconds, found.objective) == (training, 7, 2.0, None)
    assert "not a finite number" in found.error
    whole = replace(given, objective=0.5, scores={"y": {"mae": 0.5}})
    assert sound(whole) is whole
    failed = replace(given, error="diverged in epoch 2")
    assert sound(failed) is failed


def test_asking_an_engine_imports_nothing_of_it() -> None:
    before = set(sys.modules)
    assert engines.load("keras").trains("convnet")
    assert not {"tensorflow", "keras"} & (set(sys.modules) - before)
