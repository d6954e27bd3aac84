"""The journal's records and their bytes: every line is JSON with a checksum over the exact bytes of its record.

    {"crc":"89abcdef","record":{"kind":"repeat",...}}

Kinds: `header` (first), `repeat`, `imported`, `stage`, and `fence`, which marks the line before it as incomplete.
"""

from __future__ import annotations

import json
import re
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, TypeVar, get_args

from pipeline.trial import Configuration, Imported, Repeat, Stage, Training

FORMAT: Final = 1
LONGEST: Final = 4 << 20  # bytes of a line: the scores of twenty thousand outputs
_LARGEST: Final = sys.float_info.max
_COUNTS: Final = 1 << 53  # integers below it are exact as floats
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
STAGES: Final = frozenset(get_args(Stage))


@dataclass(frozen=True, slots=True)
class Begun:
    """The beginning of a stage: what it depends on (`facts`) and the digest of that (`identity`)."""

    stage: Stage
    identity: str
    facts: Mapping[str, Any] = field(default_factory=dict)


Record = Repeat | Imported | Begun
Raw = dict[str, Any]
Name = tuple[object, ...]


def frame(record: Raw) -> bytes:
    """Encode a line with its newline, in ASCII. Raise ValueError for NaN and infinity, TypeError for other types."""
    # ASCII, because error texts come from anywhere: lone surrogates and control characters are escaped.
    body = json.dumps(record, allow_nan=False, separators=(",", ":")).encode("ascii")
    if len(body) > LONGEST - 64:
        raise ValueError(f"a record of {len(body)} bytes is too long for a journal")
    return b'{"crc":"%08x","record":%s}\n' % (zlib.crc32(body), body)


HEADER: Final = frame({"kind": "header", "format": FORMAT})
FENCE: Final = frame({"kind": "fence", "note": "the line before this one is torn and does not count"})


def unframe(line: bytes) -> bytes | None:
    """The bytes of the record in a line; None if a byte is missing or wrong."""
    if line[:8] != b'{"crc":"' or line[16:27] != b'","record":' or line[-2:] != b"}\n":
        return None
    body = line[27:-2]
    return body if b"%08x" % zlib.crc32(body) == line[8:16] else None


def parse(body: bytes) -> Raw:
    """Parse the bytes of a record. Raise ValueError if they are not an object or contain NaN."""
    raw = _DECODER.decode(body.decode("ascii"))
    if not isinstance(raw, dict):
        raise ValueError("a record is not an object")  # noqa: TRY004 - one kind of error for all damage
    return raw


def encode(record: Record) -> Raw:
    """Convert a record to the types of JSON; `decode` makes an equal one, with floats that are equal bit by bit."""
    if isinstance(record, Repeat):
        return _encode_repeat(record)
    if isinstance(record, Begun):
        return {"kind": "stage", "stage": record.stage, "identity": record.identity, "facts": dict(record.facts)}
    return {
        "kind": "imported",
        "key": record.configuration.key,
        "configuration": record.configuration.as_dict(),
        "epochs": record.epochs,
        "repeats": record.repeats,
        "mean": record.mean,
        "std": record.std,
        "source": record.source,
    }


def _encode_repeat(repeat: Repeat) -> Raw:
    configuration = repeat.training.configuration
    return {
        "kind": "repeat",
        "key": configuration.key,
        "configuration": configuration.as_dict(),
        "epochs": repeat.training.epochs,
        "index": repeat.training.index,
        "stage": repeat.stage,
        "seed": repeat.seed,
        "objective": repeat.objective,
        "scores": {output: dict(metrics) for output, metrics in repeat.scores.items()},
        "epochs_run": repeat.epochs_run,
        "best_epoch": repeat.best_epoch,
        "seconds": repeat.seconds,
        "slot": repeat.slot,
        "threads": repeat.threads,
        "weights": repeat.weights,
        "error": repeat.error,
        "model": repeat.model,
        "program": repeat.program,
        "device": repeat.device,
        "versions": repeat.versions,
        "started": repeat.started,
    }


