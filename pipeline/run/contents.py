"""The results of a run as values: the contents of the page and the figures, and the view of the workbook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipeline import models
from pipeline.analysis.importance import importance_of
from pipeline.analysis.verdict import Verdict
from pipeline.ledger import journal
from pipeline.ledger.known import best_group, elite_of, ranking, searched
from pipeline.report.contents import Contents
from pipeline.report.wording import Naming
from pipeline.run.prepared_run import PreparedRun
from pipeline.run.understood import understood
from pipeline.settings import Settings
from pipeline.trial import Summary
from pipeline.tuning.study import Result
from pipeline.workbook.view import View, view_of


def contents_of(
    prepared: PreparedRun, result: Result, verdict: Verdict, known: journal.Contents, elapsed: float
) -> Contents:
    """The contents of the report of a finished run; `elapsed` is its running time in seconds."""
    settings, repeats = prepared.settings, known.repeats
    return Contents(
        name=_name(settings.study),
        result=result,
        ranking=searched(known, settings.epochs),
        verdict=verdict,
        timeline=_timeline(result),
        trainings=len(repeats),
        failed=sum(repeat.failed for repeat in repeats),
        seconds=sum(repeat.seconds for repeat in repeats),
        elapsed=elapsed,
        repeats=settings.repeats,
        folds=settings.folds,
        group=best_group(known, settings.epochs),
        importance=importance_of(prepared.space, ranking(known, settings.epochs)),
        load_command=_load_command(settings),
        folder=str(settings.study),
        data=understood(prepared),
        naming=Naming.of(models.load(settings.model).layers, prepared.space),
    )


def _name(study: Path) -> str:
    """The name of a folder, of `.` and `..` as well."""
    named = study if study.name not in ("", "..") else study.resolve()
    return named.name or str(named)


def _timeline(result: Result) -> tuple[Summary, ...]:
    """The configurations of stage 1 in their order, then those of stage 2 round by round: the searches take turns."""
    rounds = range(max((len(search.found) for search in result.searches), default=0))
    refined = (search.found[turn] for turn in rounds for search in result.searches if turn < len(search.found))
    return (*result.explored, *refined)


def _load_command(settings: Settings) -> str:
    named = f', model="{settings.model}"' if models.is_own(settings.model) else ""
    return (
        "from pipeline import load_top_models\n"
        f'predicted = load_top_models("{settings.study}", {settings.top}{named}).predict(frame)'
    )


def workbook_view(
    prepared: PreparedRun, known: journal.Contents, elite: frozenset[str], test: Mapping[str, float]
) -> View:
    """The view of the workbook of everything known; the elite is that of the latest stage 2 if none is given.

    `test` has the objectives on the test rows, by key. The sheet *Study* agrees with study.json: both are drawn from
    `prepared.identity`.
    """
    return view_of(
        known,
        epochs=prepared.settings.epochs,
        outputs=prepared.rows.target.names,
        task=prepared.rows.target.task,
        facts=prepared.identity.facts,
        elite=elite or elite_of(known),
        layers=models.load(prepared.settings.model).layers,
        test=test,
    )
