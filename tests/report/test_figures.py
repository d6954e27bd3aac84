from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from pipeline.ranking.front import front_of
from pipeline.report.contents import Contents
from pipeline.report.figures import draw
from pipeline.report.figures.calibration import PANELS, _shown
from pipeline.report.figures.depth import _apart, mae_by_depth
from pipeline.report.figures.front import front
from pipeline.report.figures.predictions import predicted_against_measured
from pipeline.report.figures.progress import best_so_far
from pipeline.report.figures.searches import searched_points
from pipeline.report.figures.theme import Family, limits, spread, styled
from pipeline.report.wording import Naming
from pipeline.trial import Configuration, Summary

Study = Callable[..., Contents]
Failing = Callable[..., Summary]
ALWAYS = {
    "mae_by_depth_scatter.png",
    "mae_by_depth_box.png",
    "best_so_far.png",
    "front.png",
    "predicted_against_measured.png",
}


def summaries(*means: float) -> list[Summary]:
    return [
        Summary(Configuration.of({"units": position}), "explore", 10, 3, 0, mean) for position, mean in enumerate(means)
    ]


def texts(figure: Figure) -> str:
    legends = [legend.get_title().get_text() for legend in figure.legends]
    below = figure.get_supxlabel()
    return " ".join([*legends, below]).replace("\n", " ")


def pictures(family: Family, contents: Contents) -> dict[str, Figure]:
    with styled():
        return dict(family(contents))


def test_every_picture_is_written_and_equal_contents_give_equal_bytes(study: Study, tmp_path: Path) -> None:
    contents = study(many=12, calls=2, outputs=1)
    before = dict(mpl.rcParams)
    once = draw(contents, tmp_path / "one")
    again = draw(contents, tmp_path / "two")
    assert {path.name for path in once} == ALWAYS | {"search_1.png", "search_2.png", "search_3.png"}
    assert all(path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 10_000 for path in once)
    assert [path.read_bytes() for path in once] == [path.read_bytes() for path in again]
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(path.name for path in once)
    assert dict(mpl.rcParams) == before
    assert b"Software" not in once[0].read_bytes()


def test_pictures_of_searches_that_are_no_more_are_removed(study: Study, tmp_path: Path) -> None:
    (tmp_path / "search_9.png").write_bytes(b"old")
    (tmp_path / "mine.png").write_bytes(b"the user's")
    paths = draw(study(many=8, calls=0), tmp_path)
    assert {path.name for path in paths} == ALWAYS
    assert not (tmp_path / "search_9.png").exists()
    assert (tmp_path / "mine.png").exists()


@pytest.mark.parametrize("outputs", range(1, 9))
def test_predictions_have_one_panel_per_output(study: Study, outputs: int) -> None:
    (figure,) = pictures(predicted_against_measured, study(many=5, calls=0, outputs=outputs, rows=20)).values()
    assert sum(axes.get_visible() for axes in figure.axes) == outputs
    assert "MAE" in figure.axes[0].get_title(loc="left")


def test_many_test_rows_are_thinned_and_that_is_said(study: Study) -> None:
    (figure,) = pictures(predicted_against_measured, study(many=5, calls=0, rows=5001)).values()
    assert "5000 of 5001 test rows are shown" in texts(figure)
    assert len(np.asarray(figure.axes[0].collections[0].get_offsets())) <= 5000


def test_rows_without_weight_are_not_drawn_and_that_is_said(study: Study) -> None:
    contents = study(outputs=1)
    weights = (np.arange(len(contents.verdict.rows)) % 5 > 0).astype(np.float32)
    weighted = replace(contents, verdict=replace(contents.verdict, weights=weights))
    (figure,) = pictures(predicted_against_measured, weighted).values()
    assert f"not shown: {int(np.sum(weights == 0))}." in texts(figure)
    assert sum(len(np.asarray(each.get_offsets())) for each in figure.axes[0].collections) == int(weights.sum())
    assert "weight" not in texts(next(iter(pictures(predicted_against_measured, contents).values())))


def test_the_classes_that_are_shown_are_the_heaviest() -> None:
    labels = tuple(f"class {number}" for number in range(PANELS + 2))
    truth = np.repeat(np.arange(PANELS + 2), 10)
    weights = np.where(truth == PANELS, 5.0, np.where(truth == 3, 0.1, 1.0))
    assert PANELS in _shown(labels, truth, weights)
    assert 3 not in _shown(labels, truth, weights)
    assert _shown(labels, truth, np.ones(len(truth))) == [*range(PANELS)]


def test_predictions_far_out_do_not_squash_the_picture(study: Study) -> None:
    contents = study(many=5, calls=0, outputs=1)
    first, *others = contents.verdict.best
    wild = first.predictions.copy()
    wild[:, 0, :], wild[:, 1, :] = 1e9, np.nan
    verdict = replace(contents.verdict, best=(replace(first, predictions=wild), *others))
    (figure,) = pictures(predicted_against_measured, replace(contents, verdict=verdict)).values()
    assert figure.axes[0].get_ylim()[1] < 20
    assert "2 predictions further out or not finite" in texts(figure)