Known = dict[str, tuple[str, Configuration]]
"""Configurations that were decoded before, by key: each is built and hashed only once."""


def decode(raw: Raw, known: Known) -> Record:
    """The inverse of `encode`. Raise ValueError, KeyError or TypeError for anything that `encode` never writes."""
    kind = raw["kind"]
    if kind == "repeat":
        return _decode_repeat(raw, known)
    if kind == "stage":
        return Begun(_stage(raw["stage"]), _typed(raw["identity"], str), _typed(raw["facts"], dict))
    if kind == "imported":
        std = raw["std"]
        return Imported(
            configuration=_configuration(raw, known),
            epochs=_typed(raw["epochs"], int),
            repeats=_typed(raw["repeats"], int),
            mean=_number(raw["mean"]),
            std=None if std is None else _number(std),
            source=_typed(raw["source"], str),
        )
    raise ValueError(f"unknown kind {kind!r}")


def _decode_repeat(raw: Raw, known: Known) -> Repeat:
    objective = raw["objective"]
    scores = _typed(raw["scores"], dict)
    for metrics in scores.values():
        for value in _typed(metrics, dict).values():
            _number(value)
    return Repeat(
        training=Training(_configuration(raw, known), _typed(raw["epochs"], int), _typed(raw["index"], int)),
        stage=_stage(raw["stage"]),
        seed=_typed(raw["seed"], int),
        objective=None if objective is None else _number(objective),
        scores=scores,
        epochs_run=_typed(raw["epochs_run"], int),
        best_epoch=_typed(raw["best_epoch"], int),
        seconds=_number(raw["seconds"]),
        slot=_typed(raw["slot"], str),
        threads=_typed(raw["threads"], int),
        weights=_typed(raw["weights"], int),
        error=_typed(raw["error"], str),
        model=_typed(raw["model"], str),
        program=_shared(raw.get("program", "")),  # missing in the first journals, like those below
        device=_shared(raw.get("device", "")),
        versions=_shared(raw.get("versions", "")),
        started=_moment(raw.get("started", "")),
    )


def name(raw: Raw) -> Name:
    """The name of a fact; a ledger contains each once."""
    kind = raw["kind"]
    if kind == "repeat":
        return (kind, raw["key"], raw["epochs"], raw["index"])
    if kind == "stage":
        return (kind, raw["stage"], raw["identity"])
    return (kind, raw["key"], raw["epochs"])


def _configuration(raw: Raw, known: Known) -> Configuration:
    key, values = raw["key"], raw["configuration"]
    seen = known.get(key)
    # 1, 1.0 and True are equal but different values: compare the texts.
    text = repr(values)
    if seen is not None and seen[0] == text:
        return seen[1]
    configuration = Configuration.of(_typed(values, dict))
    if configuration.key != key:
        raise ValueError(f"the key {key!r} does not match its configuration")
    known[key] = (text, configuration)
    return configuration


T = TypeVar("T")


def _typed(value: object, kind: type[T]) -> T:
    if type(value) is not kind or (kind is int and not 0 <= value < _COUNTS):  # type: ignore[operator]
        raise ValueError(f"{value!r:.60} is not of type {kind.__name__}, or beyond its range")
    return value


def _shared(value: object) -> str:
    """A text that most lines share is kept in memory once."""
    return sys.intern(_typed(value, str))


def _moment(value: object) -> str:
    """A moment as `training.protocol.utc_now` writes it, or nothing."""
    found = _typed(value, str)
    if found and not _MOMENT.fullmatch(found):
        raise ValueError(f"{found!r:.60} is not a moment in UTC")
    return found


def _number(value: object) -> float:
    # An integer of hundreds of digits is finite, but not a float.
    if type(value) not in (float, int) or not abs(value) <= _LARGEST:  # type: ignore[arg-type]
        raise ValueError(f"{value!r:.60} is not a finite number")
    return value  # type: ignore[return-value]


def _stage(value: object) -> Stage:
    if value not in STAGES:
        raise ValueError(f"unknown stage {value!r:.60}")
    return value  # type: ignore[return-value]


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number of JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse)
