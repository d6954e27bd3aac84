import tomllib
from dataclasses import replace

from pipeline.report.best import best
from pipeline.trial import Configuration, Summary


def test_the_best_configuration_comes_back_bit_by_bit(study):
    contents = study()
    text = best(contents)
    found = Configuration.of(tomllib.loads(text))
    assert found == contents.ranking[0].configuration
    assert found.key in text
    assert "test rows" in text
    assert "validation rows" in text


def test_who_is_ahead_without_models_is_said_and_not_the_best(study):
    contents = study()
    theirs = replace(contents.ranking[3], stage="imported", mean=0.01, low=None, high=None)
    text = best(replace(contents, ranking=(theirs, *(each for each in contents.ranking if each.key != theirs.key))))
    assert Configuration.of(tomllib.loads(text)) == contents.ranking[0].configuration
    assert f"# The best of {len(contents.ranking) - 1} configurations" in text
    assert (
        f"# Ahead of it, without models here: 1 imported result, the best of key {theirs.key} with MAE 0.0100" in text
    )
    assert "Ahead of it" not in best(contents)


def test_what_failed_is_never_the_best(study):
    contents = study()
    values = {"truth": True, "text": 'quoted "\\', "count": 3, "rate": 0.1 + 0.2, "none": ()}
    failed = Summary(contents.ranking[0].configuration, "explore", 9, 1, 1, 0.0)
    second = Summary(Configuration.of(values), "explore", 9, 1, 0, 0.1)
    text = best(replace(contents, ranking=(failed, second)))
    assert Configuration.of(tomllib.loads(text)) == second.configuration
    assert "of 1 training" in text
    assert "No configuration" in best(replace(contents, ranking=(failed,)))
