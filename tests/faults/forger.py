"""What a stranger can do to a study folder: write anything into it, and make hashes and checksums agree again."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.ledger.records import frame, parse, unframe


def best(study: Path) -> Path:
    """The folder of the best configuration: the first that anything loads."""
    from pipeline.ledger.known import open_study

    return study / "models" / open_study(study).ranking[0].key


def rehash(folder: Path) -> None:
    """Let the manifest agree with the files."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"] = {
        each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in folder.iterdir() if each != path
    }
    path.write_text(json.dumps(manifest))


def rewrite_journal(study: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change records as `change` does, in place, with checksums that fit."""
    path = study / "ledger.jsonl"
    lines = []
    for line in path.read_bytes().splitlines(keepends=True):
        body = unframe(line)
        assert body is not None
        raw = parse(body)
        change(raw)
        lines.append(frame(raw))
    path.write_bytes(b"".join(lines))


def agree(study: Path) -> None:
    """Let manifests and the journal agree with the files: the most that a stranger can do."""
    for folder in (study / "models").iterdir():
        rehash(folder)

    def change(raw: dict[str, Any]) -> None:
        if raw.get("model"):
            path = study / "models" / raw["key"] / f"repeat-{raw['index']:03d}.npz"
            raw["model"] = hashlib.sha256(path.read_bytes()).hexdigest()

    rewrite_journal(study, change)


def arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file."""
    with np.load(path) as stored:
        return dict(stored)


def save(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the arrays as `numpy.savez` does."""
    given: dict[str, Any] = dict(arrays)
    np.savez(path, **given)


def npz(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip archive with these members, as they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression, compresslevel=1) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def unzipped(data: bytes) -> dict[str, bytes]:
    """The members of a zip archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def npy(claimed: tuple[int, ...], content: bytes = b"", descr: str = "<f4") -> bytes:
    """An .npy file whose header claims a shape, whatever it holds."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": claimed})
    return stream.getvalue() + content


def edit_skops(path: Path, change: Callable[[Any], object]) -> None:
    """Change the schema of a skops file as `change` does, in place."""
    members = unzipped(path.read_bytes())
    schema = json.loads(members["schema.json"])
    change(schema)
    path.write_bytes(npz({**members, "schema.json": json.dumps(schema).encode()}, zipfile.ZIP_DEFLATED))


def nodes(schema: Any, name: str) -> list[dict[str, Any]]:
    """The nodes of a class in a skops schema."""
    found, waiting = [], [schema]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            found += [each] if each.get("__class__") == name else []
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return found


class Opened:
    """Records every file that this process opens, makes, removes or runs, while it is switched on."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.ran: list[str] = []
        self.on = False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, given: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event in ("open", "os.mkdir", "os.remove", "os.rename", "os.listdir", "os.scandir", "os.truncate"):
            self.paths += [each for each in given if isinstance(each, str)]
        elif event in ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "pickle.find_class", "os.fork"):
            self.ran.append(f"{event} {given[0]!r}")
