"""The section on the importance of hyperparameters over the whole search space, with its deviation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.analysis.importance import LEAST, TREES, Importance, Part
from pipeline.report.contents import Contents
from pipeline.report.wording import count, table

ALONE: Final = 10  # rows for single hyperparameters at most,
TOGETHER: Final = 5  # and for pairs
WORTH: Final = 0.02  # of the variance: smaller parts are summed up in the last line


def section(contents: Contents) -> str:
    """The heading, and a table of the parts or a sentence that says why there is none."""
    found = contents.importance
    body = "\n\n".join(_body(found, contents.task.kept)) if found.meaningful else nothing(found)
    return f"## What mattered\n\n{body}"


def _body(found: Importance, objective: str) -> tuple[str, str]:
    text = (
        f"How much of the differences in {objective} between configurations each hyperparameter decides, over the whole"
        f" search space: parts of the variance of its logarithm, ± their deviation over the {TREES} trees of a random"
        f" forest (functional ANOVA), fitted to {count(found.configurations, 'configuration')} trained in full. On"
        f" configurations that a tree was not fitted to, the forest explains {100 * found.explained:.0f} % of the"
        " variance."
    )
    listed = parts(found)
    return listed, text + (" Names with [0] are of the first layer." if "[" in listed else "")


def nothing(found: Importance) -> str:
    """A sentence that says why there is no importance; for an `Importance` that is not `meaningful`."""
    known = count(found.configurations, "configuration")
    if found.lacking == "choices":
        return "The search space has only one value for every hyperparameter, so there was nothing to choose."
    if found.lacking == "configurations":
        return f"{known} trained in full: too few to say which hyperparameters mattered; at least {LEAST} are needed."
    if found.lacking == "differences":
        return f"All {known} have the same score: no hyperparameter made a difference."
    return (
        f"It is unknown which hyperparameters mattered: a random forest fitted to the {known} trained in full does not"
        f" explain the scores of the others (out-of-bag R² {found.explained:.2f})."
    )


def parts(found: Importance) -> str:
    """A table of the largest parts, single hyperparameters before pairs, and the rest in the last line."""
    alone, together = _largest(found.of(1), ALONE), _largest(found.of(2), TOGETHER)
    shown = [*(alone or found.of(1)[:1]), *together]
    rows = [[_name(each), f"{100 * each.mean:.0f} ± {100 * each.deviation:.0f} %"] for each in shown]
    rest = max(0.0, 1.0 - sum(each.mean for each in shown))
    return table(["Hyperparameter", "Part of the variance"], [*rows, ["all else", f"{100 * rest:.0f} %"]])


def _largest(found: Sequence[Part], most: int) -> Sequence[Part]:
    return [each for each in found if each.mean >= WORTH][:most]


def _name(part: Part) -> str:
    return part.names[0] if len(part.names) == 1 else f"{' with '.join(part.names)}, beyond both alone"
