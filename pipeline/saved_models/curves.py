"""The curves of trainings, beside the weights: a small JSON file for each repeat.

    {"epochs": [1, 2, 3], "training": [0.9, null, 0.4], "validation": [0.8, 0.6, 0.5]}

The numbers of a `training.curve.Curve` have all the digits that are needed to read them back bit by bit; null is a loss
that was not a finite number, which comes back as NaN. Models of earlier versions have no curve, and neither have those
of an engine that reports none, or something else; `repeat-000.json` says what was wrong with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipeline.errors import DamagedFile, UserError
from pipeline.saved_models.member_files import HINT, manifest, object_of, read_verified
from pipeline.storage import untrusted
from pipeline.storage.untrusted import Damage
from pipeline.study_folder.layout import ModelFolder, StudyFolder, curve_index
from pipeline.training.curve import POINTS, Curve

LARGEST: Final = 1 << 16  # bytes: more than `POINTS` points need
_LATEST: Final = 1 << 31  # epochs: more than a training can have


def dumps(curve: Curve) -> bytes:
    """Encode a curve; equal curves give equal bytes.

    Raise Damage for what is not a curve: engines may be the user's.
    """
    try:
        content = {
            "epochs": np.asarray(curve.epochs).tolist(),
            "training": _numbers(curve.training),
            "validation": _numbers(curve.validation),
        }
        _curve(content)
    except UserError:
        raise
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise Damage(str(error)) from error
    return json.dumps(content, allow_nan=False).encode()


def _numbers(losses: np.ndarray) -> list[float | None]:
    # The text of a float32 is the shortest that comes back as it; a Python float of it has twice the digits.
    with np.errstate(over="ignore"):
        narrow = np.asarray(losses).astype(np.float32)
    return [float(str(value)) if np.isfinite(value) else None for value in narrow]


def load_curves(study: str | Path, key: str) -> dict[int, Curve]:
    """Load the curves of a saved configuration, after checking their files against the manifest.

    Args:
        study: Folder of the study.
        key: The key of the configuration.

    Returns:
        Number of the repeat -> its curve; repeats without a curve are left out.

    Raises:
        UserError: The folder is not a study, or has no saved models of that configuration.
        DamagedFile: A file is not what was saved.
    """
    home = StudyFolder(Path(study)).required()
    untrusted.plain(home.path)
    folder = next((each for each in home.model_folders() if each.path.name == key), None)
    if folder is None:
        raise UserError(
            f"{home.path} has no saved models of the configuration {untrusted.shown(key)}",
            expected="the key of a configuration that was trained here, as column *key* of the workbook has it",
        )
    hashes = manifest(folder)
    found = sorted(index for name in hashes if (index := curve_index(name)) is not None)
    return {index: _loads(folder, index, hashes) for index in found}


def _loads(folder: ModelFolder, index: int, hashes: dict[str, str]) -> Curve:
    path = folder.curve(index)
    content = object_of(path, read_verified(path, hashes, LARGEST))
    try:
        return _curve(content)
    except UserError:
        raise
    except (Damage, ValueError, KeyError, TypeError) as error:
        raise DamagedFile(f"{path} is not a curve", got=untrusted.shown(str(error)), hint=HINT) from error


def _curve(content: Mapping[str, Any]) -> Curve:
    epochs, training, validation = (content[name] for name in ("epochs", "training", "validation"))
    curve = Curve(_epochs(epochs), _losses(training), _losses(validation))
    if not 0 < len(curve.epochs) <= POINTS:
        raise Damage(f"it has {len(curve.epochs)} points, and not 1 to {POINTS}")
    if not len(curve.epochs) == len(curve.training) == len(curve.validation):
        raise Damage("its lists differ in length")
    return curve


def _epochs(values: Any) -> np.ndarray:
    if not all(type(each) is int and 0 < each < _LATEST for each in values) or values != sorted(set(values)):
        raise Damage("its epochs do not ascend")
    return np.array(values, np.int32)


def _losses(values: Any) -> np.ndarray:
    if not all(each is None or type(each) is float for each in values):
        raise Damage("a loss is not a number")
    with np.errstate(over="ignore"):
        found = np.array(values, np.float32)  # NaN of None
    if np.isinf(found).any():
        raise Damage("a loss is beyond its range")
    return found
