"""Score against cost on the page: the configurations that are smaller than all better ones."""

from __future__ import annotations

from typing import Final

from pipeline.ranking.front import SECONDS, WEIGHTS, front_of
from pipeline.ranking.order import ranks
from pipeline.report.contents import Contents
from pipeline.report.wording import count, duration, scored, table, varying
from pipeline.report.wording import others as settings_of

LISTED: Final = 10  # lines of the table


def section(contents: Contents) -> str:
    """The heading, the table and the sentences; empty if the cost of the configurations is not known."""
    front = front_of(contents.ranking, WEIGHTS)
    if not front:
        return ""
    quick = front_of(contents.ranking, SECONDS)
    places = ranks(contents.ranking)
    names = varying([each.configuration for each in contents.ranking])
    objective = contents.task.objective
    header = ["Rank", "Hidden layers", "Neurons", *(["Other settings"] if names else [])]
    header += [f"{objective[:1].upper()}{objective[1:]} validation", "Weights", "Training"]
    rows = []
    for each in front[:LISTED]:
        layers = contents.naming.depth(each.configuration)
        settings = [settings_of(each.configuration, names) or "-"] if names else []
        structure = ["-" if layers is None else str(layers), contents.naming.neurons(each.configuration) or "-"]
        score = scored(contents.task, each.mean, each.low, each.high)
        rows.append([str(places[each.key]), *structure, *settings, score, f"{each.weights:,}", duration(each.seconds)])
    more = f" The ledger has {count(len(front) - LISTED, 'smaller one')} more." if len(front) > LISTED else ""
    fastest = f" By training time there are {len(quick)}." if quick else ""
    text = (
        f"The front of score and size has {count(len(front), 'configuration')}: all better ones have more weights."
        f"{more}{fastest} Both fronts are marked in the column *front* of the ledger and drawn in `figures/front.png`;"
        " training times depend on the load of the machine, weights do not."
    )
    return "\n\n".join(("## Score against cost", table(header, rows, left=len(header) - 3), text))
