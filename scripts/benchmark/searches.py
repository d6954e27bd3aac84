"""Whole searches: this pipeline's stage 1, KerasTuner and Optuna around Keras `fit`, over the same configurations.

Each gets a new process, so imports, starts of workers and compilations count. The peers train the configurations that
the pipeline drew, so that none is lucky, and stop when their time is up. `seconds` of their answers are from the first
configuration to the last, and `epochs` has one entry for each finished one.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipeline.data.rows import Rows, load_rows

SPACE: Final = """
hidden_layers = { type = "integer", low = 1, high = 3 }
units         = { type = "integer", low = 8, high = 64, step = 8, per = "hidden_layers" }
activation    = { type = "choice", values = ["relu", "tanh"] }
learning_rate = { type = "real", low = 5e-4, high = 1e-2, scale = "log" }
"""
BATCH: Final = 32
Asked = Mapping[str, Any]


def pipeline(asked: Asked) -> dict[str, Any]:
    """Stage 1 with everything else in a run: baseline, ledger, saved models, verdict, report.

    Answers with the configurations in the order drawn, and the total epochs of the repeats of each.
    """
    from pipeline.run.launch import launch
    from pipeline.run.prepare import prepare
    from pipeline.settings import Settings

    folder = Path(asked["folder"])
    file = folder / "space.toml"
    file.write_text(SPACE)
    prepared = prepare(Settings(**asked["settings"], space=file, study=folder / "study", calls=0))
    finished = launch(prepared, observe=lambda _: None, say=lambda _: None, stop=lambda: False)
    explored = finished.contents.result.explored
    return {
        "configurations": [_plain(each.configuration.as_dict()) for each in explored],
        "epochs": [each.epochs_run * each.repeats for each in explored],
        "seconds": finished.contents.elapsed,
        "trained_seconds": finished.contents.seconds,
    }


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"units": list(values["units"]), "activation": values["activation"], "rate": values["learning_rate"]}


def optuna(asked: Asked) -> dict[str, Any]:
    """`study.optimize` with one fit for each repeat."""
    import keras  # noqa: F401 - its import belongs to the start, not to the first training
    import optuna as library

    library.logging.set_verbosity(library.logging.ERROR)
    rows, began = load_rows(Path(asked["rows"])), time.monotonic()
    epochs: list[int] = []

    def objective(trial: Any) -> float:
        depth = trial.suggest_int("hidden_layers", 1, 3)
        units = [trial.suggest_int(f"units_{layer}", 8, 64, step=8) for layer in range(depth)]
        activation = trial.suggest_categorical("activation", ["relu", "tanh"])
        rate = trial.suggest_float("learning_rate", 5e-4, 1e-2, log=True)
        found = [_fit(asked, rows, units, activation, rate) for _ in range(asked["repeats"])]
        epochs.append(sum(count for _, count in found))
        return float(np.mean([value for value, _ in found]))

    def stop(study: Any, _: Any) -> None:
        if time.monotonic() - began > asked["budget"]:
            study.stop()

    study = library.create_study(sampler=library.samplers.RandomSampler(seed=0))
    for configuration in asked["configurations"]:
        study.enqueue_trial(_values(configuration))
    study.optimize(objective, n_trials=len(asked["configurations"]), callbacks=[stop])
    return {"epochs": epochs, "seconds": time.monotonic() - began}


def _values(configuration: Mapping[str, Any]) -> dict[str, Any]:
    units = configuration["units"]
    each = {f"units_{layer}": width for layer, width in enumerate(units)}
    shared = {"activation": configuration["activation"], "learning_rate": configuration["rate"]}
    return {"hidden_layers": len(units), **each, **shared}


def _fit(asked: Asked, rows: Rows, units: Sequence[int], activation: str, rate: float) -> tuple[float, int]:
    """The best validation MAE and the epochs of one training."""
    import keras

    keras.utils.clear_session()
    model = _model(rows, units, activation, rate)
    history = model.fit(rows.train.inputs, rows.train.outputs, **_how(asked, rows)).history["val_mae"]
    return min(history), len(history)


def _model(rows: Rows, units: Sequence[int], activation: str, rate: float) -> Any:
    import keras

    hidden = [keras.layers.Dense(width, activation=activation) for width in units]
    model = keras.Sequential([keras.Input((rows.train.inputs.shape[1],)), *hidden, keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(rate), loss="mse", metrics=["mae"])
    return model


def _how(asked: Asked, rows: Rows) -> dict[str, Any]:
    import keras

    stopping = keras.callbacks.EarlyStopping(
        monitor="val_mae", mode="min", patience=asked["patience"], restore_best_weights=True
    )
    held = (rows.validation.inputs, rows.validation.outputs)
    return {
        "validation_data": held, "epochs": asked["epochs"], "batch_size": BATCH, "callbacks": [stopping], "verbose": 0
    }  # fmt: skip


def kerastuner(asked: Asked) -> dict[str, Any]:
    """`RandomSearch` with an execution for each repeat; its draws are replaced by the given configurations."""
    import keras_tuner

    rows, began = load_rows(Path(asked["rows"])), time.monotonic()
    epochs: list[int] = []

    class Counted(keras_tuner.HyperModel):  # type: ignore[misc]  # the library has no types
        def build(self, hp: Any) -> Any:
            units = [hp.Int(f"units_{layer}", 8, 64, step=8) for layer in range(hp.Int("hidden_layers", 1, 3))]
            activation = hp.Choice("activation", ["relu", "tanh"])
            return _model(rows, units, activation, hp.Float("learning_rate", 5e-4, 1e-2, sampling="log"))

        def fit(self, _: Any, model: Any, *given: Any, **how: Any) -> Any:
            history = model.fit(*given, **how)
            epochs.append(len(history.history["loss"]))
            return history

    left: Iterator[Mapping[str, Any]] = iter(asked["configurations"])

    def draw(_: str) -> dict[str, Any]:
        configuration = next(left, None) if not epochs or time.monotonic() - began < asked["budget"] else None
        if configuration is None:
            return {"status": "STOPPED"}
        return {"status": "RUNNING", "values": _values(configuration)}

    with tempfile.TemporaryDirectory() as folder:
        tuner = keras_tuner.RandomSearch(
            Counted(),
            objective=keras_tuner.Objective("val_mae", "min"),
            max_trials=len(asked["configurations"]),
            executions_per_trial=asked["repeats"],
            directory=folder,
            overwrite=True,
        )
        tuner.oracle.populate_space = draw
        tuner.search(rows.train.inputs, rows.train.outputs, **_how(asked, rows))
    count, seconds = asked["repeats"], time.monotonic() - began
    each = [sum(epochs[first : first + count]) for first in range(0, len(epochs), count)]
    return {"epochs": each, "seconds": seconds}


def workers(asked: Asked) -> dict[str, Any]:
    """Trainings per second on one and on two pinned workers, a rate for each round; programs are compiled before."""
    from pipeline import space
    from pipeline.models import mlp
    from pipeline.run.parcels import rows_parcel
    from pipeline.storage import atomic
    from pipeline.training.jobs import TrainJobs, jobs_of
    from pipeline.training.protocol import Protocol
    from pipeline.trial import Training
    from pipeline.workers.local import LocalPlaces
    from pipeline.workers.pool import Workers
    from pipeline.workers.slots import Slot

    protocol = Protocol(
        "mlp", "mse", 1_000_000, 0.0, seed=0, space=mlp.complete(space.parse({"batch_size": BATCH})), engine="packed"
    )
    file = Path(asked["rows"])
    rows = rows_parcel(file, atomic.sha256(file))
    train = TrainJobs((rows.digest,), protocol)
    work = [Training(mlp.BASELINE, asked["epochs"], index) for index in range(asked["trainings"])]
    slots = [Slot(f"cpu{position}", (core,)) for position, core in enumerate(asked["cores"])]
    rates: dict[int, list[float]] = {1: [], 2: []}
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        logs = Path(folder)
        pools = {
            count: stack.enter_context(Workers(LocalPlaces(slots[:count], logs), lambda: False)) for count in rates
        }
        for count, pool in pools.items():
            short = jobs_of([replace(each, epochs=1) for each in work], protocol, count)
            _trained(pool.run(train, short, needs=lambda _: (rows,)))
        for _ in range(asked["rounds"]):
            for count, pool in pools.items():
                began = time.perf_counter()
                done = _trained(pool.run(train, jobs_of(work, protocol, count), needs=lambda _: (rows,)))
                rates[count].append(done / (time.perf_counter() - began))
    return {"one": rates[1], "two": rates[2]}


def _trained(finished: Iterator[Any]) -> int:
    answers = [each for job in finished for each in (job.answer or ())]
    if not answers or any(each.error for each in answers):
        raise RuntimeError(f"{len(answers)} trainings: {[each.error for each in answers if each.error][:1]}")
    return len(answers)


RUN: Final[Mapping[str, Callable[[Asked], dict[str, Any]]]] = {
    "pipeline": pipeline,
    "kerastuner": kerastuner,
    "optuna": optuna,
    "workers": workers,
}
