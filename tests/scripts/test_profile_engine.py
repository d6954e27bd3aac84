"""What counts as an operation of the program, the names of the figures, and a small profile of the real program."""

import math

import pytest

from pipeline.workers.slots import available_cores
from scripts.benchmark import plan, profile
from scripts.benchmark.process import Worker
from scripts.benchmark.profile import Profile


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("MatMul_1.20", True),
        ("dot.11", True),
        ("divide_subtract_fusion.3", True),
        ("copy.36", True),
        ("while.387", False),
        ("call.2", False),
        ("end: copy.36", False),
        ("ThunkExecutor::Execute", False),
        ("EagerLocalExecute: __inference_advance_1072", False),
        ("advance", False),
    ],
)
def test_an_operation_is_an_instruction_that_holds_no_other(name, counts):
    assert profile._is_operation(name) is counts


def test_figures_carry_their_width():
    each = Profile(64, 8, 130.0, 60.0, {"copy.1": 3.0, "add_fusion": 27.0}, 0.3, 0.5, 0.4, 1.5e11)
    figures = profile.flat([each])
    assert figures["between_us_64"] == 40.0
    assert figures["others_us_64"] == 30.0
    assert figures["yardstick_gflops_64"] == 150.0


@pytest.mark.slow
def test_a_profile_accounts_for_the_step(tmp_path):
    data = plan.data(tmp_path)["diabetes"]
    with Worker("profile", [available_cores()[-1]], tmp_path / "log") as worker:
        each = Profile(**worker.ask({"rows": str(data.file), "epochs": 20, "width": 64}))
    assert each.places >= 2
    assert each.products > 0
    assert any("fusion" in name for name in each.others)
    # The trace and the whole step are measured one after the other.
    assert each.products + sum(each.others.values()) < 1.5 * each.step
    assert 0 < each.rate < each.products_rate
    assert math.isfinite(each.numpy_rate)
