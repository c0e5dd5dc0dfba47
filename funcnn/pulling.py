"""Pullbacks that are called for the last time: what layers kept for theirs goes while the cotangents go backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final


@final
class Pulling:
    """The pullback of a combinator: `run(dy, last)`, where `last` says that nobody calls it again.

    Then what a layer kept is let go as soon as its own pullback is done, and is memory for those before it.
    """

    __slots__ = ("run",)

    def __init__(self, run: Callable[[Any, bool], tuple[Any, Any]]) -> None:
        self.run = run

    def __call__(self, dy: Any) -> tuple[Any, Any]:
        return self.run(dy, False)


def pulled(pullback: Any, dy: Any, last: bool) -> Any:
    """`pullback(dy)`; a combinator's hears whether it is the last time.

    Where networks are deep it is written out, in `networks.series` and `Child.pull`: a call less for every level.

    >>> pulled(lambda dy: ({}, 2 * dy), 3, True)
    ({}, 6)
    """
    return pullback.run(dy, last) if pullback.__class__ is Pulling else pullback(dy)
