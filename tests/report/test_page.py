from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.analysis import verdict as verdicts
from pipeline.analysis.gap import Gap, gap, gap_to
from pipeline.ranking.group import Group
from pipeline.ranking.order import selection_interval
from pipeline.ranking.statistics import interval
from pipeline.report.contents import Contents
from pipeline.report.page import summary
from pipeline.report.plain_sentence import plainly
from pipeline.report.wording import Naming
from pipeline.trial import Summary

Study = Callable[..., Contents]
Failing = Callable[..., Summary]
ROOT = Path(__file__).parents[2]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def tables(page: str) -> list[list[list[str]]]:
    """Every table of a page as rows of cells, the header first."""
    blocks = [block.splitlines() for block in page.split("\n\n") if block.startswith("|")]
    return [[cells(line) for line in block if not line.startswith("| :--")] for block in blocks]


def default_of(contents: Contents) -> verdicts.Tested:
    assert contents.verdict.default is not None
    return contents.verdict.default


def with_objectives(tested: verdicts.Tested, *values: float) -> verdicts.Tested:
    return replace(tested, objectives=values)


def judged(contents: Contents, best: tuple[float, ...], default: tuple[float, ...], median: float) -> Contents:
    verdict = contents.verdict
    first, *others = verdict.best
    changed = replace(
        verdict,
        best=(with_objectives(first, *best), *others),
        default=with_objectives(default_of(contents), *default),
        constant=median,
    )
    return replace(contents, verdict=changed)


def test_the_group_and_both_baselines_stand_in_one_table(study: Study) -> None:
    contents = study(many=30)
    header, *lines = tables(summary(contents))[0]
    assert [line[0] for line in lines] == ["1", "2", "3", "default", "median"]
    first = dict(zip(header, lines[0], strict=True))
    best = contents.verdict.best[0]
    mean, _, low, high = interval(best.objectives)
    shown = [float(each) for each in re.findall(r"[-\d.]+", first["MAE test"])]
    assert shown == pytest.approx([mean, low, high], abs=6e-4)
    validation = [float(each) for each in re.findall(r"[-\d.]+", first["MAE validation"])]
    assert validation == pytest.approx([best.summary.mean, best.summary.low, best.summary.high], abs=6e-4)
    assert first["Neurons"] == Naming().neurons(best.summary.configuration)
    assert (first["Repeats"], first["Weights"]) == ("3", "4,321")
    assert "activation" in first["Other settings"]
    assert lines[-1][header.index("MAE test")] == "0.8000"


def test_it_says_so_when_both_baselines_are_beaten(study: Study) -> None:
    # Pairs: 0.10, 0.12, 0.11 -> mean 0.11, sd 0.01, half width 4.3027 * 0.01 / sqrt(3) = 0.02484.
    page = summary(judged(study(), (0.20, 0.30, 0.25), (0.30, 0.42, 0.36), 0.8))
    assert "**It beats both baselines.**" in page
    assert "0.110 (0.085 to 0.135) below that of the default network (0.3600, 30.6 %, paired by seed)" in page
    # Against the median: 0.6, 0.5, 0.55 -> 0.55 +- 0.1242.
    assert "0.55 (0.43 to 0.67) below that of predicting the median" in page


def test_a_difference_within_the_spread_is_called_not_significant(study: Study) -> None:
    page = summary(judged(study(), (0.20, 0.30, 0.25), (0.30, 0.29, 0.26), 0.8))
    assert "not beyond the spread over seeds" in page
    assert "not significant" in page
    assert "beats both" not in page


def test_it_says_so_when_a_baseline_wins(study: Study) -> None:
    only_median = summary(judged(study(), (0.30, 0.42, 0.36), (0.20, 0.30, 0.25), 0.8))
    assert "**It does not beat the default network**, only the median." in only_median
    assert "0.110 (0.085 to 0.135) above that of the default network" in only_median
    assert "**It beats neither baseline.**" in summary(judged(study(), (0.9, 1.0, 1.1), (0.2, 0.3, 0.2), 0.8))
    assert "only the default network" in summary(judged(study(), (0.9, 0.9, 0.9), (1.2, 1.3, 1.4), 0.8))


def test_one_training_has_no_spread_and_the_page_says_so(study: Study) -> None:
    page = summary(judged(study(repeats=1), (0.2,), (0.3,), 0.8))
    assert "the spread over seeds is unknown" in page
    assert "a difference may be luck" in page
    assert "beats both" not in page
    assert " to " not in tables(page)[0][1][4]


