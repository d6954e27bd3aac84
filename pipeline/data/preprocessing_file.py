"""Store fitted preprocessing without code: written with skops, and checked before skops builds anything from it.

skops itself trusts every estimator of scikit-learn and every function of NumPy and SciPy. A file of this program has a
dozen types. Any other type is refused, and so are fitted parts with other settings or sizes than `fit` makes.
"""

from __future__ import annotations

import io
import itertools
import json
import math
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, RobustScaler, StandardScaler

from pipeline import tasks
from pipeline.data.layout import quantities
from pipeline.data.preprocessing import InputScaler, Preprocessing, unfitted
from pipeline.data.roles import Columns
from pipeline.data.rules import LATEST
from pipeline.data.time_inputs import CYCLES
from pipeline.data.time_patterns import is_pattern
from pipeline.data.times import is_format
from pipeline.errors import DamagedFile, UserError
from pipeline.storage import untrusted

FORMAT: Final = 1
LARGEST: Final = 32 << 20  # bytes unpacked: about 80,000 categories
_HINT: Final = "use the versions that study.json names, restore the file from a backup, or train again"
# Beyond what skops trusts by default: the dtype that the imputer stores, read from an empty array.
_TRUSTED: Final = ("numpy.dtype",)
_TYPES: Final = frozenset(
    {
        ("builtins.dict", "DictNode"),
        ("builtins.list", "ListNode"),
        ("builtins.tuple", "TupleNode"),
        ("builtins.slice", "SliceNode"),
        ("builtins.str", "JsonNode"),
        ("builtins.str", "TypeNode"),
        ("numpy.dtype", "DTypeNode"),
        ("numpy.float64", "TypeNode"),
        ("numpy.float64", "NdArrayNode"),
        ("numpy.ndarray", "NdArrayNode"),
        ("sklearn.compose._column_transformer.ColumnTransformer", "ObjectNode"),
        ("sklearn.impute._base.MissingIndicator", "ObjectNode"),
        ("sklearn.impute._base.SimpleImputer", "ObjectNode"),
        ("sklearn.pipeline.Pipeline", "ObjectNode"),
        ("sklearn.preprocessing._data.MinMaxScaler", "ObjectNode"),
        ("sklearn.preprocessing._data.QuantileTransformer", "ObjectNode"),
        ("sklearn.preprocessing._data.RobustScaler", "ObjectNode"),
        ("sklearn.preprocessing._data.StandardScaler", "ObjectNode"),
        ("sklearn.preprocessing._encoders.OneHotEncoder", "ObjectNode"),
    }
)
_KINDS: Final = ("<f8", "<i8", "|b1")
_SCALER_OF: Final[dict[type, InputScaler]] = {
    StandardScaler: "standard",
    MinMaxScaler: "minmax",
    RobustScaler: "robust",
    QuantileTransformer: "quantile",
}


def dumps(preprocessing: Preprocessing) -> bytes:
    """Encode as a skops file; equal preprocessing gives equal bytes, in every process.

    Raise UserError if the categories take more than `LARGEST` bytes.
    """
    import skops.io

    about = {
        "format": FORMAT,
        "columns": preprocessing.columns.describe(),
        "target": preprocessing.target.describe(),
        **({"seen": dict(preprocessing.seen)} if preprocessing.columns.reading > 1 else {}),
        **({"cycles": dict(preprocessing.cycles)} if preprocessing.cycles else {}),
    }
    stored = skops.io.dumps({"about": json.dumps(about, allow_nan=False), "transformer": preprocessing.transformer})
    content, size = _canonical(stored)
    if size > LARGEST:
        raise UserError(
            f"The categories of {len(preprocessing.columns.categories)} columns take {size} bytes to store",
            expected=f"at most {LARGEST} bytes, about 80,000 categories",
            hint="name the column with the most categories in `ignore`",
        )
    return content


