"""The packed engine against `model.fit`, and against itself in other company."""

import itertools
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import space as spaces
from pipeline.data import tables
from pipeline.data.rows import prepare_rows
from pipeline.models import Signature, mlp
from pipeline.tasks.classification import Classes
from pipeline.tasks.regression import Quantities
from pipeline.training import keras_fit, packed, program, shapes
from pipeline.training.jobs import jobs_of
from pipeline.training.protocol import Protocol, seeds, utc_now
from pipeline.trial import Configuration, Training

EVERYTHING = {
    "hidden_layers": {"type": "integer", "low": 0, "high": 2},
    "units": {"type": "integer", "low": 3, "high": 64, "per": "hidden_layers"},
    "learning_rate": {"type": "real", "low": 1e-3, "high": 3e-2, "scale": "log"},
    "activation": {"type": "choice", "values": list(mlp.ACTIVATIONS), "per": "hidden_layers"},
    "optimizer": {"type": "choice", "values": list(mlp.OPTIMIZERS)},
    "l1": {"type": "real", "low": 0.0, "high": 1e-3},
    "l2": {"type": "real", "low": 0.0, "high": 1e-2, "per": "hidden_layers"},
    "weight_decay": {"type": "real", "low": 0.0, "high": 1e-2},
    "momentum": {"type": "real", "low": 0.0, "high": 0.9},
    "nesterov": {"type": "choice", "values": [True, False]},
    "clip_norm": {"type": "choice", "values": [0.0, 0.5, 2.0]},
    "schedule": {"type": "choice", "values": list(mlp.SCHEDULES)},
    "initializer": {"type": "choice", "values": list(mlp.INITIALIZERS)},
    "batch_size": 50,
}
LOSSES = ("mse", "mae", "huber")
SIMPLE = {
    "hidden_layers": {"type": "integer", "low": 1, "high": 2},
    "units": {"type": "integer", "low": 3, "high": 20, "per": "hidden_layers"},
    "learning_rate": {"type": "real", "low": 1e-3, "high": 3e-2, "scale": "log"},
    "dropout": {"type": "real", "low": 0.0, "high": 0.4},
}


def protocol(entries, **changes):
    searched = mlp.complete(spaces.parse(entries))
    return replace(Protocol("mlp", "mse", 3, 0.0, seed=7, space=searched, engine="packed"), **changes)


@pytest.fixture(scope="module")
def rows():
    table = tables.read("builtin:diabetes", targets=("target",))
    return prepare_rows(table, validation=0.2, test=0.2, seed=0, input_scaler="standard", output_scaler="standard")[0]


@pytest.fixture(scope="module")
def weighted(rows):
    """Two outputs on different scales, and rows of different weight."""
    rng = np.random.default_rng(0)

    def changed(part):
        second = np.square(part.inputs[:, :1]) + part.outputs
        return replace(
            part,
            outputs=np.concatenate([part.outputs, second], axis=1).astype(np.float32),
            measured=np.concatenate([part.measured, 1000 * second], axis=1).astype(np.float64),
            weights=rng.uniform(0.2, 2.0, len(part.rows)).astype(np.float32),
        )

    target = Quantities(("one", "two"), (*rows.target.scale, 1000.0), (*rows.target.offset, 0.0))
    return replace(
        rows, train=changed(rows.train), validation=changed(rows.validation), test=changed(rows.test), target=target
    )


def sampled(entries, count, seed=0, epochs=4):
    searched = mlp.complete(spaces.parse(entries))
    rng = np.random.default_rng(seed)
    return [Training(spaces.sample(searched, rng), epochs, index % 3) for index in range(count)]


def by_identity(outcomes):
    return {each.training.identity: each for each in outcomes}


def assert_same_bits(one, other):
    assert one.error == other.error
    assert (one.objective, one.best_epoch, one.epochs_run) == (other.objective, other.best_epoch, other.epochs_run)
    assert all(np.array_equal(a, b) for a, b in zip(one.weights, other.weights, strict=True))
    assert (one.curve is None) == (other.curve is None)
    if one.curve is not None:
        for name in ("epochs", "training", "validation"):
            assert np.array_equal(getattr(one.curve, name), getattr(other.curve, name)), name


def each_once(loss: str) -> list[Training]:
    """A third of the activations and of the optimizers, each in a training that has something of everything else."""
    third = slice(LOSSES.index(loss), None, len(LOSSES))
    activations, optimizers = list(mlp.ACTIVATIONS)[third], list(mlp.OPTIMIZERS)[third]
    drawn = sampled(EVERYTHING, 40, seed=LOSSES.index(loss))
    deep = [each for each in drawn if each.configuration["hidden_layers"] == 2]
    named = itertools.zip_longest(activations, optimizers, fillvalue=None)
    return [with_these(training, *names) for training, names in zip(deep, named, strict=False)]


