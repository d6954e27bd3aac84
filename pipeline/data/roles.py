"""The role of every column: what the user names, and what the rest of the columns then are."""

from __future__ import annotations

import difflib
import itertools
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from pipeline.data.header import NAMELESS
from pipeline.errors import UserError

_LISTED: Final = 30  # column names in an error
_SETTINGS: Final[Mapping[str, str]] = {"input": "inputs", "ignored": "ignore", "category": "categories"}
"""What the settings call a role, where that is another word."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The role of every used column; groups may be inputs as well."""

    targets: tuple[str, ...]  # in the user's order
    inputs: tuple[str, ...]  # in the file's order
    categories: tuple[str, ...]  # the inputs that are one-hot encoded
    weight: str = ""
    groups: tuple[str, ...] = ()
    time: str = ""  # of a series: orders its rows, at prediction too; "" where a study of before does not say it
    time_format: str = ""  # how its cells are written, at prediction too; see `times.moments`
    truths: tuple[str, ...] = ()  # the inputs that are true or false
    spelled: tuple[str, ...] = ()  # columns of texts of which only the spelling tells some apart, as 1.1 and 1.10
    reading: int = 1  # number of the rules by which its cells are read
    times: Mapping[str, str] = field(default_factory=dict, hash=False)
    """The inputs that are dates or times -> how their cells are written, at prediction too; see `time_inputs`."""
    zoned: tuple[str, ...] = ()  # those of them whose cells have zones

    def describe(self) -> dict[str, Any]:
        """All of it in JSON's types; what a study of before does not say is left out where it says the same."""
        unsaid = {"time": "", "time_format": "", "truths": (), "spelled": (), "reading": 1, "times": {}, "zoned": ()}
        return {name: value for name, value in asdict(self).items() if name not in unsaid or unsaid[name] != value}


@dataclass(frozen=True, slots=True)
class Named:
    """The columns that the user names, by role."""

    targets: Sequence[str]
    inputs: Sequence[str] = ()
    ignore: Sequence[str] = ()
    categories: Sequence[str] = ()
    weight: str = ""
    groups: Sequence[str] = ()
    time: str = ""
    split: str = ""
    times: Mapping[str, str] = field(default_factory=dict)  # to their formats, "" where the cells say it

    def tidied(self, tidy: Callable[[str], str]) -> Named:
        """The same names, spelled as a table spells them."""
        several = {
            role: tuple(map(tidy, getattr(self, role)))
            for role in ("targets", "inputs", "ignore", "categories", "groups")
        }
        single = {role: tidy(getattr(self, role)) for role in ("weight", "time", "split")}
        times = {tidy(name): given for name, given in self.times.items()}
        changes: dict[str, Any] = {**several, **single, "times": times}
        return replace(self, **changes)

    def check_existence(self, names: Sequence[str], source: str) -> None:
        """Raise UserError for a column that the table does not have."""
        roles = {
            "target": self.targets,
            "input": self.inputs,
            "ignored": self.ignore,
            "category": self.categories,
            "weight": [self.weight] if self.weight else [],
            "group": self.groups,
            "time": [self.time] if self.time else [],
            "split": [self.split] if self.split else [],
            "times": [*self.times],
        }
        for role, named in roles.items():
            for name in named:
                if name not in names:
                    what = f"{source} has no column {name!r} (named as {role})"
                    raise _split_name(role, named, names, what) or unknown_column(name, names, what)

    def check_series(self) -> None:
        """Raise UserError for roles that a series does not have."""
        others = {"inputs": self.inputs, "weight": self.weight, "group": self.groups, "times": self.times}
        named = [name for name, given in others.items() if given]
        if named or self.time in self.targets:
            raise UserError(
                f"{named[0]} cannot be used with a series"
                if named
                else f"{self.time!r} is the time and cannot be a target",
                expected="a time column, targets, and columns to ignore; all other columns are inputs at every step",
                hint=f"leave {named[0]} out" if named else "name another target",
            )

    def of_windows(self) -> Named:
        """The roles of the windows of a series, which have no column to ignore."""
        return replace(self, ignore=())

    def check_roles(self) -> None:
        """Raise UserError for a column with two roles that exclude each other, and if there is no target."""
        if not self.targets:
            raise UserError("No target is named", expected="the column, or columns, to predict", hint="name it")
        named = {
            "target": {*self.targets},
            "input": {*self.inputs},
            "ignored": {*self.ignore},
            "group": {*self.groups},
            "weight": {self.weight} if self.weight else set(),
            "split": {self.split} if self.split else set(),
            "category": {*self.categories},
            "times": {*self.times},
        }
        for one, other in _EXCLUSIVE:
            both = sorted(named[one] & named[other])
            if both:
                raise UserError(
                    f"Column {quoted(both)} is named as {one} and as {other}",
                    expected="one role for each column",
                    hint="remove it from one of the two",
                )

    def inputs_of(self, names: Sequence[str]) -> tuple[str, ...]:
        """The inputs among the columns of a table, in their order: all that have no other role, if none is named."""
        if self.inputs:
            return tuple(name for name in names if name in {*self.inputs})
        taken = {*self.targets, *self.ignore, self.weight, self.split}
        left = tuple(name for name in names if name not in taken)
        nameless = [name for name in left if re.fullmatch(f"{NAMELESS}[0-9]+", name)]
        if nameless:
            raise UserError(
                f"Column {int(nameless[0].removeprefix(NAMELESS)) + 1} has no name",
                expected="a name for every input; a column without one is often the row number",
                hint=f"name {nameless[0]!r} in `ignore`, or give the column a name in the file",
            )
        if not left:
            raise UserError("No input is left", expected="at least one column beside targets, weight and ignored ones")
        return left


