"""A study folder from a stranger is safe to open, and damage is detected before use: nothing is executed or touched."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import saved_models
from pipeline.data.preprocessing_file import loads
from pipeline.errors import DamagedFile, UserError
from pipeline.ledger import journal
from pipeline.maintenance.audit import audit
from pipeline.study_folder import identity
from pipeline.study_folder.layout import ModelFolder
from tests.faults import forger
from tests.faults import small_study as small

FLIPS = 200
CUTS = 25


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    source = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        small.stand_in(patch)
        answer = small.run(source)
    assert answer.exit_code == 0, answer.output
    assert audit(source / "study") == ()
    return source


@pytest.fixture
def study(finished, tmp_path):
    return small.copied(finished, tmp_path)


@pytest.fixture(scope="module")
def opened():
    return forger.Opened()


@pytest.fixture
def sentinel(tmp_path, monkeypatch):
    """What every payload would make."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sentinel"
    yield path
    assert not path.exists(), "a payload was executed"


# -------------------------------------------------------------------------------------------------- damage by accident

MODEL_FILES = {
    "weights": "repeat-000.npz",
    "scalers": "preprocessing.skops",
    "manifest": "manifest.json",
    "member record": "repeat-001.json",
    "probe": "probe.json",
    "configuration": "configuration.json",
    "Keras file": "repeat-000.keras",
}


def refused(study: Path, path: Path) -> None:
    """Predicting refuses the folder that the file is in, by name, and says what to do; so does the audit."""
    with pytest.raises(UserError) as caught:
        saved_models.load_top_models(study, 1)
    assert str(path.parent) in str(caught.value)
    assert "Try:" in str(caught.value)


@pytest.mark.parametrize("kind", MODEL_FILES)
def test_a_flipped_bit_anywhere_in_a_model_is_refused(study, kind):
    path = forger.best(study) / MODEL_FILES[kind]
    whole = path.read_bytes()
    rng = np.random.default_rng(list(kind.encode()))
    for offset, bit in zip(rng.integers(len(whole), size=FLIPS), rng.integers(8, size=FLIPS), strict=True):
        flipped = bytearray(whole)
        flipped[offset] ^= 1 << int(bit)
        path.write_bytes(flipped)
        refused(study, path)
    path.write_bytes(whole)
    assert saved_models.load_top_models(study, 1).members


@pytest.mark.parametrize("kind", MODEL_FILES)
def test_a_model_cut_short_is_refused(study, kind):
    path = forger.best(study) / MODEL_FILES[kind]
    whole = path.read_bytes()
    rng = np.random.default_rng(list(kind.encode()))
    for length in (0, 1, len(whole) - 1, *rng.integers(len(whole), size=CUTS)):
        path.write_bytes(whole[: int(length)])
        refused(study, path)
    path.unlink()
    refused(study, path)
    assert any(str(path.parent) in str(finding) for finding in audit(study))


def test_a_flipped_bit_or_a_cut_in_study_json_is_refused(study):
    path = study / "study.json"
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    for offset, bit in zip(rng.integers(len(whole), size=FLIPS), rng.integers(8, size=FLIPS), strict=True):
        flipped = bytearray(whole)
        flipped[offset] ^= 1 << int(bit)
        path.write_bytes(flipped)
        with pytest.raises(UserError, match=r"study\.json(?s:.*)Try:"):
            identity.read(path)
    for length in (0, 1, len(whole) - 1, *rng.integers(len(whole), size=CUTS)):
        path.write_bytes(whole[: int(length)])
        with pytest.raises(UserError, match=r"study\.json(?s:.*)Try:"):
            identity.read(path)


