import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from pipeline.data import preprocessing, readers, tables
from pipeline.data.layout import shape_of
from pipeline.data.rows import prepare_rows
from pipeline.errors import UserError

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 3, 2), dtype=np.uint8)
LABELS = np.array([3, 1, 2, 1, 0, 3, 3], np.uint8)
FASHION = Path(__file__).parents[3] / "shared" / "data" / "fashion_mnist"


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(">u1").tobytes()


def folder(path: Path, *, part: str = "train", count: int = 7, pack=gzip.compress) -> Path:
    end = ".gz" if pack is gzip.compress else ""
    (path / f"{part}-images-idx3-ubyte{end}").write_bytes(pack(idx(IMAGES[:count])))
    (path / f"{part}-labels-idx1-ubyte{end}").write_bytes(pack(idx(LABELS[:count])))
    return path


def holds(frame, images=IMAGES, labels=LABELS):
    assert list(frame["label"]) == list(labels)
    pixels = frame.drop(columns="label")
    assert shape_of([str(name) for name in pixels]) == (*images.shape[1:], 1)[:3]
    assert np.array_equal(pixels.to_numpy().reshape(images.shape), images)


@pytest.mark.parametrize("pack", [gzip.compress, bytes])
def test_idx_files_are_read(tmp_path, pack):
    folder(tmp_path, pack=pack)
    holds(readers.read_frame(str(tmp_path)))
    (path,) = tmp_path.glob("*images*")
    holds(readers.read_frame(str(path)))


def test_training_images_come_before_others(tmp_path):
    folder(tmp_path, part="t10k", count=2)
    folder(tmp_path, count=3)
    frame = readers.read_frame(str(tmp_path))
    holds(frame, np.concatenate([IMAGES[:3], IMAGES[:2]]), [*LABELS[:3], *LABELS[:2]])


def test_images_without_labels_can_be_predicted(tmp_path):
    (tmp_path / "new-images-idx3-ubyte").write_bytes(idx(IMAGES))
    frame = readers.read_frame(str(tmp_path / "new-images-idx3-ubyte"))
    assert "label" not in frame
    assert len(frame) == 7


@pytest.mark.parametrize("names", [("images", "labels"), ("x", "y"), ("x_train", "y_train")])
def test_arrays_are_read(tmp_path, names):
    np.savez(tmp_path / "some.npz", **dict(zip(names, (IMAGES, LABELS[:, None]), strict=True)))
    holds(readers.read_frame(str(tmp_path / "some.npz")))


def test_colours_and_two_parts_are_read(tmp_path):
    coloured = np.random.default_rng(1).random((5, 2, 2, 3))
    np.savez(tmp_path / "c.npz", x_train=coloured[:3], y_train=LABELS[:3], x_test=coloured[3:], y_test=LABELS[3:5])
    frame = readers.read_frame(str(tmp_path / "c.npz"))
    assert shape_of([str(name) for name in frame][:-1]) == (2, 2, 3)
    assert np.array_equal(frame.drop(columns="label").to_numpy().reshape(coloured.shape), coloured)


def test_pickles_are_not_executed(tmp_path):
    np.savez(tmp_path / "p.npz", images=np.array([print], dtype=object))
    with pytest.raises(UserError, match="cannot be read"):
        readers.read_frame(str(tmp_path / "p.npz"))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is empty|cannot be read"),
        (b"\0\0\x08\x03", "cannot be read"),
        (idx(IMAGES)[:-1], "bytes, which does not match its sizes"),
        (idx(IMAGES) + b"1", "bytes, which does not match its sizes"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "bytes, which does not match its sizes"),
        (b"PK" + idx(IMAGES), "does not begin like an idx file"),
        (gzip.compress(idx(IMAGES), mtime=0)[:-9], "cannot be read"),
        (idx(LABELS), "has no images"),
    ],
)
def test_what_is_no_idx_file_is_explained(tmp_path, content, text):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(UserError, match=text):
        readers.read_frame(str(path))


def test_parts_that_do_not_belong_together_are_refused(tmp_path):
    np.savez(tmp_path / "n.npz", images=IMAGES, labels=LABELS[:3])
    with pytest.raises(UserError, match="7 images and 3 labels"):
        readers.read_frame(str(tmp_path / "n.npz"))
    np.savez(tmp_path / "s.npz", x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:, :2], y_test=LABELS)
    with pytest.raises(UserError, match="cannot form one table"):
        readers.read_frame(str(tmp_path / "s.npz"))
    np.savez(tmp_path / "o.npz", other=IMAGES)
    with pytest.raises(UserError, match="Got: other"):
        readers.read_frame(str(tmp_path / "o.npz"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="folder without images"):
        readers.read_frame(str(tmp_path / "empty"))
    with pytest.raises(UserError, match="no image set keras:imagenet"):
        readers.read_frame("keras:imagenet")


@pytest.mark.parametrize("scaler", ["standard", "minmax", "robust"])
def test_all_pixels_have_one_scale(scaler):
    table = tables.read("builtin:digits", targets=["target"])
    rows, fitted = prepare_rows(table, validation=0.2, test=0.2, seed=0, input_scaler=scaler, output_scaler="standard")
    raw = table.frame.iloc[rows.train.rows].drop(columns="target").to_numpy()
    slope, offset = np.polyfit(raw.ravel(), rows.train.inputs.astype(float).ravel(), 1)
    np.testing.assert_allclose(rows.train.inputs, slope * raw + offset, atol=1e-5)
    if scaler == "standard":
        assert rows.train.inputs.mean() == pytest.approx(0, abs=1e-5)
        assert rows.train.inputs.std() == pytest.approx(1, abs=1e-5)
    if scaler == "minmax":
        assert (rows.train.inputs.min(), rows.train.inputs.max()) == (0, 1)
    assert isinstance(fitted, preprocessing.Preprocessing)


def test_pixels_have_no_quantiles():
    table = tables.read("builtin:digits", targets=["target"])
    with pytest.raises(UserError, match="another --input-scaler"):
        prepare_rows(table, validation=0.2, test=0.2, seed=0, input_scaler="quantile", output_scaler="standard")


@pytest.mark.skipif(not FASHION.is_dir(), reason="the images of Fashion-MNIST are not here")
def test_fashion_mnist_is_read():
    frame = readers.read_frame(str(FASHION / "t10k-images-idx3-ubyte.gz"))
    assert frame.shape == (10_000, 785)
    assert frame["label"].value_counts().to_dict() == dict.fromkeys(range(10), 1000)