_EXCLUSIVE: Final = (
    ("target", "input"),
    ("target", "ignored"),
    ("target", "weight"),
    ("target", "group"),
    ("input", "ignored"),
    ("input", "weight"),
    ("ignored", "weight"),
    ("weight", "group"),
    ("target", "split"),
    ("input", "split"),
    ("weight", "split"),
    ("group", "split"),
    ("target", "times"),
    ("ignored", "times"),
    ("weight", "times"),
    ("group", "times"),
    ("split", "times"),
    ("category", "times"),
)


def unknown_column(name: str, names: Iterable[object], what: str) -> UserError:
    """The error for a column that does not exist; it suggests the closest names."""
    there = [str(each) for each in names]
    composed = {unicodedata.normalize("NFC", each): each for each in there}
    if unicodedata.normalize("NFC", name) in composed:
        return UserError(
            what,
            expected="the name as the table spells it: its letters and accents are the same, and its characters differ",
            hint="copy the name from the file",
        )
    folded = {each.casefold(): each for each in reversed(there)}
    near = [folded[each] for each in difflib.get_close_matches(name.casefold(), folded, n=3)]
    listed = quoted(there[:_LISTED]) + (f" and {len(there) - _LISTED} more" if len(there) > _LISTED else "")
    return UserError(
        what,
        expected=f"one of {listed}",
        hint=f"did you mean {quoted(near, ' or ')}?{_in_a_file(near)}" if near else _check_the_name(there),
    )


def _check_the_name(there: Sequence[str]) -> str:
    nameless = sum(name.startswith(NAMELESS) for name in there)
    above = ", and remove what stands above the names of the columns" if 2 * nameless >= len(there) else ""
    return f"check the name{above}"


def _in_a_file(names: Sequence[str]) -> str:
    return " A settings file takes names with commas, in a list." if any("," in name for name in names) else ""


def _split_name(role: str, named: Sequence[str], names: Iterable[str], what: str) -> UserError | None:
    """The error where names that a comma separates are one column with a comma in its name; None if they are not."""
    pieces = {tuple(part.strip() for part in each.split(",")): each for each in names if "," in each}
    runs = (tuple(named[first:last]) for first, last in itertools.combinations(range(len(named) + 1), 2))
    found = next((pieces[run] for run in runs if run in pieces), None)
    if found is None:
        return None
    setting = _SETTINGS.get(role, role)
    return UserError(
        what,
        expected=f"{found!r} perhaps, whose name has a comma: on the command line a comma separates names",
        hint=f"put it into a settings file, as a list: {setting} = [{json.dumps(found, ensure_ascii=False)}]",
    )


def quoted(names: Iterable[str], between: str = ", ") -> str:
    """The names in quotes, in a line."""
    return between.join(repr(name) for name in names)