def test_pairs_need_every_repeat_else_welch(study: Study) -> None:
    tested = default_of(study())
    best, other = with_objectives(tested, 1.0, 2.0, 3.0), with_objectives(tested, 3.0, 4.0, 5.0)
    paired = gap(best, other, 3)
    assert paired == Gap(2.0, 2.0, 2.0, paired=True)
    # Three successful ones of four each may have other seeds: Welch, 4 degrees of freedom, 2.7764 * sqrt(2/3).
    welch = gap(best, other, 4)
    assert not welch.paired
    assert (welch.low, welch.high) == pytest.approx((2 - 2.26699, 2 + 2.26699), abs=1e-4)
    assert gap(with_objectives(tested, 1.0), other, 3) == Gap(3.0)
    assert gap_to(best, 3.0).mean == 1.0
    assert gap_to(with_objectives(tested, 1.0), 3.0) == Gap(2.0)


def test_each_output_stands_beside_its_baselines(study: Study) -> None:
    contents = study(outputs=3)
    header, *lines = tables(summary(contents))[1]
    assert [line[0] for line in lines] == ["output 0", "output 1", "output 2"]
    scores = contents.verdict.best[0].scores["output 2"]
    line = dict(zip(header, lines[2], strict=True))
    assert float(line["MAE"]) == pytest.approx(scores["mae"], rel=1e-3)
    assert float(line["Largest error"]) == pytest.approx(scores["largest"], rel=1e-3)
    assert float(line["MAE of default"]) == pytest.approx(default_of(contents).scores["output 2"]["mae"], rel=1e-3)
    assert line["MAE of median"] == "100.0"


@pytest.mark.parametrize("outputs", [1, 2, 8])
def test_ten_worst_rows_are_listed_with_both_numbers(study: Study, outputs: int) -> None:
    _, *lines = tables(summary(study(outputs=outputs)))[2]
    assert len(lines) == 10
    assert all(int(line[1]) == int(line[0]) + 2 for line in lines)
    assert len(lines[0]) == (5 if outputs == 1 else 3 + outputs)


def test_names_with_bars_and_line_breaks_do_not_break_tables(study: Study) -> None:
    contents = study(outputs=2)
    verdict = contents.verdict
    names = ("a|b", "c\n| d")

    def renamed(scores: Mapping[str, Mapping[str, float]]) -> dict[str, Mapping[str, float]]:
        return dict(zip(names, scores.values(), strict=True))

    changed = replace(
        verdict,
        outputs=names,
        constant_scores=renamed(verdict.constant_scores),
        default=replace(default_of(contents), scores=renamed(default_of(contents).scores)),
        best=tuple(replace(each, scores=renamed(each.scores)) for each in verdict.best),
    )
    page = summary(replace(contents, verdict=changed, name="x *y*"))
    for table in tables(page):
        assert len({len(line) for line in table}) == 1
    assert tables(page)[1][1][0] == r"a\|b"
    assert page.startswith("# x \\*y\\*\n")


def test_what_was_spent_and_how_to_reload_are_told(study: Study) -> None:
    contents = replace(study(many=30), failed=4)
    page = summary(contents)
    assert f"{len(contents.ranking)} configurations known: 30 explored in stage 1" in page
    assert f"{contents.trainings} trainings, 4 of them failed; 13 min 32 s of training in all" in page
    assert "this run took 7 min 11 s" in page
    assert f"```python\n{contents.load_command}\n```" in page
    assert "Everything is in `results/housing`" in page


def test_a_study_in_which_everything_failed_still_has_a_page(study: Study, failing: Failing) -> None:
    contents = study(many=5, calls=0, change=lambda found: [failing(each, [None, None, None]) for each in found])
    verdict = replace(contents.verdict, best=())
    page = summary(replace(contents, verdict=verdict))
    assert "No configuration finished all its trainings" in page
    assert "load_top_models" not in page
    assert [line[0] for line in tables(page)[0][1:]] == ["default", "median"]


def test_a_default_network_that_failed_or_is_the_best_is_said(study: Study) -> None:
    contents = study()
    verdict = contents.verdict
    page = summary(replace(contents, verdict=replace(verdict, default=None)))
    assert next(line for line in tables(page)[0] if line[0] == "default")[-5:] == ["failed", "failed", "0", "-", "-"]
    assert tables(page)[1][1][-2] == "-"
    assert "failed in all its trainings" in page
    assert "beats both" not in page
    itself = replace(verdict, best=(default_of(contents),))
    assert "is the default network itself" in summary(replace(contents, verdict=itself))