def _canonical(stored: bytes) -> tuple[bytes, int]:
    """Replace addresses in memory by numbers, and date the file 1980: the bytes then depend on the values only."""
    with zipfile.ZipFile(io.BytesIO(stored)) as archive:
        schema = archive.read("schema.json").decode()
        files = re.findall(r'"file": "(\d+\.npy)"', schema)
        renamed = {old: f"{number}.npy" for number, old in enumerate(dict.fromkeys(files))}
        contents = {renamed[old]: archive.read(old) for old in renamed}
    schema = re.sub(r'"file": "(\d+\.npy)"', lambda found: f'"file": "{renamed[found[1]]}"', schema)
    # Each node gets its own number, which is equivalent: skops writes every node in full.
    identities = itertools.count(1)
    schema = re.sub(r'"__id__": \d+', lambda _: f'"__id__": {next(identities)}', schema)
    contents["schema.json"] = schema.encode()
    return _packed(contents), sum(map(len, contents.values()))


def _packed(contents: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def loads(data: bytes, what: str = "The stored preprocessing") -> Preprocessing:
    """Read back what `dumps` wrote. Nothing in it is executed; types are checked before anything is built.

    Raise DamagedFile, naming the file as `what`, for anything else, and UserError if the target belongs to a task of
    the user's own that the user did not name.
    """
    import skops.io

    try:
        stored = skops.io.loads(_checked_types(data, what), trusted=list(_TRUSTED))
        about = json.loads(stored["about"])
        found = about["format"]
        transformer = stored["transformer"]
        columns = _columns(about["columns"])
        target = tasks.restore(about["target"])
        seen = _seen(about["seen"], columns) if columns.reading > 1 else {}
        cycles = _cycles(about.get("cycles", {}), columns, seen)
        ours = found == FORMAT and len(stored) == 2 and _is_known(transformer)
    except UserError:
        raise
    except Exception as error:  # skops raises errors of every kind for a damaged schema
        raise DamagedFile(
            f"{what} cannot be read",
            expected="a skops file of scalers and encoders as this program writes them",
            got=untrusted.shown((str(error).splitlines() or [type(error).__name__])[0]),
            hint=_HINT,
        ) from error
    if not ours:
        raise _not_ours(what, f"format {untrusted.shown(found)} with {type(transformer).__name__}")
    return Preprocessing(columns, transformer, target, seen, cycles)


def _not_ours(what: str, got: str) -> DamagedFile:
    return DamagedFile(
        f"{what} was not written by this program",
        expected=f"format {FORMAT} with scalers and encoders",
        got=got,
        hint="use the version of the program that wrote it",
    )


# ---------------------------------------------------------------------------------------------- before it is built


def _checked_types(data: bytes, what: str) -> bytes:
    """Return the same file. Raise Damage or DamagedFile if it has unknown types or is too large."""
    files = dict(untrusted.members(io.BytesIO(data), r"schema\.json|\d{1,20}\.npy", LARGEST))
    schema = untrusted.json_object(files.pop("schema.json"))
    left = LARGEST
    for node in _nodes(schema):
        kind = (f"{node.get('__module__')}.{node.get('__class__')}", node["__loader__"])
        if kind not in _TYPES:
            raise _not_ours(what, f"the untrusted type {untrusted.shown(kind[0])}")
        # By identities a list can contain another one twice, thirty levels deep; without them no node is shared.
        node.pop("__id__", None)
        if kind[1] == "NdArrayNode" and node.get("type") == "numpy":
            left -= len(files[node["file"]])
            _check_numbers(files[node["file"]])
    if left < 0:
        raise untrusted.Damage(f"its arrays take more than {LARGEST} bytes")
    return _packed({**files, "schema.json": json.dumps(schema).encode()})


def _nodes(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting: list[Any] = [schema]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if "__loader__" in each:
                yield each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def _check_numbers(data: bytes) -> None:
    for kind in _KINDS:
        try:
            untrusted.array(data, kind)
        except untrusted.Damage as error:
            reason = error
        else:
            return
    raise reason


# ----------------------------------------------------------------------------------------------- after it was built


def _columns(about: dict[str, Any]) -> Columns:
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in about.items()}
    columns = Columns(**given)
    if type(columns.reading) is not int or not 1 <= columns.reading <= LATEST:
        raise untrusted.Damage("its cells are read by rules that this version does not know")
    lists = (columns.targets, columns.inputs, columns.categories, columns.groups, columns.truths, columns.spelled)
    times = columns.times
    if not isinstance(times, dict):
        raise untrusted.Damage("its times are not columns and formats")
    for names in (*lists, columns.zoned, tuple(times.values()), (columns.weight, columns.time, columns.time_format)):
        if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
            raise untrusted.Damage("its columns are not names")
    if columns.time_format and not is_format(columns.time_format):
        raise untrusted.Damage("its times have a format that is not one")
    if not {*columns.zoned} <= times.keys() <= {*columns.inputs} - {*columns.categories}:
        raise untrusted.Damage("its times are not inputs")
    if not all(map(is_pattern, times.values())):
        raise untrusted.Damage("its times have a format that is not one")
    return columns


def _cycles(about: dict[str, Any], columns: Columns, seen: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The cycles of the columns of times."""
    if about.keys() != columns.times.keys() or not about.keys() <= seen.keys():
        raise untrusted.Damage("its cycles are not those of its times")
    found = {name: tuple(cycles) for name, cycles in about.items()}
    if any(each != tuple(name for name in CYCLES if name in each) for each in found.values()):
        raise untrusted.Damage("its times have cycles that are not known")
    return found


def _seen(about: dict[str, Any], columns: Columns) -> dict[str, tuple[float, float]]:
    """The ranges of the training rows."""
    if not about.keys() <= quantities([name for name in columns.inputs if name not in columns.categories]).keys():
        raise untrusted.Damage("it has ranges of columns that are not inputs of numbers")
    seen = {}
    for name, ends in about.items():
        low, high = ends
        if not (type(low) is type(high) is float and -math.inf < low <= high < math.inf):
            raise untrusted.Damage("its ranges are not two finite numbers, the lower one first")
        seen[name] = (low, high)
    return seen


def _is_known(transformer: object) -> bool:
    """True if all parts have exactly the types and settings that `fit` gives them, so no jobs or caches."""
    fitted = getattr(transformer, "transformers_", None)
    if not isinstance(transformer, ColumnTransformer) or not isinstance(fitted, list):
        return False
    used = {name: columns for name, _, columns in fitted}
    if not all(isinstance(each, list) and all(isinstance(name, str) for name in each) for each in used.values()):
        return False
    parts = {name: part for name, part, _ in fitted}
    numbers = parts.get("numbers")
    after = numbers.steps[1:2] if isinstance(numbers, Pipeline) else []  # the steps after filling gaps
    scaler: InputScaler = _SCALER_OF.get(type(after[0][1]), "none") if after else "none"
    made = unfitted(scaler, *(used.get(name, []) for name in ("numbers", "missing", "categories")))
    expected = {name: part for name, part, _ in made.transformers}
    return (
        len(parts) == len(fitted)
        and parts.keys() == expected.keys()
        and _settings(transformer) == _settings(made)
        and all(_settings(parts[name]) == _settings(expected[name]) for name in parts)
        and ("categories" not in parts or _is_encoder(parts["categories"], len(used["categories"])))
    )


def _settings(part: Any) -> list[tuple[str, str]]:
    """Type and settings of an estimator and, for a pipeline, of its steps."""
    steps = [part, *(step for _, step in part.steps)] if isinstance(part, Pipeline) else [part]
    return [
        (type(step).__name__, repr({k: v for k, v in step.get_params(deep=False).items() if k not in _NESTED}))
        for step in steps
    ]


_NESTED: Final = frozenset({"steps", "transformers"})


def _is_encoder(encoder: Any, columns: int) -> bool:
    """True if the sizes that the encoder stores match its categories: it allocates memory by these sizes."""
    known = encoder.categories_
    return (
        len(known) == columns
        and all(isinstance(each, np.ndarray) and each.ndim == 1 and each.dtype == object for each in known)
        and all(isinstance(name, str) for each in known for name in each)
        and list(encoder._n_features_outs) == [len(each) for each in known]  # noqa: SLF001
        and not encoder._infrequent_enabled  # noqa: SLF001
        and encoder._drop_idx_after_grouping is None  # noqa: SLF001
    )
