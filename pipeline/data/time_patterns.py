"""Patterns of dates and times, as `strptime` has them, and how a text is read by one.

A pattern of a date alone, such as %d.%m.%Y, also takes a time of day behind the date, with fractions of a second and a
zone, because these can be read in one way only. Its month names are those of seven languages, with any separators. A
pattern with a time in it is left to `strptime`. Years of two digits are those from 1969 to 2068.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

# What is tried; the order decides nothing but what an error names first. With dots the day comes first.
DATES: Final = (
    *("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d %b %Y", "%b %d %Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y"),
    *("%y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d", "%d %b %y", "%b %d %y", "%Y %b %d"),
    *("%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y", "%b %Y"),
)
# What only the user can mean, because dots put the day first, a month has a year, and an hour has a day.
UNASKED: Final = ("%m.%d.%Y", "%m.%d.%y", "%b %y", "%Y-%d-%m", "%H:%M:%S", "%H:%M")
LONGEST: Final = 60  # characters of a pattern

_WORDS: Final = {"d": "day", "m": "month", "b": "month", "B": "month", "Y": "year", "y": "year of two digits"}
_OF_DATES: Final = frozenset("dmbBYyaA")
_YEARS: Final = frozenset("YyGcx")
_WIDTHS: Final = {"Y": 4, "j": 3, **dict.fromkeys("dmyHMSI", 2)}
_NAME: Final = r"[^\W\d_]{3,10}\.?"
_GROUPS: Final = {"d": r"(?P<d>\d{1,2})", "m": r"(?P<m>\d{1,2})", "Y": r"(?P<Y>\d{4})", "y": r"(?P<Y>\d{2})"} | {
    **dict.fromkeys("bB", f"(?P<b>{_NAME})"),
    **dict.fromkeys("aA", _NAME),
}
_WEEKDAY: Final = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_TIME: Final = (
    r"(?:(?:\s*[T,:]\s*|\s+)(?P<H>\d{1,2}):?(?P<M>\d{2})(?::?(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"\s*(?P<p>[ap]\.?m\.?)?\s*(?P<z>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?"
)
_CLOCK: Final = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(\s*[ap]\.?m\.?)?", re.ASCII | re.IGNORECASE)
_EPOCH: Final = dt.date(1970, 1, 1).toordinal()
_SECOND: Final = 10**9  # nanoseconds
_MONTHS: Final = (  # without accents, as `_month` takes them
    "january januar janner janvier januari janeiro gennaio enero",
    "february februar fevrier febrero febbraio fevereiro februari",
    "march marz mars marzo marco maart mrz mrt",
    "april avril abril aprile",
    "may mai mayo maggio maio mei",
    "june juni juin junio giugno junho",
    "july juli juillet julio luglio julho",
    "august aout agosto augustus",
    "september septembre septiembre settembre setembro",
    "october oktober octobre octubre ottobre outubro",
    "november novembre noviembre novembro",
    "december dezember decembre diciembre dicembre dezembro",
)


class Read(NamedTuple):
    """What a cell is read as."""

    value: int | float  # nanoseconds since 1970, in UTC where the cell has a zone; or a number
    zoned: bool = False


Reader = Callable[[str], Read | None]
"""From a text to its moment; None for a text that does not fit."""


def is_pattern(pattern: str) -> bool:
    """True for a pattern that says enough to sort by: with a year, or of a time of day alone."""
    directives = _directives(pattern)
    of_day = set("HIMSfpXTR") & directives and not set("dmbBjUWVuwaA") & directives
    if not pattern.isprintable() or len(pattern) > LONGEST or not (_YEARS & directives or of_day):
        return False
    try:
        reader(pattern)
        moment = dt.datetime(2001, 12, 31, 23, 58, 59)  # noqa: DTZ001 - only to be written and read back
        dt.datetime.strptime(moment.strftime(pattern), pattern)  # noqa: DTZ007
    except (ValueError, re.error, LookupError, TypeError, OverflowError):
        return False
    return True


def has_date(pattern: str) -> bool:
    """True unless the pattern is one of a time of day."""
    return bool(_YEARS & _directives(pattern))


def named(pattern: str) -> str:
    """A pattern of a date in words, such as day.month.year; other patterns as they are."""
    if not _directives(pattern) <= _WORDS.keys() or re.search("%.%", pattern):
        return pattern
    return re.sub(r"%(.)", lambda found: _WORDS[found[1]], pattern)


def example(pattern: str) -> str:
    """A day that shows the pattern."""
    return dt.date(2020, 12, 31).strftime(pattern)


def _directives(pattern: str) -> set[str]:
    return set(re.findall(r"%(.)", pattern.replace("%%", "")))


@cache
def reader(pattern: str) -> Reader:
    """How texts are read by a pattern. Raise ValueError or re.error for what is not a pattern."""
    read = _date_reader(pattern) if _directives(pattern) <= _OF_DATES else _strptime(pattern)
    figures = re.sub(r"%(.)", lambda found: found[1] if found[1] in _WIDTHS else "?", pattern)
    if not all(each in _WIDTHS for each in figures):
        return read
    width = sum(_WIDTHS[each] for each in figures)
    return lambda text: read(text.zfill(width) if text.isdigit() else text)  # a number has lost its first zero


def _strptime(pattern: str) -> Reader:
    def read(text: str) -> Read | None:
        try:
            moment = dt.datetime.strptime(text, pattern)  # noqa: DTZ007 - a zone is read where there is one
            zoned = moment.tzinfo is not None
            utc = moment.astimezone(dt.UTC) if zoned else moment
        except (ValueError, OverflowError):
            return None
        time = (utc.hour, utc.minute, utc.second)
        return Read(_nanoseconds(utc.date(), *time, utc.microsecond * 1000), zoned)

    return read


def _nanoseconds(day: dt.date, hour: int, minute: int, second: int, fraction: int) -> int:
    days = day.toordinal() - _EPOCH
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * _SECOND + fraction


# -------------------------------------------------------------------------------------------------- patterns of dates


def _date_reader(pattern: str) -> Reader:
    matched = re.compile(_expression(pattern) + _TIME, re.IGNORECASE)

    def read(text: str) -> Read | None:
        found = matched.fullmatch(text)
        try:
            return _moment(found.groupdict()) if found else None
        except (ValueError, OverflowError):
            return None

    return read


def _expression(pattern: str) -> str:
    """The pattern as a regular expression: parts of a date that nothing separates have two digits each."""
    named = "b" in pattern or "B" in pattern
    parts = re.findall(r"%.|[^%]+", pattern)
    close = {place for place in range(1, len(parts)) if parts[place][0] == parts[place - 1][0] == "%"}
    made = [_WEEKDAY] if named else []
    for place, part in enumerate(parts):
        if part[0] == "%" and part != "%%":
            group = _GROUPS[part[1]]
            made.append(group.replace("{1,2}", "{2}") if {place, place + 1} & close and not named else group)
        elif named:
            between = "".join(parts[max(0, place - 1) : place + 2 : 2])  # the directives on both sides
            made.append(r"[\s./,-]" + ("*" if set("bBaA") & set(between) else "+"))
        else:
            made.append(re.sub(r"\\?\s+", r"\\s+", re.escape(part.replace("%%", "%"))))
    return "".join(made)


def _moment(found: dict[str, str | None]) -> Read:
    """The moment of the parts of a text. Raise ValueError for parts that no day has."""
    year = found["Y"] or ""
    month = _month(found["b"]) if found.get("b") else int(found.get("m") or 1)
    day = dt.date(_full_year(year), month, int(found.get("d") or 1))
    hour, minute, second = (int(found[each] or 0) for each in "HMS")
    if found["p"]:
        hour = _of_noon(hour, found["p"])
    dt.time(hour, minute, second)  # checks them
    fraction = int((found["f"] or "0").ljust(9, "0"))
    offset = _offset(found["z"] or "")
    return Read(_nanoseconds(day, hour, minute, second, fraction) - offset * 60 * _SECOND, bool(found["z"]))


def _full_year(year: str) -> int:
    return int(year) if len(year) == 4 else int(year) + (1900 if int(year) > 68 else 2000)


def _of_noon(hour: int, half: str) -> int:
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if half[0] in "pP" else 0)


def _offset(zone: str) -> int:
    """Minutes that a zone is ahead of UTC."""
    if zone[:1] not in ("+", "-"):
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return -minutes if zone[0] == "-" else minutes


@cache
def _month(name: str | None) -> int:
    """The number of a month, from its name or at least three letters of it. Raise ValueError for another word."""
    plain = unicodedata.normalize("NFKD", (name or "").casefold().rstrip("."))
    letters = "".join(each for each in plain if not unicodedata.combining(each))
    found = [
        number
        for number, names in enumerate(_MONTHS, start=1)
        if any(each.startswith(letters) for each in names.split())
    ]
    if len(letters) < 3 or len(found) != 1:
        raise ValueError(name)
    return found[0]


# -------------------------------------------------------------------------------------------------------- other texts


def is_date(text: str) -> bool:
    """True for a text that is a date by one of the known patterns, with or without a time; digits are a number."""
    plausible = len(text) <= LONGEST and not text.isdigit() and sum(each.isdigit() for each in text) >= 3
    return plausible and any(reader(each)(text) is not None for each in DATES)


def is_time_of_day(text: str) -> bool:
    """True for hours and minutes."""
    return bool(_CLOCK.fullmatch(text))
