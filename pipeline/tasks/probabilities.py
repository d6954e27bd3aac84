"""How good probabilities of classes are: functions of arrays, weighted by row, that agree with scikit-learn's.

Its own are not called, for workers score every repeat: `sklearn.metrics` takes a second and 159 MB to import in each of
them, and its four metrics 6 ms on a thousand rows where these take 0.2; a small network trains in 20.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from pipeline.tasks.task import Metric

BINS: Final = 15  # of the calibration error, of equal width, as in Guo et al. 2017 (arXiv:1706.04599)


def of_logits(logits: np.ndarray) -> np.ndarray:
    """Probabilities (..., classes) of logits (..., classes), or of the second class's log odds (..., 1)."""
    values = np.asarray(logits, dtype=np.float64)
    if values.shape[-1] == 1:
        values = np.concatenate([np.zeros_like(values), values], axis=-1)
    found: np.ndarray = np.exp(values - _log_sum(values)[..., np.newaxis])
    return found


def log_losses(truth: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """The log loss of each row (n,): truth is 0 or 1 (n, 1) for log odds, or one 1 among the classes (n, classes)."""
    if truth.shape != logits.shape:
        raise ValueError(f"{truth.shape} classes cannot be compared with {logits.shape} logits")
    hot, values = np.asarray(truth, dtype=np.float64), np.asarray(logits, dtype=np.float64)
    if hot.shape[1] == 1:
        with np.errstate(invalid="ignore"):  # the loss of a prediction that is not a number is not one either
            return np.asarray(np.logaddexp(0.0, values[:, 0]) - hot[:, 0] * values[:, 0])
    return np.asarray(_log_sum(values) - np.sum(hot * values, axis=1))


def _log_sum(values: np.ndarray) -> np.ndarray:
    highest = values.max(axis=-1, keepdims=True)
    found: np.ndarray = np.log(np.exp(values - highest).sum(axis=-1)) + highest[..., 0]
    return found


def scores(truth: np.ndarray, chances: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """The `METRICS` of probabilities (n, classes).

    `truth` (n,) are positions of classes. Averages over classes leave out those without any row, for F1 those that are
    neither true nor predicted. ROC AUC is one class against the rest (Hand and Till's macro average is of pairs), 0.5
    where there is a single class.
    """
    return {metric.name: metric.score(truth, chances, weights) for metric in METRICS}


def accuracy(truth: np.ndarray, chances: np.ndarray, weights: np.ndarray) -> float:
    """The share of the rows whose likeliest class is the true one."""
    counts = confusion(truth, chances, weights)
    return float(counts.diagonal().sum() / counts.sum())


def balanced_accuracy(truth: np.ndarray, chances: np.ndarray, weights: np.ndarray) -> float:
    """The mean over the classes of the share of their rows that are recognised."""
    counts = confusion(truth, chances, weights)
    true = counts.sum(axis=1)
    return float(np.mean(counts.diagonal()[true > 0] / true[true > 0]))


def macro_f1(truth: np.ndarray, chances: np.ndarray, weights: np.ndarray) -> float:
    """The mean over the classes of the harmonic mean of precision and recall."""
    counts = confusion(truth, chances, weights)
    true, said = counts.sum(axis=1), counts.sum(axis=0)
    either = (true > 0) | (said > 0)
    return float(np.mean(2 * counts.diagonal()[either] / (true + said)[either]))


def confusion(truth: np.ndarray, chances: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weight of the rows (true class, likeliest class), float64 (classes, classes)."""
    classes = chances.shape[1]
    pairs = truth * classes + chances.argmax(axis=1)
    counted = np.bincount(pairs, weights=np.asarray(weights, dtype=np.float64), minlength=classes**2)
    return counted.reshape(classes, classes)


def calibration_error(truth: np.ndarray, chances: np.ndarray, weights: np.ndarray) -> float:
    """The expected calibration error of the likeliest class: how far confidence is from accuracy, over 15 bins."""
    right = chances.argmax(axis=1) == truth
    bins = binned(chances.max(axis=1), right, weights, BINS)
    return float(np.sum(bins[:, 2] * np.abs(bins[:, 0] - bins[:, 1])) / np.sum(bins[:, 2]))


def binned(chances: np.ndarray, happened: np.ndarray, weights: np.ndarray, bins: int) -> np.ndarray:
    """Mean probability, how often it happened, and the rows' weight, (filled bins, 3), for bins of equal width."""
    used = np.asarray(weights, dtype=np.float64)
    places = np.minimum((np.asarray(chances) * bins).astype(int), bins - 1)
    mass = np.bincount(places, weights=used, minlength=bins)
    filled = mass > 0
    sums = [np.bincount(places, weights=used * each, minlength=bins)[filled] for each in (chances, happened)]
    return np.column_stack([each / mass[filled] for each in sums] + [mass[filled]])


def log_loss(truth: np.ndarray, chances: np.ndarray, weights: np.ndarray) -> float:
    """The mean of -ln of the true class's probability, bounded where that is too small for a float."""
    found = np.take_along_axis(chances, truth[:, np.newaxis], axis=1)[:, 0]
    return float(np.average(-np.log(np.maximum(found, np.finfo(np.float64).tiny)), weights=weights))


def brier(truth: np.ndarray, chances: np.ndarray, weights: np.ndarray) -> float:
    """The mean squared difference between probabilities and truth, summed over the classes (Brier 1950); for two
    classes that of the second one alone, as scikit-learn has it.
    """
    wrong = np.sum((chances - (truth[:, np.newaxis] == np.arange(chances.shape[1]))) ** 2, axis=1)
    halved = wrong / 2 if chances.shape[1] == 2 else wrong
    return float(np.average(halved, weights=weights))


def roc_auc(truth: np.ndarray, chances: np.ndarray, weights: np.ndarray) -> float:
    """The chance that a row of a class is ranked above one of another class, the mean over the classes."""
    # Of two classes the second one alone: the first one's probability orders rows alike, but for rounding.
    places = range(chances.shape[1]) if chances.shape[1] > 2 else (1,)
    found = [_auc(truth == place, chances[:, place], weights) for place in places]
    known = [each for each in found if each is not None]
    return float(np.mean(known)) if known else 0.5


def _auc(positive: np.ndarray, chance: np.ndarray, weights: np.ndarray) -> float | None:
    """The chance that a positive row is ranked above a negative one, ties counting half; None without both."""
    _, ranks = np.unique(chance, return_inverse=True)
    used = np.asarray(weights, dtype=np.float64)
    yes = np.bincount(ranks, weights=used * positive)
    no = np.bincount(ranks, weights=used * ~positive)
    if not (yes.sum() > 0 and no.sum() > 0):
        return None
    below = np.cumsum(no) - no
    return float(np.sum(yes * (below + 0.5 * no)) / (yes.sum() * no.sum()))


METRICS: Final = (
    Metric("accuracy", "accuracy", accuracy, "share", low=0.0, high=1.0),
    Metric("balanced_accuracy", "balanced accuracy", balanced_accuracy, "share", low=0.0, high=1.0),
    Metric("macro_f1", "macro F1", macro_f1, "share", low=0.0, high=1.0),
    Metric("roc_auc", "ROC AUC", roc_auc, "share", low=0.0, high=1.0),
    Metric("calibration_error", "calibration error", calibration_error, "share", low=0.0, high=1.0),
)