def with_these(training: Training, activation: str | None, optimizer: str | None) -> Training:
    values: dict[str, Any] = training.configuration.as_dict()
    layers = (activation, values["activation"][1]) if activation else values["activation"]
    return replace(
        training,
        configuration=Configuration.of({**values, "activation": layers, "optimizer": optimizer or values["optimizer"]}),
    )


def test_every_activation_and_optimizer_is_compared_with_keras():
    compared: list[dict[str, Any]] = [each.configuration.as_dict() for loss in LOSSES for each in each_once(loss)]
    assert {each["activation"][0] for each in compared} == set(mlp.ACTIVATIONS)
    assert {each["optimizer"] for each in compared} == set(mlp.OPTIMIZERS)
    assert {each["schedule"] for each in compared} == set(mlp.SCHEDULES)
    assert {each["initializer"] for each in compared} == set(mlp.INITIALIZERS)


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_weights_agree_with_keras_fit(weighted, loss):
    """Every activation and every optimizer once; ten random configurations for each loss in `make soak`.

    All but dropout, whose masks Keras draws elsewhere; see the test below.
    """
    agree(weighted, loss, each_once(loss))


@pytest.mark.soak
@pytest.mark.parametrize("loss", LOSSES)
def test_weights_of_random_configurations_agree_with_keras_fit(weighted, loss):
    agree(weighted, loss, sampled(EVERYTHING, 10, seed={"mse": 1, "mae": 2, "huber": 3}[loss]))


def agree(weighted, loss, trainings):
    agreed = protocol(EVERYTHING, loss=loss)
    outcomes = by_identity(packed.train(trainings, weighted, agreed))
    for reference in keras_fit.train(trainings, weighted, agreed):
        mine = outcomes[reference.training.identity]
        assert mine.error == reference.error == ""
        assert mine.epochs_run == reference.epochs_run
        assert mine.objective == pytest.approx(reference.objective, rel=2e-3)
        for one, other in zip(mine.weights, reference.weights, strict=True):
            # Rules that divide by the size of a gradient magnify rounding where a gradient is nearly zero.
            assert np.abs(one - other).max() <= 5e-3 * max(1.0, np.abs(other).max()), reference.training


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["binary_crossentropy", "categorical_crossentropy"])
def test_cross_entropies_agree_with_keras_fit(rows, loss):
    """Logits of above the mean or not: the same weights, stopped by the log loss after the same epoch."""
    binary = loss == "binary_crossentropy"
    target = Classes(("progress",), ("low", "high"), (0.5, 0.5), 1 if binary else 2)

    def classes(part):
        above = (part.outputs > 0).astype(np.float64)
        return replace(part, outputs=target.to_scaled(above).astype(np.float32), measured=above)

    parts = {name: classes(getattr(rows, name)) for name in ("train", "validation", "test")}
    labelled = replace(rows, **parts, target=target)
    study = protocol(SIMPLE, loss=loss)
    base = {**mlp.BASELINE.as_dict(), "hidden_layers": 1, "units": (12,), "learning_rate": 0.03}
    trainings = [Training(Configuration.of(base), 80, index) for index in range(2)]
    outcomes = by_identity(packed.train(trainings, labelled, study))
    for reference in keras_fit.train(trainings, labelled, study):
        mine = outcomes[reference.training.identity]
        assert mine.error == reference.error == ""
        assert (mine.best_epoch, mine.epochs_run) == (reference.best_epoch, reference.epochs_run)
        assert mine.epochs_run == mine.best_epoch + study.patience < 80
        assert mine.objective == pytest.approx(reference.objective, rel=1e-4)
        for one, other in zip(mine.weights, reference.weights, strict=True):
            assert np.abs(one - other).max() <= 1e-4


