"""The adapter of scikit-optimize."""

import ast
from pathlib import Path

import numpy as np
import pytest

from pipeline.space import Choice, Domain, Integer, Real, parse
from pipeline.space.unit_cube import axes_of, features, row_of
from pipeline.space.values import has
from pipeline.trial import Configuration, Scalar
from pipeline.tuning.surrogate.frame import Outside, frame_of
from pipeline.tuning.surrogate.gaussian import Parameters
from pipeline.tuning.surrogate.gp_minimize import Surrogate, WholeSpace, minimize
from tests.fakes import summary_of

ROOT = Path(__file__).parents[3]
SPACE = parse(
    {
        "rate": {"type": "real", "low": 1e-4, "high": 1e-1, "scale": "log"},
        "batch": {"type": "integer", "low": 8, "high": 64, "step": 8},
        "kind": {"type": "choice", "values": ["a", "b", True]},
    }
)
DOMAINS: dict[str, Domain] = {each.name: each.domain for each in SPACE.parameters}
POINTS: list[list[Scalar]] = [[1e-3, 16, "a"], [1e-2, 64, "b"], [5e-2, 8, True], [1e-1, 32, "a"]]


def asked(seed: int, targets: list[float]) -> tuple[list[Scalar], bool]:
    axes = axes_of(SPACE)
    middle = row_of(axes, Configuration.of(dict(zip(DOMAINS, POINTS[0], strict=True))))
    assert middle is not None
    width = features(axes, middle[None, :]).shape[1]
    nothing = Outside(np.empty((0, width)), np.empty(0), np.empty(0))
    surrogate = Surrogate(
        frame=frame_of(axes, middle, DOMAINS), parameters=Parameters((0.0,) * 3, 0.0, -3.0),
        repeats=np.ones(len(POINTS)), outside=nothing,
    )  # fmt: skip
    return minimize(list(DOMAINS.values()), POINTS, targets, surrogate, surplus=0.0, seed=seed)


@pytest.mark.parametrize("seed", range(3))
def test_values_go_in_and_a_value_of_each_domain_comes_out(seed):
    values, repeated = asked(seed, [0.0, 1.0, 0.2, -1.0])  # the best batch lies between the ends
    assert not repeated
    assert all(has(domain, value) for domain, value in zip(DOMAINS.values(), values, strict=True))
    assert values == asked(seed, [0.0, 1.0, 0.2, -1.0])[0]
    assert values != asked(seed, [1.0, -1.0, 0.2, 0.0])[0]


def test_a_whole_space_is_learned_with_failures_and_missing_layers_in_it():
    space = parse(
        {
            "depth": {"type": "integer", "low": 0, "high": 2},
            "units": {"type": "integer", "low": 4, "high": 16, "step": 4, "per": "depth"},
            "kind": {"type": "choice", "values": ["a", "b"]},
        }
    )
    optimizer = WholeSpace(space, "EI", 1)
    assert optimizer.propose() is None
    failed = summary_of({"depth": 0, "units": (), "kind": "a"}, None)
    optimizer.learn([failed])
    assert optimizer.propose() is None  # nothing to learn from yet
    optimizer.learn([summary_of({"depth": 2, "units": (4, 16), "kind": "b"}, 0.3)])
    proposal = optimizer.propose()
    assert proposal is not None
    assert proposal["depth"] in (0, 1, 2)
    assert optimizer.curves() == []


def test_only_the_adapter_imports_the_library():
    importing = set()
    for path in (ROOT / "pipeline").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
                if any(name.partition(".")[0] == "skopt" for name in names):
                    importing.add(path.name)
    assert importing == {"gp_minimize.py"}
    assert {type(domain) for domain in DOMAINS.values()} == {Real, Integer, Choice}
