"""The summary of a study as Markdown: `summary.md`, and what the command line shows at the end."""

from __future__ import annotations

import math

import numpy as np

from pipeline.analysis.gap import Gap, gap, gap_to
from pipeline.analysis.verdict import Tested
from pipeline.ranking.order import ahead, ahead_in_words, ranks, selection_interval
from pipeline.ranking.statistics import DIFFERENCE
from pipeline.report import costs, ensembles, importance, tasks
from pipeline.report.contents import Contents
from pipeline.report.plain_sentence import plainly
from pipeline.report.wording import (
    capital,
    count,
    duration,
    escaped,
    others,
    score,
    scored,
    table,
    varying,
    with_bounds,
)
from pipeline.study_folder import layout
from pipeline.tasks import Task
from pipeline.trial import Configuration, Stage


def summary(contents: Contents) -> str:
    """The whole page. Equal contents give equal text, and the cells of tables are escaped."""
    sections = [
        f"# {escaped(contents.name)}",
        _headline(contents),
        plainly(contents),
        _baselines(contents),
        "## The best configurations",
        _group(contents),
        ensembles.section(contents),
        *tasks.load(contents.task).sections(contents),
        costs.section(contents),
        importance.section(contents),
        _data(contents),
        "## What was spent",
        _spent(contents),
        "## The models and the files",
        _files(contents),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


# ---------------------------------------------------------------------------------------------------------- sentences


def _headline(contents: Contents) -> str:
    verdict = contents.verdict
    if not verdict.best:
        return "No configuration finished all its trainings, so there is no best one. The ledger says why each failed."
    best = verdict.best[0]
    name = contents.naming.title(best.summary.configuration)
    units = tasks.load(contents.task).headline(contents)
    return (
        f"The best of {count(len(ranks(contents.ranking)), 'configuration')} on the validation rows has"
        f" **{escaped(name)}**. On {count(int(np.count_nonzero(verdict.counted)), 'test row')} that it never saw,"
        f" its {contents.task.about} is **{scored(contents.task, best.mean, *best.bounds)}**, {_basis(best)}{units}."
        + _chosen(contents)
        + _ahead(contents)
    )


def _ahead(contents: Contents) -> str:
    """Who is ahead of the best, where somebody is: imported results, which have no networks to be tested."""
    found = ahead(contents.ranking)
    if not found:
        return ""
    first, one = found[0], len(found) == 1
    score = f"{contents.task.objective} {scored(contents.task, first.mean, first.low, first.high)}"
    which = f"{'' if one else 'the first: '}{escaped(contents.naming.title(first.configuration))}, {score}"
    return (
        f" **{ahead_in_words(contents.ranking)} {'is' if one else 'are'} ahead of it** on the validation rows"
        f" ({which}). Without models here, {'it is' if one else 'they are'} neither ranked nor tested."
    )


def _chosen(contents: Contents) -> str:
    best = contents.verdict.best[0].summary
    low, high = selection_interval(best, contents.ranking)
    if low is None:
        return ""
    score = scored(contents.task, best.mean, low, high)
    return (
        f" On the validation rows, on which it was selected, it is {score}: the 95 % interval is corrected for"
        " selecting the best of many."
    )


def _basis(tested: Tested) -> str:
    if tested.bounds[0] is None:
        return "from a single training: the spread over seeds is unknown"
    return f"the mean of {count(len(tested.objectives), 'training')} with its 95 % interval"


def _baselines(contents: Contents) -> str:
    verdict = contents.verdict
    if not verdict.best:
        return ""
    best, default = verdict.best[0], verdict.default
    name = contents.task.objective
    constant = gap_to(best, verdict.constant)
    clauses = [_clause(constant, verdict.constant, contents.task.constantly, contents.task)]
    if default is None:
        return f"Its {name} is {clauses[0]}. The default network failed in all its trainings."
    if best.summary.key == default.summary.key:
        return f"The best configuration is the default network itself. Its {name} is {clauses[0]}."
    network = gap(best, default, contents.repeats)
    clauses.insert(0, _clause(network, default.mean, "the default network", contents.task))
    covered = "folds and the seeds" if contents.folds else "seeds"
    caution = f"The intervals cover the {covered} of the training, not the choice of the test rows."
    if network.low is None:
        caution = "With a single training the spread over seeds is unknown, so a difference may be luck."
    return (
        f"{_verdict(network, constant, contents.task.constant)} Its {name} is {clauses[0]}, and {clauses[1]}. {caution}"
    )


def _verdict(network: Gap, constant: Gap, name: str) -> str:
    if network.decided and constant.decided:
        return "**It beats both baselines.**"
    if network.mean > 0 and constant.mean > 0:
        if network.low is None or constant.low is None:
            return "It is better than both baselines in the trainings that were made."
        return "It is better than both baselines on average, but not beyond the spread over seeds."
    if network.mean <= 0 and constant.mean <= 0:
        return "**It beats neither baseline.**"
    beaten, not_beaten = ("default network", name) if network.mean > 0 else (name, "default network")
    return f"**It does not beat the {not_beaten}**, only the {beaten}."


def _clause(difference: Gap, reference: float, name: str, task: Task) -> str:
    if not math.isfinite(difference.mean):
        return f"not comparable with that of {name}"
    sign = 1 if difference.mean >= 0 else -1
    ends = sorted(sign * each for each in (difference.low, difference.high) if each is not None)
    low, high = ends or (None, None)
    size = with_bounds(sign * difference.mean, low, high, DIFFERENCE)
    percent = f", {abs(100 * difference.mean / reference):.1f} %" if reference and not task.higher else ""
    paired = ", paired by seed" if difference.paired and difference.low is not None else ""
    insignificant = (
        "" if difference.low is None or difference.low > 0 or (difference.high or 0) < 0 else ", not significant"
    )
    where = "below" if (sign > 0) != task.higher else "above"
    return f"{size} {where} that of {name} ({score(task, reference)}{percent}{paired}{insignificant})"


# ------------------------------------------------------------------------------------------------------------- tables


def _group(contents: Contents) -> str:
    verdict = contents.verdict
    places = ranks(contents.ranking)
    names = varying([each.configuration for each in (*contents.ranking, contents.result.baseline)])
    header = ["Rank", "Hidden layers", "Neurons", *(["Other settings"] if names else [])]
    name, constant = capital(contents.task.objective), contents.task.constant
    header += [f"{name} validation", f"{name} test", "Repeats", "Weights", "Group"]
    marks = contents.group.marks
    rows = [
        [*_line(contents, str(places.get(each.summary.key, position)), each, names), marks.get(each.summary.key, "-")]
        for position, each in enumerate(verdict.best, 1)
    ]
    rows += ensembles.lines(contents, 3 if names else 2)
    if verdict.default is None:
        failed = contents.result.baseline.configuration
        settings = [others(failed, names) or "-"] if names else []
        rows.append(["default", *_structure(contents, failed), *settings, "failed", "failed", "0", "-", "-"])
    else:
        rows.append([*_line(contents, "default", verdict.default, names), "-"])
    rows.append(
        [constant, "-", "-", *(["-"] if names else []), "-", score(contents.task, verdict.constant), "-", "-", "-"]
    )
    over = "folds and seeds, as if they were independent" if contents.folds else "seeds"
    ends = "ends at 1 at the highest" if contents.task.higher else "ends at 0 at the lowest"
    spread = f"mean over the repeats, with the 95 % interval of the mean over {over}, which {ends}"
    if all(len(each.objectives) == 1 for each in verdict.best):
        spread = "of one training each, so the spread over seeds is unknown"
    better = "higher" if contents.task.higher else "lower"
    text = (
        f"{capital(contents.task.about)}, {spread}; {better} is better. The order is that of the validation rows,"
        f" whose {contents.task.objective} is optimistic for the first; the test rows were used once, at the end. The"
        f" last two lines are the baselines: the default network, and {contents.task.constantly}. *As good*: not"
        " significantly different from the best (paired by seed, Holm-corrected, 5 %)."
    )
    if verdict.weighted:
        text += " Rows count by their weights, in the scores and the baselines alike."
    return table(header, rows, left=len(header) - 5) + "\n\n" + text


def _line(contents: Contents, rank: str, tested: Tested, names: tuple[str, ...]) -> list[str]:
    known, configuration = tested.summary, tested.summary.configuration
    return [
        rank,
        *_structure(contents, configuration),
        *([others(configuration, names) or "-"] if names else []),
        scored(contents.task, known.mean, known.low, known.high),
        scored(contents.task, tested.mean, *tested.bounds),
        str(len(tested.objectives)),
        f"{known.weights:,}" if known.weights else "-",
    ]


def _structure(contents: Contents, configuration: Configuration) -> tuple[str, str]:
    layers = contents.naming.depth(configuration)
    return "-" if layers is None else str(layers), contents.naming.neurons(configuration) or "-"


def _data(contents: Contents) -> str:
    return "\n".join(["## The data\n", *(f"- {escaped(each)}" for each in contents.data)]) if contents.data else ""


# -------------------------------------------------------------------------------------------------------------- costs

_STAGES: tuple[tuple[Stage, str], ...] = (
    ("explore", "explored in stage 1"),
    ("refine", "found in stage 2"),
    ("imported", "imported from a workbook"),
    ("baseline", "the default network"),
)


def _spent(contents: Contents) -> str:
    by_stage = [(sum(each.stage == stage for each in contents.ranking), words) for stage, words in _STAGES]
    parts = ", ".join(f"{many} {words}" for many, words in by_stage if many)
    failed = f", {contents.failed} of them failed" if contents.failed else ", none failed"
    lines = [
        f"{count(len(contents.ranking), 'configuration')} known: {parts}" if parts else "no configuration known",
        f"{count(contents.trainings, 'training')}{failed}; {duration(contents.seconds)} of training in all",
        f"this run took {duration(contents.elapsed)}",
    ]
    screened = contents.result.screened
    if screened:
        limits = ", ".join(f"{limit:,}" for limit in sorted({each.epochs for each in screened}))
        tried = len({each.key for each in screened})
        lines.append(f"{count(tried, 'configuration')} began with fewer epochs ({limits}); the best of them went on")
    if contents.result.ended:
        lines.append(f"the search ended because {contents.result.ended}")
    return "\n".join(f"- {line}" for line in lines)


def _files(contents: Contents) -> str:
    folder = contents.folder.rstrip("/\\")
    command = f"```python\n{contents.load_command}\n```" if contents.verdict.best else ""
    files = [
        (layout.WORKBOOK, "every configuration and every training"),
        (f"{layout.FIGURES}/", "the pictures"),
        (layout.WORST_ROWS, "the rows above"),
        (layout.TEST_PREDICTIONS, "what the best configuration predicts for every test row, with the spread"),
    ]
    kept = files if contents.verdict.best else files[:2]
    where = f"Everything is in `{folder}`:\n\n" + "\n".join(f"- `{name}`: {what}" for name, what in kept)
    reload = f"The saved models predict {contents.task.predicts}:\n\n{command}" if command else ""
    return "\n\n".join(text for text in (reload, where) if text)
