"""JSON files that contain their own SHA-256, so that damage and edits are noticed before anything is used.

There are two stored forms, which never change. `study.json` is sealed over its text, ensembles over their content. A
seal contains no secret: it detects damage, but anybody can write a new one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

SEAL: Final = "sha256"  # the last field of a sealed object
_BLANK: Final = "0" * 64


def with_text_seal(content: Mapping[str, Any]) -> bytes:
    """The object as JSON text, sealed over the text with zeros in place of the seal."""
    text = json.dumps({**content, SEAL: _BLANK}, indent=1, default=str)
    head, _, tail = text.rpartition(_BLANK)
    return f"{head}{_text_seal(text.encode(), _BLANK)}{tail}".encode()


def fits_text(data: bytes, content: Mapping[str, Any]) -> bool:
    """True if the seal in the object matches the text; texts of the first versions, without a seal, are accepted."""
    if SEAL not in content:
        return True
    seal = content[SEAL]
    return isinstance(seal, str) and _text_seal(data, seal) == seal


def _text_seal(data: bytes, seal: str) -> str:
    head, _, tail = data.rpartition(seal.encode() or b"?")
    return hashlib.sha256(head + _BLANK.encode() + tail).hexdigest()


def with_content_seal(content: Mapping[str, Any]) -> bytes:
    """The object as JSON text, sealed over its content; equal objects give equal bytes, which readers compare."""
    seal = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return json.dumps({**content, SEAL: seal}, indent=1).encode()
