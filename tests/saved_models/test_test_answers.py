"""Networks as Keras files, which Keras writes to a disk alone."""

from __future__ import annotations

import errno
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.errors import UserError
from pipeline.saved_models import test_answers


def test_a_temporary_folder_that_refuses_is_named_with_what_helps(monkeypatch):
    def save(path: object) -> None:
        raise OSError(errno.EFBIG, "File too large")

    network = SimpleNamespace(set_weights=lambda _: None, save=save)
    kind = SimpleNamespace(build=lambda *_: network)
    monkeypatch.setattr("pipeline.saved_models.test_answers.models.load", lambda _: kind)
    member: Any = SimpleNamespace(model="mlp", configuration=None, signature=None, weights=())
    with pytest.raises(UserError, match=r"(?s)cannot be used: File too large.*ulimit -f"):
        test_answers._keras_file(member)
