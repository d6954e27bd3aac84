"""Standard output takes every character, whatever its encoding."""

import io
import sys

import pytest

from pipeline.storage.streams import take_every_character

TEXT = "größe • 日本 ★ \udcfc"


def written(monkeypatch: pytest.MonkeyPatch, encoding: str, errors: str) -> str:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, errors=errors))
    take_every_character()
    print(TEXT, flush=True)
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("ascii", "gr??e * ?? * ?\n"),
        ("latin-1", "größe * ?? * ?\n"),
        ("cp1252", "größe • ?? * ?\n"),
        ("utf-8", "größe • 日本 ★ ?\n"),
    ],
)
def test_a_character_that_the_encoding_lacks_is_replaced(monkeypatch, encoding, errors, expected):
    assert written(monkeypatch, encoding, errors) == expected


def test_a_way_of_the_users_own_to_replace_characters_is_kept(monkeypatch):
    assert written(monkeypatch, "ascii", "backslashreplace").startswith(r"gr\xf6\xdfe \u2022")


def test_what_is_not_a_stream_of_text_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    take_every_character()
