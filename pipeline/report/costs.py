"""What the page says of score against cost: the configurations of which no better one is smaller."""

from __future__ import annotations

from typing import Final

from pipeline.ranking.front import SECONDS, WEIGHTS, front_of
from pipeline.report.contents import Contents
from pipeline.report.wording import count, duration, table, varying, with_bounds
from pipeline.report.wording import others as settings_of

LISTED: Final = 10  # lines of the table


def section(contents: Contents) -> str:
    """The heading, the table and the sentences; empty where nothing is known of what configurations cost."""
    front = front_of(contents.ranking, WEIGHTS)
    if not front:
        return ""
    quick = front_of(contents.ranking, SECONDS)
    places = {each.key: rank for rank, each in enumerate(contents.ranking, 1)}
    names = varying([each.configuration for each in contents.ranking])
    objective = contents.task.objective
    header = ["Rank", "Hidden layers", "Neurons", *(["Other settings"] if names else [])]
    header += [f"{objective[:1].upper()}{objective[1:]} validation", "Weights", "Training"]
    rows = []
    for each in front[:LISTED]:
        layers = contents.naming.depth(each.configuration)
        settings = [settings_of(each.configuration, names) or "-"] if names else []
        structure = ["-" if layers is None else str(layers), contents.naming.neurons(each.configuration) or "-"]
        score = with_bounds(each.mean, each.low, each.high)
        rows.append([str(places[each.key]), *structure, *settings, score, f"{each.weights:,}", duration(each.seconds)])
    more = f" The ledger has {count(len(front) - LISTED, 'smaller one')} more." if len(front) > LISTED else ""
    fastest = f" By seconds of a training there are {len(quick)}." if quick else ""
    text = (
        f"{count(len(front), 'configuration')} of which every better one has more weights, in the order of the"
        f" ranking.{more}{fastest} Both fronts are in the column *front* of the ledger and in `figures/front.png`;"
        " seconds depend on what else the machine did, weights do not."
    )
    return "\n\n".join(("## Score against cost", table(header, rows, left=len(header) - 3), text))