def test_a_flipped_bit_or_a_cut_in_the_journal_is_refused_or_costs_the_last_line_alone(study):
    path = study / "ledger.jsonl"
    whole = path.read_bytes()
    records = journal.read(path).records
    rng = np.random.default_rng(2)
    forgotten = 0
    for offset, bit in zip(rng.integers(len(whole), size=FLIPS), rng.integers(8, size=FLIPS), strict=True):
        flipped = bytearray(whole)
        flipped[offset] ^= 1 << int(bit)
        path.write_bytes(flipped)
        if offset < whole[:-1].rindex(b"\n"):
            with pytest.raises(UserError, match=r"ledger\.jsonl is damaged in line(?s:.*)Try:"):
                journal.read(path)
        else:
            # The last line cannot be told from one that a killed run did not finish: its training is repeated.
            found = journal.read(path)
            assert found.torn
            assert found.records == records[:-1]
            forgotten += 1
    assert forgotten < FLIPS / 4
    for length in (0, *rng.integers(len(whole), size=CUTS)):
        path.write_bytes(whole[: int(length)])
        assert journal.read(path).records == records[: max(0, whole[: int(length)].count(b"\n") - 1)]


# ---------------------------------------------------------------------------------------------- damage that is made


def same_shape(study: Path) -> tuple[Path, Path]:
    """The weights of the best configuration, and weights of another seed: the same shapes, other numbers."""
    kept = forger.best(study)
    return kept / "repeat-000.npz", kept / "repeat-001.npz"


def test_weights_of_another_training_are_refused_by_the_manifest(study):
    one, other = same_shape(study)
    shutil.copy(other, one)
    with pytest.raises(DamagedFile, match=r"repeat-000\.npz is not what was saved"):
        saved_models.load_top_models(study, 1)


def test_weights_of_another_training_with_a_manifest_that_agrees_are_refused_by_the_journal(study):
    one, other = same_shape(study)
    shutil.copy(other, one)
    forger.rehash(one.parent)
    with pytest.raises(DamagedFile, match=r"repeat-000\.npz is not the model that the ledger has"):
        saved_models.load_top_models(study, 1)
    assert any("another model in the journal" in str(finding) for finding in audit(study))


def test_foreign_weights_are_refused_by_the_probe_when_all_hashes_agree(study):
    one, other = same_shape(study)
    mine, foreign = forger.arrays(one), forger.arrays(other)
    forger.save(one, {**foreign, "probe": mine["probe"]})
    forger.agree(study)
    with pytest.raises(DamagedFile, match=r"repeat-000\.npz does not predict what it predicted"):
        saved_models.load_top_models(study, 1)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e38])
def test_one_number_that_differs_is_refused_by_the_probe_when_all_hashes_agree(study, value):
    one, _ = same_shape(study)
    mine = forger.arrays(one)
    mine["weight_001"][0] = value
    forger.save(one, mine)
    forger.agree(study)
    with pytest.raises(DamagedFile, match="does not predict"):
        saved_models.load_top_models(study, 1)


def test_scalers_of_other_rows_are_refused_by_the_probe_when_all_hashes_agree(study):
    kept = forger.best(study)
    path = kept / "preprocessing.skops"
    members = forger.unzipped(path.read_bytes())
    for name in [name for name in members if name.endswith(".npy")]:
        array = np.load(io.BytesIO(members[name]))
        if array.dtype == float and array.ndim == 1:
            members[name] = forger.npy(array.shape, (array * 1.5 + 0.1).tobytes(), "<f8")
    path.write_bytes(forger.npz(members))
    forger.agree(study)
    with pytest.raises(DamagedFile, match=r"does not predict|cannot prepare"):
        saved_models.load_top_models(study, 1)


def test_swapped_manifests_and_folders_are_refused(study):
    one, other = sorted((study / "models").iterdir())[:2]
    first, second = ((each / "manifest.json").read_bytes() for each in (one, other))
    (one / "manifest.json").write_bytes(second)
    (other / "manifest.json").write_bytes(first)
    for each in (one, other):
        with pytest.raises(DamagedFile):
            saved_models.load_members(ModelFolder(each))
    (one / "manifest.json").write_bytes(first)
    (other / "manifest.json").write_bytes(second)
    one.rename(study / "aside")
    other.rename(one)
    (study / "aside").rename(other)
    for each in (one, other):
        with pytest.raises(DamagedFile, match="another configuration than the one it is named after"):
            saved_models.load_members(ModelFolder(each))
    assert len(audit(study)) >= 2


