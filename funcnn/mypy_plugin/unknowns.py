"""Stand-ins for values that mypy does not know, and the ways code may take when it decides something about them.

Nothing here ever guesses. A stand-in may be passed around and stored; arithmetic with an unknown number stays unknown;
a comparison of one is tried both ways; any other use of a stand-in gives up with `UndecidedError`, which means silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from funcnn.errors import UndecidedError
from funcnn.inputs import passes
from funcnn.mypy_plugin.sizes import Sum, added, apart, called, times
from funcnn.networks import EMPTY, Layer
from funcnn.shapes import Unknown
from funcnn.types import Array, Shape, Tree

R = TypeVar("R")
WAYS = 64  # explored before giving up
STEPS = 24  # decisions on one way: a loop that waits for an unknown number would never end


def give_up(*_: object, **__: object) -> NoReturn:
    """What a stand-in does when it is asked for its value."""
    raise UndecidedError("mypy does not know this value")


class Decisions:
    """One way through the decisions that code takes on values mypy does not know.

    `forks` are those of the program's own conditions: each is taken once, and holds wherever it is asked for.
    """

    def __init__(self, script: tuple[bool, ...] = (), forks: Mapping[str, bool] | None = None) -> None:
        self.script = script
        self.taken: list[bool] = []
        self.forks = dict(forks or {})

    def fork(self, condition: str) -> bool:
        """How a condition of the program is decided on this way."""
        if condition not in self.forks:
            self.forks[condition] = self.next()
        return self.forks[condition]

    def next(self) -> bool:
        """The next decision: as the script says, then True."""
        if len(self.taken) >= STEPS:
            give_up()
        n = len(self.taken)
        self.taken.append(self.script[n] if n < len(self.script) else True)
        return self.taken[-1]


def explore(
    f: Callable[[Decisions], R], assumed: Mapping[str, bool] | None = None
) -> list[tuple[R, Mapping[str, bool]]] | None:
    """What `f` gives on every way through its decisions, with the forks it took; None if there are too many."""
    outcomes: list[tuple[R, Mapping[str, bool]]] = []
    scripts: list[tuple[bool, ...]] = [()]
    while scripts:
        decisions = Decisions(scripts.pop(), assumed)
        outcomes.append((f(decisions), decisions.forks))
        taken = tuple(decisions.taken)
        scripts += [(*taken[:i], False) for i in range(len(decisions.script), len(taken))]
        if len(outcomes) + len(scripts) > WAYS:
            return None
    return outcomes


def _size_of(value: object) -> Sum | None:
    if isinstance(value, Number):
        return value._size  # pyright: ignore[reportPrivateUsage]
    return Sum((), value) if type(value) is int else None


def _less(a: Sum | None, b: Sum | None) -> Sum | None:
    return added(a, b, -1)


def _shared(a: Sum | None, b: Sum | None) -> Sum | None:
    return called(a, "//", b)


class Number:
    """A number that mypy does not know.

    It passes for an instance of `like` (`Unknown`, for an integer), but is none: C code that wants an index, `range(n)`
    or `items[n]`, takes any instance of `int` by its value and would take a decision on a placeholder.
    """

    __slots__ = ("_decisions", "_like", "_harmless", "_size")

    def __init__(self, decisions: Decisions, like: type, *, harmless: bool = False, size: Sum | None = None) -> None:
        self._decisions, self._like, self._harmless, self._size = decisions, like, harmless, size

    @property  # type: ignore[misc]  # what isinstance asks beside the type itself
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._like

    def _other(self, size: Sum | None = None) -> Number:
        return Number(self._decisions, self._like, harmless=self._harmless, size=size)

    def _absorb(self, *others: object) -> Number:
        if not all(isinstance(o, (int, float, Unknown)) for o in others):
            give_up()
        return self._other()

    def _computed(f: Callable[[Sum | None, Sum | None], Sum | None], turned: bool = False) -> Any:  # type: ignore[misc]
        def of(self: Number, other: object) -> Number:
            a, b = self._size, _size_of(other)
            return self._absorb(other)._other(f(b, a) if turned else f(a, b))

        return of

    def _decide(self, other: object) -> bool:
        if not isinstance(other, (int, float, Unknown)):
            give_up()
        return self._decisions.next()

    def differs(self, other: object) -> bool:
        """Is it another number than this one, whatever they are?"""
        return apart(self._size, _size_of(other)) not in (None, 0)

    def __repr__(self) -> str:
        return "?" if self._size is None else str(self._size)

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return self._decisions.next()

    # fmt: off
    __add__ = __radd__ = _computed(added)
    __mul__ = __rmul__ = _computed(times)
    __sub__, __rsub__ = _computed(_less), _computed(_less, turned=True)
    __floordiv__ = _computed(_shared)
    __rfloordiv__ = _absorb
    __mod__ = __rmod__ = __pow__ = __rpow__ = __neg__ = __pos__ = __abs__ = _absorb
    __lt__ = __le__ = __gt__ = __ge__ = _decide
    __eq__ = _decide
    __hash__ = give_up  # a dictionary would decide by it
    __index__ = __int__ = __round__ = __truediv__ = __rtruediv__ = __divmod__ = __rdivmod__ = give_up
    # fmt: on

    def __ne__(self, other: object) -> bool:
        return not self._decide(other)

    def __float__(self) -> float:
        """NaN, where the number is harmless: no shape of ours depends on a float."""
        return float("nan") if self._harmless else give_up()


class Hole:
    """A value, not None, that mypy does not know."""

    __slots__ = ()
    __hash__ = object.__hash__

    # fmt: off
    __getattr__ = __call__ = __iter__ = __next__ = __len__ = __bool__ = __contains__ = __getitem__ = give_up
    __lt__ = __le__ = __gt__ = __ge__ = __str__ = __format__ = __index__ = __int__ = __float__ = give_up
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = give_up
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __neg__ = __array__ = give_up
    __eq__ = __ne__ = give_up
    # fmt: on


def some_function(*args: object, **kwargs: object) -> NoReturn:
    """A function that mypy knows by its type alone."""
    give_up(args, kwargs)


def _unknown_shape(shape: Shape) -> Shape:
    give_up()


def _unknown_rule(params: Tree, x: Array) -> tuple[Array, Callable[[Array], tuple[Tree, Array]]]:
    give_up()


OPAQUE: Layer[Any, Any] = Layer.of(_unknown_shape, lambda shape: EMPTY, _unknown_rule, takes=passes)
"""A layer of which nothing is known: a check comes to rest where it meets one."""