@pytest.mark.slow
def test_a_worker_does_not_grow_with_the_number_of_configurations():
    """Five hundred configurations after the first fifty, in a process of their own: less than 50 MB."""
    program_text = textwrap.dedent("""
        import numpy as np, psutil
        from pipeline import space as spaces
        from pipeline.data import tables
        from pipeline.data.rows import prepare_rows
        from pipeline.models import mlp
        from pipeline.training import packed
        from pipeline.training.protocol import Protocol
        from pipeline.trial import Training
        table = tables.read("builtin:diabetes", targets=("target",))
        scalers = {"input_scaler": "standard", "output_scaler": "standard"}
        rows, _ = prepare_rows(table, validation=0.2, test=0.2, seed=0, **scalers)
        entries = {
            "hidden_layers": {"type": "integer", "low": 1, "high": 2},
            "units": {"type": "integer", "low": 4, "high": 48, "per": "hidden_layers"},
            "learning_rate": {"type": "real", "low": 1e-3, "high": 1e-2, "scale": "log"},
        }
        searched = mlp.complete(spaces.parse(entries))
        study = Protocol("mlp", "mse", 5, 0.0, 7, searched, "packed")
        rng = np.random.default_rng(0)
        sizes = []
        for _ in range(11):
            trained = list(packed.train([Training(spaces.sample(searched, rng), 3, 0) for _ in range(50)], rows, study))
            assert not any(each.error for each in trained)
            sizes.append(psutil.Process().memory_info().rss)
        print(sizes[-1] - sizes[0])
    """)
    answer = subprocess.run(
        [sys.executable, "-c", program_text], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert int(answer.stdout.split()[-1]) < 50e6


@pytest.mark.slow
@pytest.mark.parametrize("watched", ["", "rmse"])
def test_early_stopping_and_best_weights_agree_with_keras_fit(rows, watched):
    patient = replace(protocol(SIMPLE, patience=2), watched=watched)
    base = {**mlp.BASELINE.as_dict(), "hidden_layers": 1, "units": (16,), "learning_rate": 0.02}
    trainings = [Training(Configuration.of(base), 60, index) for index in range(2)]
    outcomes = by_identity(packed.train(trainings, rows, patient))
    for reference in keras_fit.train(trainings, rows, patient):
        mine = outcomes[reference.training.identity]
        assert reference.epochs_run < 60
        assert (mine.epochs_run, mine.best_epoch) == (reference.epochs_run, reference.best_epoch)
        assert mine.objective == pytest.approx(reference.objective, rel=1e-3)
        assert mine.curve is not None
        assert reference.curve is not None
        assert mine.curve.validation == pytest.approx(reference.curve.validation, rel=1e-2)
        if watched:
            errors = mine.curve.validation[-1], (mine.probe - rows.validation.outputs[: len(mine.probe)]).std()
            assert errors[0] == pytest.approx(errors[1], rel=0.7)  # a root of squares, and no square


@pytest.mark.slow
def test_the_curve_is_that_of_keras_fit_and_tells_when_it_began(rows):
    """Without penalties, and with batches that divide the rows, both engines mean the same by the loss of an epoch."""
    study, count = protocol(SIMPLE, patience=2), len(rows.train.rows)
    batch = next(size for size in range(32, count) if count % size == 0)
    base = {**mlp.BASELINE.as_dict(), "hidden_layers": 1, "units": (16,), "learning_rate": 0.02, "batch_size": batch}
    # More trainings than places, so some begin in a place that another one has left.
    trainings = [Training(Configuration.of(base), 40, index) for index in range(10)]
    began = utc_now()
    outcomes = by_identity(packed.train(trainings, rows, study))
    assert all(began <= each.started <= utc_now() for each in outcomes.values())
    assert len({each.started for each in outcomes.values()}) > 1
    began = utc_now()
    for reference in keras_fit.train(trainings[:3], rows, study):
        assert began <= reference.started <= utc_now()
        mine = outcomes[reference.training.identity]
        for each in (mine, reference):
            assert each.curve is not None
            assert each.curve.epochs.tolist() == list(range(1, each.epochs_run + 1))
            assert int(each.curve.validation.argmin()) + 1 == each.best_epoch
            assert each.curve.validation.min() == pytest.approx(each.objective, rel=1e-5)
        assert mine.curve is not None
        assert reference.curve is not None
        assert reference.curve is not None
        assert mine.curve.training == pytest.approx(reference.curve.training, rel=1e-3)
        assert mine.curve is not None
        assert reference.curve is not None
        assert mine.curve.validation == pytest.approx(reference.curve.validation, rel=1e-3)
        assert mine.curve.training[-1] < mine.curve.training[0]


@pytest.mark.slow
def test_bits_do_not_depend_on_company_order_refill_or_interruption(rows):
    study = protocol(SIMPLE)
    trainings = sampled(SIMPLE, 40, epochs=12)
    together = by_identity(packed.train(trainings, rows, study))
    backwards = by_identity(packed.train(trainings[::-1], rows, study))
    alone = by_identity(each for training in trainings[:6] for each in packed.train([training], rows, study))
    assert len(together) == 40  # more than there are places, so places were refilled
    for identity, outcome in together.items():
        assert_same_bits(outcome, backwards[identity])
    for identity, outcome in alone.items():
        assert_same_bits(outcome, together[identity])


@pytest.mark.slow
def test_a_diverging_place_fails_alone(rows):
    entries = {**SIMPLE, "optimizer": {"type": "choice", "values": ["adam", "sgd"]}}
    study = protocol(entries)
    wild = Configuration.of({
        **mlp.BASELINE.as_dict(), "hidden_layers": 1, "units": (8,), "optimizer": "sgd", "learning_rate": 1e20,
    })  # fmt: skip
    tame = [training for training in sampled(entries, 12, epochs=6) if training.configuration["hidden_layers"] == 1]
    apart = by_identity(packed.train(tame, rows, study))
    beside = by_identity(packed.train([Training(wild, 6, 0), *tame], rows, study))
    failed = beside.pop((wild.key, 6, 0))
    assert "diverged" in failed.error
    assert failed.objective is None
    for identity, outcome in apart.items():
        assert_same_bits(outcome, beside[identity])


@pytest.mark.slow
def test_a_failing_program_is_tried_with_fewer_places_and_its_trainings_fail_with_the_reason(rows, monkeypatch):
    tried = []

    def broken(shape):
        tried.append(shape.places)
        raise MemoryError("no room")

    monkeypatch.setattr(program, "compiled", broken)
    (failed,) = packed.train(sampled(SIMPLE, 1), rows, protocol(SIMPLE))
    assert tried == [8, 4, 2, 1]
    assert failed.error == "MemoryError: no room"


@pytest.mark.slow
def test_compiling_is_no_time_of_the_first_trainings(rows, monkeypatch):
    compiled = program.compiled

    def slow(shape):
        advance, calls = compiled(shape), list[int]()

        def called(*arguments):
            if not calls:
                time.sleep(2.0)
            calls.append(1)
            return advance(*arguments)

        return called

    monkeypatch.setattr(program, "compiled", slow)
    trained = list(packed.train(sampled(SIMPLE, 2), rows, protocol(SIMPLE)))
    assert trained
    assert 0 < sum(each.seconds for each in trained) < 2.0


@pytest.mark.slow
def test_dropout_masks_are_bernoulli_and_independent():
    import tensorflow as tf

    from pipeline.training.program import _uniform

    def drawn(seed, step, layer):
        return np.asarray(_uniform(tf.constant(seed, tf.uint32), tf.constant(step), layer, 64, 96))

    base = drawn([1, 2], [5, 5], 0)
    assert base.min() >= 0
    assert base.max() < 1
    for rate in (0.1, 0.5, 0.8):
        kept = (base >= rate).mean()
        assert kept == pytest.approx(1 - rate, abs=4 * np.sqrt(rate * (1 - rate) / base.size))
    others = [base[1], drawn([1], [6], 0)[0], drawn([1], [5], 1)[0], np.roll(base[0], 1, 0), np.roll(base[0], 1, 1)]
    for other in others:
        assert abs(np.corrcoef(base[0].ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(other.size)


@pytest.mark.slow
def test_dropout_trains_the_network_that_keras_would_with_the_same_masks(rows):
    """One step of gradient descent, by hand in NumPy, with the program's own masks."""
    import tensorflow as tf

    from pipeline.training.program import _uniform

    entries = {"optimizer": "sgd", "dropout": 0.3, "batch_size": 266, "learning_rate": 0.1}
    study = protocol(entries)
    configuration = Configuration.of({**mlp.BASELINE.as_dict(), **entries, "hidden_layers": 1, "units": (64,)})
    (trained,) = packed.train([Training(configuration, 1, 0)], rows, study)
    seed, order_seed = seeds(study.seed, 0)
    kernel, bias, last, end = mlp.initial_weights(configuration, Signature(10, 1), seed)
    order = np.random.default_rng(order_seed).permutation(266)
    inputs, outputs = rows.train.inputs[order], rows.train.outputs[order]
    mask = (np.asarray(_uniform(tf.constant([seed], tf.uint32), tf.constant([0]), 0, 266, 64))[0] >= 0.3) / 0.7
    hidden = np.maximum(inputs @ kernel + bias, 0)
    slope = 2 * ((hidden * mask) @ last + end - outputs) / 266
    back = (slope @ last.T) * mask * (hidden > 0)
    expected = [kernel - 0.1 * inputs.T @ back, bias - 0.1 * back.sum(0)]
    expected += [last - 0.1 * (hidden * mask).T @ slope, end - 0.1 * slope.sum(0)]
    for one, other in zip(trained.weights, expected, strict=True):
        assert np.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("high", [20, 64, 96, 100, 128, 200, 512, 1000])
def test_padded_widths_are_few_and_hold_their_units(high):
    entries = {**SIMPLE, "units": {"type": "integer", "low": 1, "high": high, "per": "hidden_layers"}}
    study = protocol(entries)
    widths = set()
    for units in range(1, max(high, 64) + 1):
        configuration = Configuration.of({**mlp.BASELINE.as_dict(), "units": (1, units)})
        first, second = shapes.padded_widths(Training(configuration, 100, 0), study)
        assert first == second >= units
        assert second <= 128 or second < 2 * units + 16
        widths.add(second)
    assert len(widths) <= 1 + np.ceil(np.log2(max(1, high / 128)))


def test_jobs_hold_each_training_once_and_one_program_each():
    trainings = sampled(SIMPLE, 100)
    for workers in (1, 2, 8):
        study = protocol(SIMPLE)
        jobs = jobs_of(trainings, study, workers)
        assert sorted(each.identity for job in jobs for each in job.trainings) == sorted(t.identity for t in trainings)
        assert all(len({shapes.group_of(each, study) for each in job.trainings}) == 1 for job in jobs)
    assert len(jobs_of(trainings, protocol(SIMPLE, engine="keras"), 2)) == 100


def test_the_repeats_of_a_network_that_fills_its_program_are_shared_by_the_workers():
    tapered = Configuration.of({**mlp.BASELINE.as_dict(), "hidden_layers": 4, "units": (500, 250, 60, 9)})
    study = protocol(WIDE, rows=13_000)
    repeats = [Training(tapered, 100, index) for index in range(4)]
    assert [len(job.trainings) for job in jobs_of(repeats[:2], study, 2)] == [1, 1]
    assert [len(job.trainings) for job in jobs_of(repeats, study, 1)] == [2, 2]
    # Places that stay empty cost as much as others: small networks stay together.
    small = [Training(mlp.BASELINE, 100, index) for index in range(4)]
    assert [len(job.trainings) for job in jobs_of(small, study, 2)] == [4]


def test_the_program_depends_on_the_training_and_the_study_alone(rows):
    one = Training(Configuration.of({**mlp.BASELINE.as_dict(), "hidden_layers": 1, "units": (9,)}), 5, 0)
    wider = replace(one, configuration=Configuration.of({**one.configuration.as_dict(), "units": (31,)}))
    study = protocol(SIMPLE)
    assert shapes.shape_of(one, rows, study) == shapes.shape_of(wider, rows, study)
    assert shapes.shape_of(one, rows, study).uses == frozenset({"dropout"})


WIDE_UNITS = {"type": "integer", "low": 1, "high": 512, "per": "hidden_layers"}
WIDE = {**SIMPLE, "dropout": 0.0, "hidden_layers": 4, "units": WIDE_UNITS}


def test_a_wide_network_has_a_program_of_its_own_where_its_padding_costs_more_than_compiling(rows):
    tapered = Configuration.of({**mlp.BASELINE.as_dict(), "hidden_layers": 4, "units": (500, 250, 60, 9)})
    own, shared = (496 + 16, 256, 64, 16), (512,) * 4
    long, short = Training(tapered, 100, 0), Training(tapered, 1, 0)
    assert shapes.padded_widths(long, protocol(WIDE, rows=13_000)) == own
    assert shapes.padded_widths(short, protocol(WIDE, rows=13_000)) == shared
    assert shapes.padded_widths(long, protocol(WIDE, rows=100)) == shared
    assert shapes.padded_widths(long, protocol(WIDE)) == shared
    assert shapes.shape_of(long, rows, protocol(WIDE, rows=13_000)).places == shapes.OWN_PLACES
    narrow = replace(long, configuration=Configuration.of({**tapered.as_dict(), "units": (64, 32, 16, 8)}))
    assert shapes.padded_widths(narrow, protocol(SIMPLE, rows=13_000)) == (64,) * 4
    kinds = {shapes.group_of(each, protocol(WIDE, rows=13_000)) for each in (long, replace(long, index=1), short)}
    assert len(kinds) == 2


@pytest.mark.slow
def test_a_program_of_its_own_gives_what_the_shared_one_gives(rows):
    wide = sampled(WIDE, 1, epochs=2)
    wide += [replace(wide[0], index=1)]
    shared = by_identity(packed.train(wide, rows, protocol(WIDE)))
    own = by_identity(packed.train(wide, rows, protocol(WIDE, rows=10**7)))
    assert {each.program for each in shared.values()} != {each.program for each in own.values()}
    for name, each in shared.items():
        for one, other in zip(each.weights, own[name].weights, strict=True):
            assert np.allclose(one, other, atol=1e-4)