def test_one_depth_and_no_depth(study: Study, tmp_path: Path) -> None:
    one = study(
        {"hidden_layers": 2, "units": {"type": "integer", "low": 8, "high": 64, "per": "hidden_layers"}}, many=9
    )
    assert {path.name for path in draw(one, tmp_path / "one")} == ALWAYS | {"search_1.png"}
    rate = {"type": "real", "low": 1e-4, "high": 1e-1, "scale": "log"}
    none = study({"learning_rate": rate}, many=9)
    figure = pictures(mae_by_depth, none)["mae_by_depth_scatter.png"]
    ticks = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert ticks == ["2\n(n = 1)", f"not set\n(n = {len(none.ranking) - 1})"]
    assert any(text.get_text() == "rank 1" for text in figure.axes[0].texts)


def test_labels_name_the_best_and_the_elite_and_do_not_overlap(study: Study) -> None:
    contents = study(many=100)
    figure = pictures(mae_by_depth, contents)["mae_by_depth_scatter.png"]
    figure.draw_without_rendering()
    labels = figure.axes[0].texts
    elite = {Naming().neurons(each.configuration) for each in contents.result.elite}
    assert elite <= {label.get_text() for label in labels}
    assert 12 <= len(labels) <= 12 + len(elite)
    boxes = [Text.get_window_extent(label) for label in labels]  # without their arrows
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
    frame = figure.axes[0].get_window_extent()
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 + 1 for box in boxes)


def test_a_diverged_configuration_does_not_squash_the_picture(study: Study, failing: Failing) -> None:
    def worse(found: list[Summary]) -> list[Summary]:
        found[0], found[1] = failing(found[0], [1e6, 2e6, 3e6]), failing(found[1], [None, None, None])
        found[2] = failing(found[2], [0.3, None, 0.4])
        return found

    contents = study(change=worse)
    scatter = pictures(mae_by_depth, contents)["mae_by_depth_scatter.png"]
    assert scatter.axes[0].get_ylim()[1] < 2
    assert "1 value above" in texts(scatter)
    assert "every training failed: 1 configuration." in texts(scatter)
    assert "Crosses: some trainings failed" in texts(scatter)
    assert len(pictures(searched_points, contents)) == 3


def test_a_failed_configuration_is_never_the_best_so_far(study: Study, failing: Failing) -> None:
    def lucky(found: list[Summary]) -> list[Summary]:
        found[0] = failing(found[0], [0.01, None, 0.01])
        return found

    contents = study(change=lucky)
    (figure,) = pictures(best_so_far, contents).values()
    (line,) = [line for line in figure.axes[0].lines if line.get_label() == "best so far"]
    assert np.min(np.asarray(line.get_ydata())) == pytest.approx(
        next(each.mean for each in contents.ranking if not each.failures)
    )


def test_the_border_and_the_default_network_are_drawn(study: Study) -> None:
    contents = study(many=30)
    (figure,) = pictures(best_so_far, contents).values()
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words == ["stage 1", "stage 2"]
    lines = figure.axes[0].lines
    assert any(set(np.asarray(line.get_xdata())) == {30.5} for line in lines)
    assert any(set(np.asarray(line.get_ydata())) == {contents.result.baseline.mean} for line in lines)
    without = replace(contents, timeline=contents.result.explored)
    (plain,) = pictures(best_so_far, without).values()
    assert not plain.axes[0].texts


def test_one_training_says_that_the_spread_is_unknown(study: Study) -> None:
    contents = study(repeats=1, many=12, calls=2)
    for family in (mae_by_depth, best_so_far, predicted_against_measured):
        first = next(iter(pictures(family, contents).values()))
        assert "unknown" in texts(first) or "lucky" in texts(first)


def test_a_search_has_a_panel_per_free_dimension_and_its_optimum(study: Study) -> None:
    contents = study(many=40)
    drawn = pictures(searched_points, contents)
    for position, search in enumerate(contents.result.searches, 1):
        figure = drawn[f"search_{position}.png"]
        free = [each for each in search.box.parameters if each.domain.size != 1]
        panels = [axes for axes in figure.axes if axes.get_visible() and axes.get_label() != "<colorbar>"]
        assert [axes.get_xlabel() for axes in panels] == [
            each.name.replace("units[", "units of hidden layer ").replace("]", "")
            if "[" not in each.name
            else f"units of hidden layer {int(each.name[6:-1]) + 1}"
            for each in free
        ]
        rate = next(axes for axes in panels if axes.get_xlabel() == "learning_rate")
        assert rate.get_xscale() == "log"
        best = min([search.elite, *search.found], key=lambda each: each.order)
        said = texts(figure)
        assert ("none of" in said) == (best.key == search.elite.key)