def test_who_rewrites_files_manifest_and_journal_has_made_another_study(study):
    """There is no secret in a folder: this is a limit, stated in the README, and nothing is executed all the same."""
    one, other = same_shape(study)
    shutil.copy(other, one)
    forger.agree(study)
    members = saved_models.load_top_models(study, 1).members
    assert all(np.array_equal(a, b) for a, b in zip(members[0].weights, members[1].weights, strict=True))


def test_a_model_without_a_line_in_the_journal_does_not_predict(study):
    kept = forger.best(study)
    whole = len(saved_models.load_top_models(study, 1).members)
    shutil.copy(kept / "repeat-001.npz", kept / "repeat-007.npz")
    forger.rehash(kept)
    assert len(saved_models.load_top_models(study, 1).members) == whole


# ------------------------------------------------------------------------------------------------------------ payloads


class Payload:
    """Unpickled it makes the sentinel."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("touch sentinel",))


def pickled_weights(kept: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, np.array([Payload()], dtype=object), allow_pickle=True)
    members = forger.unzipped((kept / "repeat-000.npz").read_bytes())
    (kept / "repeat-000.npz").write_bytes(forger.npz({**members, "weight_000.npy": stream.getvalue()}))


def a_pickle_for_weights(kept: Path) -> None:
    (kept / "repeat-000.npz").write_bytes(pickle.dumps(Payload()))


def a_pickle_for_scalers(kept: Path) -> None:
    (kept / "preprocessing.skops").write_bytes(pickle.dumps(Payload()))


def a_pickle_in_scalers(kept: Path) -> None:
    path = kept / "preprocessing.skops"
    stream = io.BytesIO()
    np.save(stream, np.array([Payload()], dtype=object), allow_pickle=True)
    path.write_bytes(forger.npz({**forger.unzipped(path.read_bytes()), "0.npy": stream.getvalue()}))


def node(change: dict[str, Any]) -> Callable[[Path], None]:
    """An attack that changes the node of the imputer in the scalers."""

    def attack(kept: Path) -> None:
        def edit(schema: Any) -> None:
            for each in forger.nodes(schema, "SimpleImputer"):
                each.update(change)

        forger.edit_skops(kept / "preprocessing.skops", edit)

    return attack


TOUCH = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": '"touch sentinel"'}
ARGUMENTS = {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "content": [TOUCH]}
SYSTEM = {"__class__": "system", "__module__": "posix", "__loader__": "FunctionNode", "content": "system"}

CALL = {"func": SYSTEM, "args": ARGUMENTS, "kwds": TOUCH, "namespace": TOUCH}

SCALERS: dict[str, dict[str, Any]] = {
    "another type": {"__module__": "subprocess", "__class__": "Popen"},
    "a function": SYSTEM,
    "a type": {"__module__": "os", "__class__": "system", "__loader__": "TypeNode"},
    "a call": {"__module__": "operator", "__class__": "methodcaller", "__loader__": "OperatorFuncNode", "attrs": CALL},
    "a partial call": {"__module__": "functools", "__class__": "partial", "__loader__": "PartialNode", "content": CALL},
    "a reduction": {"__module__": "collections", "__class__": "defaultdict", "__loader__": "ReduceNode"},
    "a method": {"__loader__": "MethodNode", "content": {"obj": TOUCH, "func": "format"}},
    "an older reader": {"__loader__": "ObjectNodeV0"},
    "a trusted estimator": {"__module__": "sklearn.cluster._kmeans", "__class__": "KMeans"},
    "a loader that it is not": {"__loader__": "DictNode"},
    "no loader of any kind": {"__loader__": ["ObjectNode"]},
}

PAYLOADS = {
    "pickled weights": pickled_weights,
    "a pickle for weights": a_pickle_for_weights,
    "a pickle for scalers": a_pickle_for_scalers,
    "a pickle in scalers": a_pickle_in_scalers,
    **{f"scalers with {name}": node(change) for name, change in SCALERS.items()},
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_payload_is_refused_and_not_executed(study, sentinel, opened, name):
    kept = forger.best(study)
    PAYLOADS[name](kept)
    forger.agree(study)
    opened.ran.clear()
    opened.on = True
    try:
        answer = small.predict(study.parent)
    finally:
        opened.on = False
    assert answer.exit_code == 2, answer.output
    assert str(kept) in answer.output.replace("\n", "")
    assert "Try:" in answer.output
    assert opened.ran == []


def test_a_payload_that_is_executed_would_be_seen(tmp_path, monkeypatch, opened):
    monkeypatch.chdir(tmp_path)
    opened.on = True
    pickle.loads(pickle.dumps(Payload()))
    opened.on = False
    assert (tmp_path / "sentinel").exists()
    assert any("os.system" in each for each in opened.ran)


def test_what_skops_trusts_by_itself_is_refused_before_it_is_built(study):
    path = forger.best(study) / "preprocessing.skops"
    whole = path.read_bytes()
    for more in ("sklearn.cluster._kmeans.KMeans", "numpy.linalg.inv", "scipy.special._ufuncs.gamma"):
        module, _, name = more.rpartition(".")
        path.write_bytes(whole)

        def add(schema: Any, module: str = module, name: str = name) -> None:
            schema["content"]["about"] = {"__class__": name, "__module__": module, "__loader__": "TypeNode"}

        forger.edit_skops(path, add)
        with pytest.raises(DamagedFile, match=f"the untrusted type '{more}'"):
            loads(path.read_bytes())


def test_settings_of_the_scalers_that_start_processes_or_take_memory_are_refused(study):
    path = forger.best(study) / "preprocessing.skops"
    whole = path.read_bytes()
    for estimator, name, content in [
        ("ColumnTransformer", "n_jobs", "10000"),
        ("OneHotEncoder", "sparse_output", "true"),
        ("OneHotEncoder", "handle_unknown", '"infrequent_if_exist"'),
        ("Pipeline", "memory", '"/tmp"'),
        ("Pipeline", "verbose", "true"),
        ("SimpleImputer", "strategy", '"mean"'),
        ("StandardScaler", "copy", "false"),
    ]:
        path.write_bytes(whole)

        def change(schema: Any, estimator: str = estimator, name: str = name, content: str = content) -> None:
            for each in forger.nodes(schema, estimator):
                attributes = each["content"]["content"]
                assert name in attributes
                attributes[name] = {**attributes[name], **TOUCH, "content": content}

        forger.edit_skops(path, change)
        with pytest.raises(DamagedFile, match="not written by this program"):
            loads(path.read_bytes())


# ------------------------------------------------------------------------------------------------------- foreign names


@pytest.mark.parametrize(
    "name",
    ["../../../secret.txt", "/etc/passwd", "a/b", "..", ".", "", ".hidden", "..\\x", "C:\\x", "a\nb", "x" * 300],
)
def test_a_manifest_that_names_a_file_elsewhere_is_refused(study, name):
    kept = forger.best(study)
    path = kept / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"][name] = "0" * 64
    path.write_text(json.dumps(manifest))
    with pytest.raises(DamagedFile, match=r"manifest\.json names .* which is not a file of its folder"):
        saved_models.load_top_models(study, 1)
    assert audit(study)


@pytest.mark.parametrize(
    "change",
    [
        {"key": "../../secret"},
        {"key": ["x"]},
        {"index": -1},
        {"index": 10**400},
        {"index": "../x"},
        {"epochs": 10**400},
        {"epochs_run": 10**300},
        {"seconds": 10**400},
        {"objective": 10**400},
        {"stage": ["explore"]},
        {"configuration": {"units": [[[1]]]}},
        {"configuration": {"units": 10**400}},
        {"scores": {"y": {"mae": 10**400}}},
        {"model": None},
    ],
    ids=str,
)
def test_a_journal_with_values_that_no_run_writes_is_refused(study, change):
    done: list[object] = []

    def once(raw: dict[str, Any]) -> None:
        if raw["kind"] == "repeat" and not done:
            raw.update(change)
            done.append(raw)

    forger.rewrite_journal(study, once)
    for answer in (small.predict(study.parent), small.command("ledger", "rebuild", str(study))):
        assert answer.exit_code == 2, answer.output
        assert "is damaged in line" in answer.output
        assert answer.exception is None or isinstance(answer.exception, SystemExit)
    assert small.command("ledger", "verify", str(study)).exit_code == 1


def test_paths_in_study_json_are_texts_and_nothing_more(study, opened):
    path = study / "study.json"
    secret = study.parent / "outside" / "secret.txt"
    secret.parent.mkdir()
    secret.write_text("secret")
    content = json.loads(path.read_text())
    del content["sha256"]
    for name in ("data", "space", "study"):
        content["settings"][name] = str(secret)
    path.write_text(json.dumps(content))
    opened.paths.clear()
    opened.on = True
    for words in (["verify"], ["rebuild"]):
        assert small.command("ledger", *words, str(study)).exit_code == 0
    opened.on = False
    assert any(str(study) in each for each in opened.paths)
    assert not [each for each in opened.paths if str(secret.parent) in each]


# --------------------------------------------------------------------------------------------------------------- links

PLACES = [
    "ledger.jsonl",
    "study.json",
    "ledger.xlsx",
    ".lock",
    ".holder",
    "rows.npz",
    ".rows.npz.part",
    "summary.md",
    "models",
    "models/KEY",
    "models/KEY/manifest.json",
    "models/KEY/repeat-000.npz",
    "models/KEY/preprocessing.skops",
    "logs",
    "logs/worker-cpu-0.log",
    "figures",
    "figures/depth.png",
]


@pytest.mark.parametrize("place", PLACES)
def test_a_link_to_outside_is_refused_and_nothing_outside_is_touched(study, monkeypatch, opened, place):
    small.stand_in(monkeypatch)
    kept = forger.best(study)
    link = study / place.replace("KEY", kept.name)
    outside = study.parent / "outside"
    outside.mkdir()
    target = outside / link.name
    if link.exists():
        shutil.move(link, target)  # the link leads to what belongs there: everything would work
    else:
        target.write_text("secret")
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(target)
    before = snapshot(outside)
    opened.paths.clear()
    opened.on = True
    answers = [small.predict(study.parent), small.run(study.parent), small.command("ledger", "rebuild", str(study))]
    verified = small.command("ledger", "verify", str(study))
    opened.on = False
    for answer in answers:
        assert answer.exit_code == 2, answer.output
        assert str(link) in answer.output.replace("\n", "")
        assert "link" in answer.output
    assert verified.exit_code == 1
    assert str(link) in verified.output.replace("\n", "")
    assert snapshot(outside) == before
    assert not [each for each in opened.paths if os.path.realpath(each).startswith(str(outside)) and each != str(link)]


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }


def test_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for(study):
    for place in ("study.json", "ledger.jsonl", "ledger.xlsx"):
        path = study / place
        whole = path.read_bytes()
        path.unlink()
        os.mkfifo(path)
        began = time.monotonic()
        answers = [small.predict(study.parent), small.run(study.parent), small.command("ledger", "verify", str(study))]
        assert time.monotonic() - began < 20
        assert all(answer.exit_code in (1, 2) and place in answer.output for answer in answers)
        path.unlink()
        path.write_bytes(whole)


def test_a_link_that_an_editor_leaves_is_no_reason_to_stop(study, monkeypatch):
    small.stand_in(monkeypatch)
    (study / ".#summary.md").symlink_to("somebody@somewhere.1234")
    assert small.predict(study.parent).exit_code == 0
    assert small.run(study.parent).exit_code == 0


def test_what_a_terminal_obeys_is_shown_and_not_sent(study):
    path = study / "study.json"
    content = json.loads(path.read_text())
    del content["sha256"]
    content["fingerprint"]["loss\x1b[31m\x07"] = "\x1b]0;title\x07" * 1000
    path.write_text(json.dumps(content))
    output = small.run(study.parent).output
    assert "\x1b" not in output
    assert "\x07" not in output
    assert "loss\\x1b" in output
    assert len(output) < 2000
