"""The threads of a strategy's linear algebra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """In this block NumPy and SciPy do linear algebra on one thread of this process.

    The matrices of a Gaussian process are small: more threads wait for each other, take processor time from the
    workers, and make the last bits of a proposal depend on their number.
    """
    import scipy.linalg  # noqa: F401 - deferred, it is large; a library is limited only after it was loaded

    with threadpool_limits(1, user_api="blas"):
        yield
