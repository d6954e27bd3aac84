"""The facts that open a stage are its identity: other ones, and studies of earlier versions would begin new stages.

The texts below were written by the version before the strategies became objects.
"""

import json
import math
from dataclasses import replace

import pytest

from pipeline.space import parse
from pipeline.trial import Configuration, Repeat, Training
from pipeline.tuning.study import run
from tests.fakes import Begun, FakeLedger
from tests.tuning.plans import plan_of

SPACE = parse(
    {
        "rate": {"type": "real", "low": 0.001, "high": 0.1, "scale": "log"},
        "width": {"type": "integer", "low": 1, "high": 4, "per": "depth"},
        "depth": 1,
    }
)
BASELINE = Configuration.of({"hidden_layers": 2, "units": (64, 64), "activation": "relu"})
PRIOR = (Configuration.of({"rate": 0.01, "width": (2,), "depth": 1}),)
TEXT = (
    "\"Space(parameters=(Parameter(name='rate', domain=Real(low=0.001, high=0.1, log=True), per=''),"
    " Parameter(name='width', domain=Integer(low=1, high=4, step=1), per='depth'),"
    " Parameter(name='depth', domain=Choice(values=(1,)), per='')))\""
)
SMALL = {"configurations": 3, "repeats": 1, "elite": 1, "calls": 1, "max_repeats": 2, "epochs": 9, "seed": 5}
FOUND = '"1fb0c9c68cd818a9", "297d2bae3572ac70", "35502df6e2bc4485", "bab6fef3c6585d7a"'

KNOWN: list[tuple[str, dict[str, object], str, str]] = [
    (
        "two-stage",
        {},
        '{"space": SPACE, "seed": 5}',
        ('{"elite": ["297d2bae3572ac70"], "space": SPACE, "repeats": 1, "max_repeats": 2,'
        ' "narrowing": "Narrowing(fraction=0.4, units=0, units_step=2)"}'),
    ),
    (
        "two-stage",
        {"box_fraction": 0.25, "units_radius": 3, "units_step": 1, "elite_from": "front", "max_repeats": 0,
         "repeats": 2},
        '{"space": SPACE, "seed": 5}',
        ('{"elite": ["297d2bae3572ac70"], "space": SPACE, "repeats": 2, "max_repeats": 2,'
        ' "narrowing": "Narrowing(fraction=0.25, units=3, units_step=1)", "joint": false}'),
    ),
    (
        "two-stage",
        {"prior": PRIOR},
        '{"space": SPACE, "seed": 5, "prior": ["64f676ebf3faa300"]}',
        ('{"elite": ["64f676ebf3faa300"], "space": SPACE, "repeats": 1, "max_repeats": 2,'
        ' "narrowing": "Narrowing(fraction=0.4, units=0, units_step=2)"}'),
    ),
    (
        "gp",
        {"acquisition": "lcb"},
        '{"space": SPACE, "seed": 5}',
        f'{{"initial": [{FOUND}], "space": SPACE, "repeats": 1, "acquisition": "lcb"}}',
    ),
    (
        "random",
        {},
        '{"space": SPACE, "seed": 5}',
        f'{{"found": [{FOUND}], "space": SPACE, "repeats": 1, "max_repeats": 2}}',
    ),
    (
        "sobol",
        {},
        '{"space": SPACE, "seed": 5, "design": "sobol"}',
        ('{"found": ["35502df6e2bc4485", "4ed0120700cd147a", "5a6d2caa748ba14e", "bfc107b571940d04"], "space": SPACE,'
        ' "repeats": 1, "max_repeats": 2}'),
    ),
    (
        "latin-hypercube",
        {"repeats": 2},
        '{"space": SPACE, "seed": 5, "design": "latin-hypercube", "configurations": 3, "repeats": 2}',
        "",
    ),
    (
        "grid",
        {"max_repeats": 1},
        '{"space": SPACE, "seed": 5, "design": "grid", "configurations": 3, "repeats": 1}',
        "",
    ),
    (
        "halving",
        {},
        '{"space": SPACE, "seed": 5, "rungs": "halving", "configurations": 3, "repeats": 1}',
        '{"found": ["35502df6e2bc4485", "8413b6485dee3cf2"], "space": SPACE, "repeats": 1, "max_repeats": 2}',
    ),
    (
        "halving",
        {"trainings": 12},
        '{"space": SPACE, "seed": 5, "rungs": "halving", "configurations": 10, "repeats": 1}',
        ('{"found": ["35502df6e2bc4485", "824c801fabf2b777", "8413b6485dee3cf2", "88604c9da36ab9eb"], "space": SPACE,'
        ' "repeats": 1, "max_repeats": 2}'),
    ),
    (
        "hyperband",
        {"calls": 0},
        '{"space": SPACE, "seed": 5, "rungs": "hyperband", "configurations": 3, "repeats": 1}',
        f'{{"found": [{FOUND}], "space": SPACE, "repeats": 1, "max_repeats": 2}}',
    ),
]  # fmt: skip


IDS = [" ".join((name, *changes)) for name, changes, _, _ in KNOWN]


class Weighed(FakeLedger):
    """A ledger whose networks have weights: without them there is no front."""

    def _train(self, training: Training) -> None:
        FakeLedger._train(self, training)
        last = self.records[-1]
        assert isinstance(last, Repeat)
        self.records[-1] = replace(last, weights=1 + int(training.configuration.key, 16) % 97)


def smooth(training: Training) -> float:
    values = training.configuration.as_dict()
    width = values.get("width", (9,))
    assert isinstance(width, tuple)
    rate = math.log10(float(str(values.get("rate", 1.0))))
    return abs(rate + 2) + 0.1 * int(width[0]) + 0.01 * training.index + 1 / training.epochs


@pytest.mark.parametrize(("strategy", "changes", "explore", "refine"), KNOWN, ids=IDS)
def test_the_facts_of_both_stages_are_those_that_studies_have_stored(strategy, changes, explore, refine):
    ledger = Weighed(smooth)
    run(plan_of(SPACE, BASELINE, strategy, **SMALL | changes), ledger.evaluate, ledger.begin, print)
    facts = [(each.stage, json.dumps(each.facts)) for each in ledger.records if isinstance(each, Begun)]
    expected = [("baseline", "{}"), ("explore", explore), ("refine", refine)]
    assert facts == [(stage, text.replace("SPACE", TEXT)) for stage, text in expected if text]
