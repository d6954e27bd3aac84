"""Names that are made of the user's names: two columns of one table are never called alike.

A name that the user gave stays as it is. A name derived from it (`price spread`, `town = York`) gets a mark behind it
where it would be one that stands beside it already: `price spread (networks)`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator


def distinct(name: str, taken: Collection[str], mark: str) -> str:
    """The name itself, or with the mark in brackets behind it as often as it takes to be none of those taken."""
    while name in taken:
        name = f"{name} ({mark})"
    return name


def all_distinct(names: Iterable[str], mark: str) -> Iterator[str]:
    """Derived names in their order, each distinct from those before it."""
    taken: set[str] = set()
    for name in names:
        taken.add(found := distinct(name, taken, mark))
        yield found
