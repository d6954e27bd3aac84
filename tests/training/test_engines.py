"""What the registry of engines says: which one trains a model, and how trainings become jobs."""

from __future__ import annotations

import sys

import pytest

from pipeline import models
from pipeline.errors import UserError
from pipeline.space import parse
from pipeline.training import engines
from pipeline.training.jobs import jobs_of
from pipeline.training.protocol import Protocol
from pipeline.trial import Training


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


def test_asking_an_engine_imports_nothing_of_it() -> None:
    before = set(sys.modules)
    assert engines.load("keras").trains("convnet")
    assert not {"tensorflow", "keras"} & (set(sys.modules) - before)
