"""Notices when one ledger gets results that were computed differently: their last digits may differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from pipeline.storage.untrusted import shown
from pipeline.trial import Repeat

_FIELDS: Final = {
    "threads": "another number of threads",
    "device": "another device",
    "versions": "other versions",
}


class Notices:
    """Knows how the repeats of a ledger were computed, and reports each difference once."""

    def __init__(self, repeats: Iterable[Repeat]) -> None:
        self._known: dict[str, Counter[str]] = {name: Counter() for name in _FIELDS}
        for repeat in repeats:
            self._count(repeat)

    def of(self, repeat: Repeat) -> tuple[str, ...]:
        """A sentence for each way in which a new repeat was computed differently from all before it."""
        found = [
            f"From here on results are computed with {what}: {_without(now, before)}, where {sum(known.values())}"
            f" repeats of the ledger had {_without(before, now)}. Last digits may differ; each repeat records its own."
            for name, what in _FIELDS.items()
            if (now := _value(repeat, name))
            and (known := self._known[name])
            and now not in known
            and (before := known.most_common(1)[0][0])
        ]
        self._count(repeat)
        return tuple(found)

    def _count(self, repeat: Repeat) -> None:
        for name, known in self._known.items():
            value = _value(repeat, name)
            if value:  # unknown for lost trainings and in the first journals
                known[value] += 1


def _value(repeat: Repeat, name: str) -> str:
    return str(getattr(repeat, name) or "") if repeat.model else ""


def _without(value: str, other: str) -> str:
    """The parts of a list that the other one does not have; the whole list if it has all of them."""
    theirs = other.split(", ")
    return shown(", ".join(part for part in value.split(", ") if part not in theirs) or value)
