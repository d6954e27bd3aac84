"""JSON files that hold their own digest: what was written fits, and no flipped bit does."""

import json

import pytest

from pipeline.storage.sealed_json import SEAL, fits_text, with_content_seal, with_text_seal

CONTENT = {"format": 1, "names": ["a", "ü"], "value": 0.1}


def test_what_was_written_fits():
    data = with_text_seal(CONTENT)
    assert json.loads(data).keys() == {*CONTENT, SEAL}
    assert fits_text(data, json.loads(data))
    assert with_content_seal(CONTENT) == with_content_seal(dict(CONTENT))


@pytest.mark.parametrize("bit", range(8))
def test_no_flipped_bit_fits(bit):
    data = with_text_seal(CONTENT)
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1 << bit
        try:
            content = json.loads(changed.decode())
        except ValueError:
            continue
        assert SEAL not in content or not fits_text(bytes(changed), content), position


def test_the_first_versions_wrote_no_seal():
    assert fits_text(json.dumps(CONTENT).encode(), CONTENT)
    assert not fits_text(json.dumps({**CONTENT, SEAL: 7}).encode(), {**CONTENT, SEAL: 7})


def test_another_content_has_another_seal():
    one, other = (json.loads(with_content_seal({**CONTENT, "value": value}))[SEAL] for value in (1, 2))
    assert one != other
