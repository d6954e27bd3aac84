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


def test_what_failed_is_never_the_best(study):
    contents = study()
    values = {"truth": True, "text": 'quoted "\\', "count": 3, "rate": 0.1 + 0.2, "none": ()}
    failed = Summary(contents.ranking[0].configuration, "explore", 9, 1, 1, 0.0)
    second = Summary(Configuration.of(values), "explore", 9, 1, 0, 0.1)
    text = best(replace(contents, ranking=(failed, second)))
    assert Configuration.of(tomllib.loads(text)) == second.configuration
    assert "of 1 training" in text
    assert "No configuration" in best(replace(contents, ranking=(failed,)))
