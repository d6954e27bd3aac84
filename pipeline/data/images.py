"""Read images as a table: a row for each image, a column for each pixel, and the column `label`.

Sources are idx files (as of MNIST, gzipped or not; http://yann.lecun.com/exdb/mnist), folders of them, arrays in an
.npz file, and the sets of `keras.datasets`, which need a network connection. Nothing that is read is executed.
"""

from __future__ import annotations

import gzip
import math
import re
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from pipeline.data.layout import pixels
from pipeline.errors import UserError

KERAS: Final = "keras:"
KERAS_NAMES: Final = ("mnist", "fashion_mnist", "cifar10", "cifar100")
LABEL: Final = "label"

_IDX: Final = re.compile(r".*[.-]idx\d?(-ubyte)?(\.gz)?|.*\.idx(\.gz)?", re.IGNORECASE)
_KINDS: Final = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
# Names of images and labels in an .npz file: Keras's, and common ones.
_PAIRS: Final = (("x_train", "y_train"), ("x_test", "y_test"), ("images", "labels"), ("x", "y"), ("X", "y"))
# Keras is imported in a separate process: it takes seconds and gigabytes, and is not needed here afterwards.
_FETCH: Final = """
import sys, numpy, keras
(a, b), (c, d) = getattr(keras.datasets, sys.argv[1]).load_data()
numpy.savez(sys.argv[2], x_train=a, y_train=b, x_test=c, y_test=d)
"""

Labelled = tuple[np.ndarray, np.ndarray | None]  # (n, height, width[, channels]) and (n,)


def is_image_source(source: str) -> bool:
    """True for a folder, an .npz or idx file, and `keras:NAME`, which `read` can read."""
    path = Path(source).expanduser()
    return (
        source.startswith(KERAS)
        or path.is_dir()
        or ((path.suffix.lower() == ".npz" or _IDX.fullmatch(path.name) is not None) and path.is_file())
    )


def read(source: str) -> pd.DataFrame:
    """Read the images of a source as a table: columns `pixel_0_0`, ... and, if there are labels, `label`.

    Raise UserError for a source without images, or with different numbers of images and labels.
    """
    if source.startswith(KERAS):
        return _frame(_from_keras(source.removeprefix(KERAS)), source)
    path = Path(source).expanduser()
    try:
        if path.is_dir():
            return _frame(_folder(path), source)
        return _frame(_arrays(path) if path.suffix.lower() == ".npz" else [_file(path)], source)
    except UserError:
        raise
    except (OSError, ValueError, KeyError, EOFError, zlib.error, struct.error) as error:
        raise UserError(
            f"{source} cannot be read",
            expected="images as idx files, or as arrays in an .npz file",
            got=(str(error).splitlines() or [type(error).__name__])[0],
            hint="check the file",
        ) from error


def _frame(parts: list[Labelled], source: str) -> pd.DataFrame:
    parts = [(_four_sizes(images, source), labels) for images, labels in parts]
    sizes = {images.shape[1:] for images, _ in parts}
    labelled = {labels is not None for _, labels in parts}
    if len(sizes) != 1 or len(labelled) != 1:
        raise UserError(
            f"{source} has images that cannot form one table",
            expected="one size for all images, and labels for all of them or none",
            got=", ".join(" x ".join(map(str, size)) for size in sorted(sizes)),
        )
    for images, labels in parts:
        if labels is not None and len(labels) != len(images):
            raise UserError(f"{source} has {len(images)} images and {len(labels)} labels", hint="check the files")
    images = np.concatenate([images for images, _ in parts])
    frame = pd.DataFrame(images.reshape(len(images), -1), columns=pixels(*images.shape[1:]))
    if labelled == {True}:
        frame[LABEL] = np.concatenate([np.ravel(labels) for _, labels in parts if labels is not None])
    return frame


def _four_sizes(images: np.ndarray, source: str) -> np.ndarray:
    """Add the channel if it is missing: (n, height, width, channels)."""
    whole = images[..., np.newaxis] if images.ndim == 3 else images
    if whole.ndim != 4 or whole.dtype.kind not in "uif" or min(whole.shape) < 1:
        raise UserError(
            f"{source} has no images",
            expected="numbers (images, height, width) or (images, height, width, channels)",
            got=f"{images.dtype} {images.shape}",
        )
    return whole


# ----------------------------------------------------------------------------------------------------------- idx files


def _folder(path: Path) -> list[Labelled]:
    files = sorted(each for each in path.iterdir() if _IDX.fullmatch(each.name) and "images" in each.name)
    if not files:
        raise UserError(
            f"{path} is a folder without images",
            expected="idx files such as train-images-idx3-ubyte.gz, with their labels beside them",
            hint="name one file, or the folder of these files",
        )
    # Training images first, as their sets count them.
    return [_file(each) for each in sorted(files, key=lambda each: ("train" not in each.name, each.name))]


def _file(path: Path) -> Labelled:
    labels = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    return _idx(path), _idx(labels) if labels != path and labels.is_file() else None


def _idx(path: Path) -> np.ndarray:
    """Read an idx file: two zero bytes, the type, the number of dimensions, their sizes, and the numbers."""
    data = path.read_bytes()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    zeros, kind, count = struct.unpack(">HBB", data[:4])
    if zeros or kind not in _KINDS or not 1 <= count <= 4:
        raise ValueError(f"{path.name} does not begin like an idx file")
    sizes = struct.unpack(f">{count}I", data[4 : 4 + 4 * count])
    dtype = np.dtype(_KINDS[kind])
    if len(data) != 4 + 4 * count + math.prod(sizes) * dtype.itemsize:
        raise ValueError(f"{path.name} has {len(data)} bytes, which does not match its sizes {sizes}")
    return np.frombuffer(data, dtype, offset=4 + 4 * count).reshape(sizes).astype(dtype.newbyteorder("="))


# -------------------------------------------------------------------------------------------------------------- arrays


def _arrays(path: Path) -> list[Labelled]:
    with np.load(path, allow_pickle=False) as archive:
        found = [(archive[x], archive.get(y)) for x, y in _PAIRS if x in archive]
        names = sorted(archive)
    if not found:
        raise UserError(
            f"{path} has no images",
            expected="arrays images and labels, or x_train, y_train, x_test and y_test",
            got=", ".join(names)[:300],
            hint="save them under these names",
        )
    return found


def _from_keras(name: str) -> list[Labelled]:
    if name not in KERAS_NAMES:
        raise UserError(
            f"There is no image set {KERAS}{name}", expected=", ".join(KERAS + each for each in KERAS_NAMES)
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npz"
        answer = subprocess.run(  # noqa: S603 - our own interpreter and text, one of four names
            [sys.executable, "-c", _FETCH, name, str(path)], capture_output=True, text=True, check=False
        )
        if answer.returncode:
            raise UserError(
                f"The image set {KERAS}{name} cannot be fetched",
                expected="a network connection: it is not shipped with Keras",
                got=(answer.stderr.strip().splitlines() or ["nothing"])[-1],
                hint="connect to the network, or download the set and name its file",
            )
        return _arrays(path)
