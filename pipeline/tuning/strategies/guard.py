"""A strategy of the user's own may raise anything: it is told by its name, apart from what its questions raise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from pipeline.errors import UserError
from pipeline.plugins import raised
from pipeline.trial import Summary
from pipeline.tuning.strategies.strategy import Strategy

_EXPECTED: Final = "a search as pipeline.tuning.strategies.strategy.Strategy describes it"


class Guard:
    """Stands between a study and its strategy: errors of a strategy of the user's become a UserError that names it.

    What the study's own functions raise while the strategy calls them comes out as it is, and so does what a strategy
    of this program raises, which is a defect.
    """

    def __init__(self, strategy: Strategy) -> None:
        kind = type(strategy)
        self.name = f"{kind.__module__}:{kind.__qualname__}"
        self._module = kind.__module__
        self._own = not self._module.startswith(f"{__name__.partition('.')[0]}.")
        self._passing: BaseException | None = None

    def outward(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """A function of the study for the strategy to call: what that raises is not the strategy's."""

        def called(*arguments: Any) -> Any:
            try:
                return call(*arguments)
            except BaseException as error:
                self._passing = error
                raise

        return called

    @contextmanager
    def inside(self) -> Iterator[None]:
        """A block in which the strategy computes; raise UserError for what it raises."""
        try:
            yield
        except UserError:
            raise
        except Exception as error:
            if not self._own or error is self._passing:
                raise
            raise raised(f"The strategy {self.name}", error, self._module, expected=_EXPECTED) from error


def summaries(found: Iterable[Summary]) -> tuple[Summary, ...]:
    """What a strategy returned, as a tuple; TypeError where it holds anything but summaries."""
    checked = tuple(found)
    for each in checked:
        if not isinstance(each, Summary):
            raise TypeError(f"summaries were expected, and {each!r:.100} is not one")
    return checked
