"""Settings as the values that strategies and engines take: the plan of the study and its training protocol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pipeline import models, space
from pipeline.baselines.default_network import default_network
from pipeline.data.rows import Rows
from pipeline.errors import UserError
from pipeline.ledger.known import open_study
from pipeline.settings import Settings, strategy_of
from pipeline.space import Space
from pipeline.storage import untrusted
from pipeline.study_folder import identity
from pipeline.study_folder.layout import StudyFolder
from pipeline.tasks import Task
from pipeline.training.protocol import Protocol
from pipeline.trial import Configuration
from pipeline.tuning.budget import Budget
from pipeline.tuning.study import Plan
from pipeline.workers.slots import Slot

INHERITED: Final = 100  # best configurations of another study that a strategy gets


def plan_of(settings: Settings, searched: Space, task: Task) -> Plan:
    """The plan of a study with these settings and task. Raise UserError if its prior has no usable configuration."""
    return Plan(
        space=searched,
        baseline=default_network(settings.model, searched),
        layers=models.load(settings.model).layers,
        budget=_budget(settings, task),
        strategy=strategy_of(settings),
        prior=prior_of(settings, searched),
        one_thread=identity.one_thread_of(settings.study),
    )


def _budget(settings: Settings, task: Task) -> Budget:
    """The budget, with the target score as it is kept: people give that of an accuracy, say, as an accuracy."""
    budget, target = settings.budget, settings.target_score
    if target is None or not task.higher:
        return budget
    return replace(budget, target_score=task.shown(target), target_words=f"{task.objective} {target:g}")


def protocol_of(settings: Settings, searched: Space, rows: Rows, loss: str, slots: Sequence[Slot]) -> Protocol:
    """The training protocol of a study with these settings and rows."""
    return Protocol(
        model=settings.model,
        loss=loss,
        patience=settings.patience,
        min_delta=settings.min_delta,
        seed=settings.seed,
        space=searched,
        engine=settings.engine,
        tf32=settings.tf32,
        folds=settings.folds,
        task=rows.target.task.name,
        metrics=settings.metrics,
        watched=task.measure.watched if (task := rows.target.task).measure else "",
        # On a GPU many places share a program, and their arithmetic is cheap compared with a compilation.
        rows=0 if any(slot.gpu for slot in slots) else len(rows.train.rows),
    )


def prior_of(settings: Settings, searched: Space) -> tuple[Configuration, ...]:
    """The best configurations of another study that the space contains, best first; none without a prior.

    Raise UserError if the prior is not a study, or has no configuration of the space.
    """
    if settings.prior is None:
        return ()
    if settings.prior.resolve() == settings.study.resolve():
        raise UserError(
            "A study cannot be its own prior",
            expected="the folder of another study",
            got=f"--prior {settings.prior}, which is --study",
            hint="run again without --prior: a study continues from its own results anyway",
        )
    StudyFolder(settings.prior).required()
    untrusted.plain(settings.prior)
    best = [each.configuration for each in open_study(settings.prior).ranking if not each.failures]
    fitting = [each for each in best if space.contains(searched, each)]
    if not fitting:
        raise UserError(
            f"The prior {settings.prior} has no usable configuration",
            expected="a study with configurations of the same space",
            got=f"{len(best)} configurations, none of them in {settings.space}",
            hint="name a study of the same space, or leave --prior out",
        )
    return tuple(fitting[:INHERITED])
