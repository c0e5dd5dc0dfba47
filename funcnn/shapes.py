"""Shapes: what goes into a shape rule, what comes out, and the helpers rules are written with.

Outside, `-1` is a dimension that is not known yet. Inside a rule it is an `Unknown`, which absorbs arithmetic and
refuses every decision, so that no rule ever takes `-1` for a number.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeGuard, Union

from funcnn.errors import ShapeError, UndecidedError
from funcnn.types import Nested, Shape

if TYPE_CHECKING:
    _Number = int  # shapes are written with integers
else:
    _Number = object  # C code takes an `int` by its value and never asks: range(d) would run over a placeholder


class Unknown(_Number):
    """A dimension that is not known. Arithmetic with it stays unknown; comparing it, or indexing with it, is refused.

    Rules that want to check what they can write `same(a, b)` and `known(d)`.

    >>> import math
    >>> unknown = Unknown()
    >>> unknown // 2 + 3, math.prod((2, unknown))
    (?, ?)
    >>> unknown == 3
    Traceback (most recent call last):
        ...
    funcnn.errors.UndecidedError: a shape rule asked for the value of an unknown dimension; ask `known(d)` first
    """

    __slots__ = ()

    def _absorb(self, *others: object) -> Unknown:
        return UNKNOWN if all(hasattr(o, "__float__") for o in others) else self._refuse()  # [0] * d asks for a value

    def _refuse(self, *_: object) -> NoReturn:
        raise UndecidedError("a shape rule asked for the value of an unknown dimension; ask `known(d)` first")

    def differs(self, other: object) -> bool:
        """Is it another dimension than this one, for sure? Where sizes have names, `n` and `n + 1` are."""
        del other
        return False

    def __repr__(self) -> str:
        return "?"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "?"

    def __reduce__(self) -> tuple[Any, ...]:
        return Unknown, ()

    def __hash__(self) -> int:
        return hash("?")

    # fmt: off
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __floordiv__ = __rfloordiv__ = _absorb
    __mod__ = __rmod__ = __neg__ = __pos__ = __abs__ = __rpow__ = _absorb
    __pow__ = _absorb  # type: ignore[assignment]  # int's is overloaded
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = __bool__ = __index__ = _refuse
    __truediv__ = __rtruediv__ = __divmod__ = __rdivmod__ = __int__ = __float__ = __round__ = _refuse
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = __lshift__ = __rshift__ = __invert__ = _refuse
    # fmt: on


UNKNOWN: Final = Unknown()


def known(*dims: int) -> bool:
    """Is every one of these dimensions known?

    >>> known(3, 4), known(3, Unknown())
    (True, False)
    """
    return not any(isinstance(d, Unknown) for d in dims)


def same(*dims: int) -> bool:
    """Do these dimensions agree, as far as they are known?

    >>> same(3, 3), same(3, 4), same(3, Unknown())
    (True, False, True)
    """
    found = [d for d in dims if known(d)]
    if len(found) < len(dims):
        unknown = [d for d in dims if isinstance(d, Unknown)]
        if any(a.differs(b) for a in unknown for b in unknown):
            return False
    return all(d == found[0] for d in found)


def normalize(shape: object) -> Shape:
    """A shape from outside as rules see it: Python ints, nested tuples, `Unknown` for -1.

    Errors
        ShapeError   the dimension, and its index, that is no size
    """
    if not _is_sequence(shape):
        raise ShapeError(f"a shape is a tuple of sizes, got {_shown(shape)}")
    return tuple(_dimension(shape, i, d) for i, d in enumerate(shape))


def _is_sequence(shape: object) -> TypeGuard[Union[tuple[object, ...], list[object]]]:
    return isinstance(shape, (tuple, list))


def _shown(shape: object) -> str:
    """What came in place of a shape, and what to write."""
    if isinstance(shape, int):
        return f"{type(shape).__name__} {shape!r}; write ({shape!r},)"
    fix = "; write x.shape, or tuple(sizes)" if hasattr(shape, "shape") else "; write (-1, 784), say"
    return f"{type(shape).__name__}{fix}"


def _dimension(shape: object, i: int, d: object) -> int | Shape:
    if _is_sequence(d):
        return normalize(d)
    if isinstance(d, Unknown):
        return d
    problem = "sizes are integers, -1 for one that is not known yet"
    try:
        size = -2 if isinstance(d, bool) else operator.index(d)  # type: ignore[arg-type]
    except TypeError:
        size = -2
    else:
        if size == -1:
            return UNKNOWN
        if size >= 0:
            return size
    raise ShapeError(f"dimension {i} of the shape {shape!r} is {d!r}; {problem}")


def external(shape: Shape) -> Shape:
    """A shape as people see it: -1 again for what is not known.

    Errors
        ShapeError   a shape rule returned something else than a tuple
    """
    if not isinstance(shape, (tuple, list)):
        raise ShapeError(f"a shape rule must return a tuple of sizes, it returned {shape!r}")
    return tuple(external(d) if isinstance(d, tuple) else d if known(d) else -1 for d in shape)


def axes(
    layer: str, shape: Shape, *, exactly: int | None = None, at_least: int = 0, like: str = "", empty: int | None = 1
) -> tuple[int, ...]:
    """The axes of one array's shape, or a `ShapeError` that says what the layer takes.

    `like` describes the array, `"(batch, height, width, channels)"`, and is shown where it was not given. The first
    `empty` axes may have size 0: the batch, or with 2 the time too; with -1 all but the last, with None all of them.

    >>> axes("Dense", (32, 784), at_least=1)
    (32, 784)
    >>> axes("LSTM", (32, 0, 3), empty=2)
    (32, 0, 3)
    >>> axes("Conv", (28, 28), exactly=4, like="(batch, height, width, channels)")
    Traceback (most recent call last):
        ...
    funcnn.errors.ShapeError: Conv takes (batch, height, width, channels), got (28, 28)
    """
    flat = tuple(d for d in shape if not isinstance(d, tuple))
    wanted = like or _array(exactly, at_least)
    if len(flat) != len(shape):
        raise ShapeError(f"{layer} takes {wanted}, got a tuple of {len(shape)}: {display(shape)}")
    if len(flat) < at_least or exactly not in (None, len(flat)):
        hint = ""
        if exactly is not None and len(flat) == exactly - 1:
            hint = "; a single example needs a batch axis, x[None]; where the last one is missing, x[..., None]"
        raise ShapeError(f"{layer} takes {wanted}, got {display(shape)}{hint}")
    if empty is None:
        return flat
    for i in range(len(flat))[empty:]:
        if known(flat[i]) and not flat[i]:
            problem = f"dimension {i} of the shape {display(shape)} is 0; {_EMPTY[empty]} may be empty"
            raise ShapeError(f"{layer}: {problem}")
    return flat


_EMPTY: Final = {
    1: "only the leading (batch) axis", 2: "only the axes of batch and time", -1: "only axes before the last"
}  # fmt: skip


def _array(exactly: int | None, at_least: int) -> str:
    if exactly is not None:
        return f"an array of {exactly} axes"
    return f"an array of at least {at_least} {'axis' if at_least == 1 else 'axes'}" if at_least else "one array"


def branches(layer: str, shape: Shape, n: int | None = None) -> tuple[Shape, ...]:
    """The shapes of a tuple of arrays, of `n` where that is given, or a `ShapeError` that says what the layer takes.

    >>> branches("FanInSum", ((32, 3), (32, 3)))
    ((32, 3), (32, 3))
    >>> branches("Bilinear", ((32, 3), (32, 3), (32, 3)), 2)
    Traceback (most recent call last):
        ...
    funcnn.errors.ShapeError: Bilinear takes a tuple of 2, got 3: ((32, 3), (32, 3), (32, 3))
    """
    parts = tuple(s for s in shape if isinstance(s, tuple))
    wanted = "a tuple of arrays" if n is None else f"a tuple of {n}"
    if len(parts) != len(shape) or not parts:
        raise ShapeError(f"{layer} takes {wanted}, got one array of shape {display(shape)}")
    if n is not None and len(parts) != n:
        raise ShapeError(f"{layer} takes {wanted}, got {len(parts)}: {display(shape)}")
    return parts


def display(shape: Shape) -> str:
    """A shape for messages, with a question mark for what is not known.

    >>> display((Unknown(), 28, 28, 1))
    '(?, 28, 28, 1)'
    """
    inside = ", ".join(display(d) if isinstance(d, tuple) else repr(d) for d in shape)
    return f"({inside},)" if len(shape) == 1 else f"({inside})"


def shape_of(x: Nested) -> Shape:
    """The shape of an array, or the tuple of shapes of a tuple of arrays."""
    return tuple(shape_of(v) for v in x) if isinstance(x, tuple) else x.shape
