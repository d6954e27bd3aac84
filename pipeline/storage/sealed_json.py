"""JSON files that hold their own SHA-256: a bit that flips, or a hand that edits, is noticed before anything is used.

There are two stored forms, and both stay as they were first written. `study.json` is sealed over its text, ensembles
over their content. There is no secret in a seal: it finds damage, and does not stop who writes a new one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

SEAL: Final = "sha256"  # the last field of a sealed object
_BLANK: Final = "0" * 64


def with_text_seal(content: Mapping[str, Any]) -> bytes:
    """The object as JSON text, sealed over the text itself with zeros in the place of the seal."""
    text = json.dumps({**content, SEAL: _BLANK}, indent=1, default=str)
    head, _, tail = text.rpartition(_BLANK)
    return f"{head}{_text_seal(text.encode(), _BLANK)}{tail}".encode()


def fits_text(data: bytes, content: Mapping[str, Any]) -> bool:
    """True if the text has the seal that its object names; the first versions wrote none, which is accepted."""
    if SEAL not in content:
        return True
    seal = content[SEAL]
    return isinstance(seal, str) and _text_seal(data, seal) == seal


def _text_seal(data: bytes, seal: str) -> str:
    head, _, tail = data.rpartition(seal.encode() or b"?")
    return hashlib.sha256(head + _BLANK.encode() + tail).hexdigest()


def with_content_seal(content: Mapping[str, Any]) -> bytes:
    """The object as JSON text, sealed over its content; equal objects give equal bytes, so readers compare these."""
    seal = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return json.dumps({**content, SEAL: seal}, indent=1).encode()
