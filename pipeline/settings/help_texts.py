"""Settings as --help describes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.settings.fields import COUNTED, HEADINGS
from pipeline.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Described:
    """A setting as --help shows it."""

    name: str
    kind: Any  # its annotation
    about: str
    default: str  # in words; empty if it is off or has to be given
    heading: str  # one of HEADINGS
    hidden: bool


def described() -> tuple[Described, ...]:
    """All settings, grouped by heading, in the order of HEADINGS."""
    found = [_of(name) for name in Settings.model_fields]
    return tuple(sorted(found, key=lambda each: HEADINGS.index(each.heading)))


def _of(name: str) -> Described:
    field = Settings.model_fields[name]
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    off = field.is_required() or field.default is None or field.default is False or field.default in ("", ())
    default = "" if off else f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
    if name in COUNTED:
        default += f", or {COUNTED[name]} with --trainings"
    about, hidden = field.description or "", bool(extra["hidden"])
    return Described(name, field.annotation, about, default, str(extra["heading"]), hidden)