def test_a_study_in_which_everything_failed_draws_nothing(study: Study, failing: Failing, tmp_path: Path) -> None:
    contents = study(many=4, calls=0, change=lambda found: [failing(each, [None] * 3) for each in found])
    empty = replace(
        contents,
        ranking=contents.result.explored,
        verdict=replace(contents.verdict, best=()),
        result=replace(contents.result, baseline=failing(contents.result.baseline, [None] * 3)),
    )
    assert draw(empty, tmp_path) == ()


def test_limits_clip_outliers_and_use_a_log_axis_for_magnitudes() -> None:
    plain = limits(summaries(0.2, 0.3, 0.4, 0.5))
    assert (plain.clipped, plain.log) == (0, False)
    assert plain.low < 0.2 < 0.5 < plain.high
    clipped = limits(summaries(0.2, 0.3, 0.4, 0.5, 1e6))
    assert (clipped.clipped, clipped.log, clipped.worst) == (1, False, 1e6)
    assert clipped.high < 1
    assert clipped.shown(1e6) == clipped.edge < clipped.high
    wide = limits(summaries(*(10.0**each for each in range(5))))
    assert wide.log
    equal = limits(summaries(0.3, 0.3))
    assert equal.low < 0.3 < equal.high
    zero = limits(summaries(0.0, 0.0))
    assert zero.low < 0 < zero.high
    assert limits(summaries(0.3), extra=[0.9]).high > 0.9


@pytest.mark.parametrize("log", [False, True])
def test_heights_and_values_belong_together(log: bool) -> None:
    bounds = limits(summaries(*((1.0, 100.0, 30.0) if log else (1.0, 2.0, 3.0))))
    assert bounds.log == log
    for unit in (0.0, 0.3, 1.0):
        assert bounds.unit(bounds.at(unit)) == pytest.approx(unit)


def test_labels_keep_their_distance_and_stay_inside() -> None:
    wanted = [0.0, 0.01, 0.02, 0.5, 0.99, 1.0]
    heights = _apart(wanted, 0.05)
    assert all(b - a >= 0.05 - 1e-9 for a, b in itertools.pairwise(heights))
    assert heights[3] == pytest.approx(0.5)
    assert min(heights) >= 0
    assert max(heights) <= 1
    assert _apart([], 0.1) == []


def test_jitter_is_bounded_and_repeatable() -> None:
    assert spread(50, 0.2) == spread(50, 0.2)
    assert max(map(abs, spread(50, 0.2))) <= 0.2
    assert len(set(spread(50, 0.2))) == 50
    assert math.isclose(spread(1, 0.2)[0], 0.0)


def test_beliefs_are_drawn_one_for_each_evaluation_and_on_a_sheet(study, tmp_path):
    from dataclasses import replace

    from pipeline.tuning.surrogate.posterior_curve import PosteriorCurve

    contents = study(many=8, calls=0)
    values = np.geomspace(1e-4, 1e-1, 50)
    seen = tuple((float(each), 0.3 + 0.1 * number) for number, each in enumerate(values[::10]))
    flat = np.zeros(50)
    curves = tuple(
        PosteriorCurve(
            "learning_rate", True, values, flat + 0.4, flat + 0.1, flat, "expected improvement", seen[:count], next_one
        )
        for count, next_one in ((2, 0.01), (3, 0.02), (4, 0.03), (5, None))
    )
    (tmp_path / "belief_99.png").write_bytes(b"of an earlier run")
    drawn = {path.name for path in draw(replace(contents, result=replace(contents.result, curves=curves)), tmp_path)}
    assert {"belief_02.png", "belief_05.png", "beliefs.png"} <= drawn
    assert not (tmp_path / "belief_99.png").exists()
    assert not any("belief" in path.name for path in draw(contents, tmp_path))
    assert not list(tmp_path.glob("belief*"))


def test_score_against_cost_has_a_panel_for_each_known_cost(study: Study) -> None:
    contents = study(many=30)
    grown = tuple(replace(each, weights=100 + 7 * place) for place, each in enumerate(reversed(contents.ranking)))
    contents = replace(contents, ranking=tuple(reversed(grown)))
    ((name, figure),) = front(contents)
    assert name == "front.png"
    assert len(figure.axes) == 2
    by_weights, by_seconds = figure.axes
    assert by_weights.get_xscale() == by_seconds.get_xscale() == "log"
    figure.canvas.draw()
    labels = [label.get_text() for axes in figure.axes for label in axes.get_xticklabels()]
    assert any(labels)
    assert not any("$" in label for label in labels)
    steps = np.asarray(by_weights.lines[-1].get_xdata())
    expected = [each.weights for each in reversed(front_of(contents.ranking))]
    assert list(steps)[: len(expected)] == expected
    unknown = replace(contents, ranking=tuple(replace(each, weights=0, seconds=0.0) for each in contents.ranking))
    assert list(front(unknown)) == []
    by_time = replace(contents, ranking=tuple(replace(each, weights=0) for each in contents.ranking))
    ((_, only),) = front(by_time)
    assert len(only.axes) == 1