def test_equal_contents_give_equal_pages(study: Study) -> None:
    assert summary(study()) == summary(study())


def test_the_page_needs_no_drawing_library() -> None:
    code = (
        "import sys, pipeline.report.page;"
        "print([name for name in ('matplotlib', 'seaborn', 'tensorflow', 'keras') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_one_plain_sentence_says_what_was_found(study: Study) -> None:
    contents = judged(study(many=30), (0.30, 0.32, 0.31), (0.341, 0.352, 0.345), 0.8)
    first, second, *others = contents.ranking[:12]
    members = (first, replace(second, weights=1200, seconds=0.5), *others)
    contents = replace(contents, group=Group(members, 84))
    sentence = plainly(contents)
    assert sentence in summary(contents)
    assert sentence.startswith(
        "12 of 84 configurations are as good as the best; the smallest of them has 1,200 weights"
    )
    difference = gap(contents.verdict.best[0], default_of(contents), 3)
    assert difference.low is not None
    assert difference.mean == pytest.approx(0.036)
    assert difference.mean - difference.low == pytest.approx(0.0114, abs=1e-4)
    assert "better than the default network by 0.036 +- 0.011 on test rows." in sentence
    worse = judged(contents, (0.40, 0.42, 0.41), (0.341, 0.352, 0.345), 0.8)
    assert "the best is worse than the default network by 0.06" in plainly(worse)
    level = judged(contents, (0.35, 0.33, 0.36), (0.341, 0.352, 0.345), 0.8)
    assert plainly(level).endswith(
        "not significantly different from the default network (worse by 0.001 +- 0.049 on test rows)."
    )


def test_a_best_one_alone_and_a_group_that_nobody_knows(study: Study) -> None:
    contents = study(many=30)
    alone = plainly(replace(contents, group=Group(contents.ranking[:1], 84)))
    assert alone.startswith("None of the other 83 configurations is as good as the best; the best is not significantly")
    assert plainly(replace(contents, group=Group())) == ""


def test_why_the_search_ended_is_told(study: Study) -> None:
    contents = study(many=30)
    assert "- the search ended because all rounds of proposals are done" in summary(contents)
    silent = replace(contents, result=replace(contents.result, ended=""))
    assert "the search ended" not in summary(silent)


def test_the_score_that_chose_has_an_interval_that_allows_for_it(study: Study) -> None:
    contents = study(many=30)
    best = contents.verdict.best[0].summary
    low, high = selection_interval(best, contents.ranking)
    assert low is not None
    assert high is not None
    assert high - best.mean > best.mean - low
    assert "On the validation rows, on which it was selected, it is" in summary(contents)


def test_imported_results_have_no_rank_and_who_is_ahead_is_said(study: Study) -> None:
    contents = study(many=30)
    first, second = (replace(each, stage="imported") for each in contents.ranking[5:7])
    rest = [each for each in contents.ranking if each.key not in (first.key, second.key)]
    page = summary(replace(contents, ranking=(replace(first, mean=0.01, low=None, high=None), second, *rest)))
    _, *lines = tables(page)[0]
    assert [line[0] for line in lines] == ["1", "2", "3", "default", "median"]
    assert f"The best of {len(rest)} configurations" in page
    assert "**2 imported results are ahead of it** on the validation rows (the first: " in page
    assert "MAE 0.01000). Without models here, they are neither ranked nor tested." in page
    some = summary(replace(contents, ranking=(replace(first, mean=0.01, low=None, high=None), *rest, second)))
    assert "**1 of 2 imported results is ahead of it** on the validation rows (" in some
    behind = summary(replace(contents, ranking=(*rest, first, second)))
    assert "ahead of it" not in behind
    assert "2 imported from a workbook" in behind


def test_no_interval_leaves_what_a_score_can_be(study: Study) -> None:
    contents = study(many=30)
    wild = replace(contents.ranking[0], low=-0.7, high=1.3)
    best = replace(contents.verdict.best[0], summary=wild, objectives=(0.05, 0.9, 0.1))
    verdict = replace(contents.verdict, best=(best, *contents.verdict.best[1:]))
    page = summary(replace(contents, ranking=(wild, *contents.ranking[1:]), verdict=verdict))
    header, first, *_ = tables(page)[0]
    cells_of = dict(zip(header, first, strict=True))
    assert "(0.00 to" in cells_of["MAE validation"]
    assert "(0.00 to" in cells_of["MAE test"]
    assert "(-" in page.partition("## The best configurations")[0]  # differences have no ends
