"""Files that claim to be larger than they are, or are made to fill the memory: refused, in bounded memory and time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.ledger.records import frame
from pipeline.trial import Configuration
from tests.faults import forger
from tests.faults import small_study as small

ROOT = Path(__file__).parents[2]
MEGABYTES = 250  # that opening a bomb may take beyond what a sound study takes
SECONDS = 10.0
HUGE = 10**12
ZEROS = 200 << 20


def claimed_weights(study: Path) -> None:
    path = forger.best(study) / "repeat-000.npz"
    path.write_bytes(forger.npz({**forger.unzipped(path.read_bytes()), "weight_000.npy": forger.npy((HUGE,))}))


def claimed_weights_of_the_right_shape(study: Path) -> None:
    """The configuration asks for them as well: the widest and deepest network that a space can have."""
    kept = described(study, hidden_layers=1000, units=[65_536] * 1000)
    members = {f"weight_{number:03d}.npy": forger.npy((65_536, 65_536)) for number in range(2002)}
    (kept / "repeat-000.npz").write_bytes(forger.npz({**members, "probe.npy": forger.npy((8, 2))}))


def deflated_weights(study: Path) -> None:
    path = forger.best(study) / "repeat-000.npz"
    bomb = {**forger.unzipped(path.read_bytes()), "weight_000.npy": forger.npy((ZEROS // 4,), bytes(ZEROS))}
    path.write_bytes(forger.npz(bomb, zipfile.ZIP_DEFLATED))


def many_members(study: Path) -> None:
    members = {f"weight_{number}.npy": b"" for number in range(60_000)}
    (forger.best(study) / "repeat-000.npz").write_bytes(forger.npz(members))


def sparse_weights(study: Path) -> None:
    with (forger.best(study) / "repeat-000.npz").open("r+b") as file:
        file.truncate(1 << 40)


def sparse_probe(study: Path) -> None:
    with (forger.best(study) / "probe.json").open("r+b") as file:
        file.truncate(1 << 40)


def deep_network(study: Path) -> None:
    described(study, hidden_layers=10**9, units=8)


def huge_signature(study: Path) -> None:
    described(study, features=10**15)


def wide_signature(study: Path) -> None:
    described(study, features=9_000_000, outputs=9_000_000)


def described(study: Path, *, features: int = 0, outputs: int = 0, **values: object) -> Path:
    """Let the best configuration be another one, in its folder, its description and the journal."""
    kept = forger.best(study)
    path = kept / "configuration.json"
    about = json.loads(path.read_text())
    configuration = Configuration.of({**about["configuration"], **values})
    about["configuration"] = configuration.as_dict()
    about["features"], about["outputs"] = features or about["features"], outputs or about["outputs"]
    path.write_text(json.dumps(about))

    def change(raw: dict[str, Any]) -> None:
        if raw.get("key") == kept.name:
            raw.update(key=configuration.key, configuration=configuration.as_dict())

    forger.rewrite_journal(study, change)
    moved = kept.with_name(configuration.key)
    kept.rename(moved)
    return moved


def scalers(change: Callable[[Any], object]) -> Callable[[Path], None]:
    return lambda study: forger.edit_skops(forger.best(study) / "preprocessing.skops", change)


def fitted_encoder(schema: Any) -> dict[str, Any]:
    found = [each["content"]["content"] for each in forger.nodes(schema, "OneHotEncoder")]
    encoder: dict[str, Any] = next(each for each in found if "categories_" in each)
    return encoder


def widest(schema: Any) -> None:
    for size in fitted_encoder(schema)["_n_features_outs"]["content"]:
        size["content"] = str(10**10)


def many_categories(schema: Any) -> None:
    for array in fitted_encoder(schema)["categories_"]["content"]:
        array["content"] = array["content"] * 100_000


def doubling(schema: Any) -> None:
    """Lists that hold one list twice, forty deep: skops finds each by its identity, and walks all 2 to the 40th."""
    inner: dict[str, Any] = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": '"x"'}
    for number in range(40):
        kind = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "__id__": 10**9 + number}
        inner = {**kind, "content": [inner, {**kind, "__id__": inner.get("__id__", 1), "content": []}]}
    schema["content"]["about"] = inner


def deep_scalers(study: Path) -> None:
    path = forger.best(study) / "preprocessing.skops"
    deep = b'{"a":' * 200_000 + b"1" + b"}" * 200_000
    path.write_bytes(forger.npz({**forger.unzipped(path.read_bytes()), "schema.json": deep}, zipfile.ZIP_DEFLATED))


def deflated_scalers(study: Path) -> None:
    path = forger.best(study) / "preprocessing.skops"
    bomb = {**forger.unzipped(path.read_bytes()), "schema.json": b" " * ZEROS}
    path.write_bytes(forger.npz(bomb, zipfile.ZIP_DEFLATED))


def claimed_scalers(study: Path) -> None:
    path = forger.best(study) / "preprocessing.skops"
    members = forger.unzipped(path.read_bytes())
    path.write_bytes(forger.npz({**members, "0.npy": forger.npy((HUGE,), descr="<f8")}))


def wide_text_in_scalers(study: Path) -> None:
    """An empty array of texts of a billion characters: no byte is missing."""
    path = forger.best(study) / "preprocessing.skops"
    members = forger.unzipped(path.read_bytes())
    path.write_bytes(forger.npz({**members, "0.npy": forger.npy((0,), descr="<U1000000000")}))


def text(name: str, content: bytes) -> Callable[[Path], None]:
    """An attack that puts a text in the place of a file, of the best configuration where it is one of its."""

    def attack(study: Path) -> None:
        kept = forger.best(study) / name
        path = kept if kept.exists() else study / name
        path.write_bytes(content)

    return attack


def line(body: bytes) -> Callable[[Path], None]:
    """An attack that adds a line with a fitting checksum to the journal."""

    def attack(study: Path) -> None:
        import zlib

        with (study / "ledger.jsonl").open("ab") as file:
            file.write(b'{"crc":"%08x","record":%s}\n' % (zlib.crc32(body), body))
            file.write(frame({"kind": "stage", "stage": "refine", "identity": "x", "facts": {}}))

    return attack


def sparse_journal(study: Path) -> None:
    with (study / "ledger.jsonl").open("r+b") as file:
        file.truncate(1 << 40)


def long_line(study: Path) -> None:
    with (study / "ledger.jsonl").open("ab") as file:
        file.write(b'{"crc":"' + b"x" * (100 << 20))


DEEP = b'{"a":' * 600_000
STAGE = b'{"kind":"stage","stage":"explore","identity":"i","facts":%s}'

BOMBS: dict[str, Callable[[Path], None]] = {
    "claimed weights": claimed_weights,
    "claimed weights of the right shape": claimed_weights_of_the_right_shape,
    "deflated weights": deflated_weights,
    "many members": many_members,
    "sparse weights": sparse_weights,
    "sparse probe": sparse_probe,
    "deep network": deep_network,
    "huge signature": huge_signature,
    "wide signature": wide_signature,
    "widest scalers": scalers(widest),
    "many categories": scalers(many_categories),
    "doubling scalers": scalers(doubling),
    "deep scalers": deep_scalers,
    "deflated scalers": deflated_scalers,
    "claimed scalers": claimed_scalers,
    "wide text in scalers": wide_text_in_scalers,
    "deep study.json": text("study.json", DEEP),
    "number in study.json": text("study.json", b'{"format":' + b"9" * 3_000_000 + b"}"),
    "infinite number in study.json": text("study.json", b'{"format":1e999}'),
    "long study.json": text("study.json", b'{"format":"' + b"x" * (60 << 20) + b'"}'),
    "lists in study.json": text("study.json", b'{"format":[' + b"[]," * 1_300_000 + b"[]]}"),
    "lists in the probe": text("probe.json", b'{"a":[' + b"[]," * 2_700_000 + b"[]]}"),
    "deep manifest": text("manifest.json", DEEP),
    "long manifest": text("manifest.json", b'{"format":1,"files":{"' + b"x" * 3_000_000 + b'":"0"}}'),
    "deep probe": text("probe.json", DEEP),
    "another probe": text("probe.json", b'{"a":[' + b"1," * 1_000_000 + b'1],"b":[1],"c":["x"]}'),
    "deep configuration": text("configuration.json", DEEP),
    "number in the journal": line(STAGE % (b'{"x":' + b"9" * 1_000_000 + b"}")),
    "deep journal": line(STAGE % (b'{"x":' * 500_000 + b"1" + b"}" * 500_000)),
    "infinite number in the journal": line(b'{"kind":"imported","key":"x","std":1e999}'),
    "long line in the journal": long_line,
    "long whole line in the journal": line(STAGE % (b'{"x":"' + b"x" * (8 << 20) + b'"}')),
    "sparse journal": sparse_journal,
}


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What a process of bounded memory says of each bomb."""
    folder = tmp_path_factory.mktemp("bombs")
    with pytest.MonkeyPatch.context() as patch:
        small.stand_in(patch)
        (folder / "sound").mkdir()
        assert small.run(folder / "sound").exit_code == 0
    for name, attack in BOMBS.items():
        study = small.copied(folder / "sound", folder / name)
        attack(study)
        if not name.startswith("sparse") and not name.endswith("manifest"):
            agree(study)
    words = [
        str(Path(__file__).with_name("open_them.py")),
        *(str(folder / name / "study") for name in ("sound", *BOMBS)),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    answer = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, env=environment, check=False, timeout=300
    )
    lines = [json.loads(each) for each in answer.stdout.splitlines()]
    assert len(lines) == len(BOMBS), answer.stderr
    return {Path(each["study"]).parent.name: each for each in lines}


def agree(study: Path) -> None:
    """Let hashes agree where there is a manifest and a journal that can."""
    for kept in (study / "models").iterdir():
        try:
            forger.rehash(kept)
        except (ValueError, RecursionError):
            return
    path = study / "ledger.jsonl"
    if path.stat().st_size < 1 << 20:
        try:
            forger.agree(study)
        except (ValueError, RecursionError):
            return


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_bounded_memory_and_time(said, name, slowness):
    answer = said[name]
    assert answer["kind"] == "UserError", answer
    assert "Try:" in answer["text"]
    assert len(answer["text"]) < 2000
    assert f"/{name}/study" in answer["text"]
    assert answer["mb"] < MEGABYTES
    assert answer["seconds"] < SECONDS * slowness


def test_the_hashes_of_the_bombs_agree(said):
    """The bombs are refused for what they are, not because a checksum happens to be wrong."""
    assert not [name for name, answer in said.items() if "SHA-256" in answer["text"]]
