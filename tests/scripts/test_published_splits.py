"""The published splits: the rows that scikit-learn draws; a table in another order is told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from pipeline.data.tables import read
from scripts.published_splits import SPLITS, main, parts_of

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.mark.parametrize("count", [5, 7, 103, 1030])
def test_parts_are_those_of_scikit_learn(count: int) -> None:
    rest, tested = train_test_split(np.arange(count), test_size=0.2, random_state=0)
    trained, validated = train_test_split(rest, test_size=0.2, random_state=1)
    parts = np.array(parts_of(count))
    for name, rows in (("train", trained), ("validation", validated), ("test", tested)):
        assert [*np.flatnonzero(parts == name)] == sorted(rows)


def test_published_variances_follow_from_scores() -> None:
    assert [round(each, 6) for each in SPLITS["california"].variances] == [1.34697, 1.30387, 1.303955]


@pytest.mark.skipif(not DATA.exists(), reason="the sets of ../shared/data are not there")
@pytest.mark.parametrize("name", SPLITS)
def test_the_table_has_the_published_parts(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    published, output = SPLITS[name], tmp_path / "parts.csv"
    assert main([name, "--data", str(DATA / published.file), "--output", str(output)]) == 0
    found = read(str(output), targets=[published.target], split="part")
    assert found.split is not None
    train, validation, test = published.sizes
    assert found.split.words == f"{train} train, {validation} validation, {test} test"
    assert found.sha256 == read(str(DATA / published.file), targets=[published.target]).sha256
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1:3] for line in lines[2:5]] == [[str(size)] * 2 for size in published.sizes]


@pytest.mark.skipif(not DATA.exists(), reason="the sets of ../shared/data are not there")
@pytest.mark.parametrize("change", ["two rows exchanged", "a row less"])
def test_another_table_is_told_apart(change: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header, *rows = (DATA / "california_housing.csv").read_text().splitlines()
    if change == "a row less":
        del rows[7]
    else:
        parts, high = parts_of(len(rows)), [row.endswith(",5.00001") for row in rows]
        first = next(place for place, part in enumerate(parts) if part == "train" and high[place])
        other = next(place for place, part in enumerate(parts) if part == "test" and not high[place])
        rows[first], rows[other] = rows[other], rows[first]
    (tmp_path / "other.csv").write_text("\n".join([header, *rows]))
    assert main(["california", "--data", str(tmp_path / "other.csv"), "--output", str(tmp_path / "o.csv")]) == 1
    assert "Not the published split" in capsys.readouterr().out
    assert not (tmp_path / "o.csv").exists()


def test_what_is_not_the_table_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "t.csv"
    source.write_text("a,b\n1,2\n")
    (tmp_path / "gap.csv").write_text("a,price\n1,2\n3,\n")
    assert main(["diamonds", "--data", str(tmp_path / "gap.csv"), "--output", str(tmp_path / "o.csv")]) == 2
    assert "has a row without price" in capsys.readouterr().err
    assert main(["diamonds", "--data", str(source), "--output", str(tmp_path / "o.csv")]) == 2
    assert "a column price" in capsys.readouterr().err
    assert main(["diamonds", "--data", str(tmp_path / "none.csv"), "--output", str(tmp_path / "o.csv")]) == 2
    assert main(["diamonds", "--data", str(source), "--output", str(source)]) == 2
    assert source.read_text() == "a,b\n1,2\n"
