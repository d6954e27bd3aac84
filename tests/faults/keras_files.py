"""Loads Keras files as a user would, hostile ones, and says of each how that ended: a line of JSON.

python tests/faults/keras_files.py GOOD.keras FOLDER
"""

from __future__ import annotations

import copy
import json
import os
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COMMAND = "touch sentinel"


def rewritten(good: Path, path: Path, **changed: bytes) -> Path:
    """A copy of a Keras file with other members."""
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(path, "w") as archive:
        for name in source.namelist():
            archive.writestr(name, changed.get(name.replace(".", "_"), source.read(name)))
    return path


def layers(good: Path, folder: Path) -> dict[str, Path]:
    """Files whose configuration names something else than layers."""
    import keras

    with zipfile.ZipFile(good) as archive:
        config = json.loads(archive.read("config.json"))
    lambda_layer = keras.saving.serialize_keras_object(keras.layers.Lambda(lambda x: os.system(COMMAND) or x))
    system = {"module": "os", "class_name": "system", "config": {"command": COMMAND}, "registered_name": None}
    function = {"module": "os", "class_name": "function", "config": "system", "registered_name": "function"}
    made = {"Lambda layer": lambda_layer, "os.system as a layer": system}
    files = {name: _with_layer(good, folder / f"{name}.keras", config, layer) for name, layer in made.items()}
    dense = copy.deepcopy(config["config"]["layers"][1])
    dense["config"]["activation"] = function
    return {**files, "os.system as an activation": _with_layer(good, folder / "activation.keras", config, dense)}


def _with_layer(good: Path, path: Path, config: Mapping[str, Any], layer: object) -> Path:
    changed = copy.deepcopy(dict(config))
    changed["config"]["layers"][1] = layer
    return rewritten(good, path, config_json=json.dumps(changed).encode())


def claimed(good: Path, folder: Path) -> Path:
    """A file whose first kernel claims 10**12 numbers."""
    import h5py

    path = folder / "weights.h5"
    with zipfile.ZipFile(good) as archive:
        path.write_bytes(archive.read("model.weights.h5"))
    with h5py.File(path, "a") as file:
        names: list[str] = []
        file.visititems(lambda name, each: names.append(name) if isinstance(each, h5py.Dataset) else None)
        name = min(names)
        del file[name]
        file.create_dataset(name, shape=(10**6, 10**6), dtype="f4", chunks=(1000, 1000), compression="gzip")
    return rewritten(good, folder / "claimed.keras", model_weights_h5=path.read_bytes())


def main(good: Path, folder: Path) -> None:
    """Load all of them, the good one first."""
    import keras

    os.chdir(folder)
    for name, path in {"good": good, **layers(good, folder), "shape bomb": claimed(good, folder)}.items():
        try:
            keras.models.load_model(path, compile=False, safe_mode=True)
            ended = "loaded"
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what a user would see
            ended = type(error).__name__
        print(json.dumps({"name": name, "ended": ended, "executed": Path("sentinel").exists()}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
