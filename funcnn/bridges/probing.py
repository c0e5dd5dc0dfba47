"""Shape rules of other people's functions: what comes out where it is tried."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from funcnn.errors import FuncnnError, ShapeError
from funcnn.inputs import Kind, part
from funcnn.shapes import UNKNOWN, display, known
from funcnn.types import Shape

Try: TypeAlias = Callable[[Any], Shape]
"""The shape out, for a tree of pairs `(shape, "features" | "tokens" | "mask")`, tuples of them for tuples."""

_SIZES: Final = (96, 192)  # for what is not known: sizes that most strides divide, and larger than most filters


class Wanted(tuple[Any, ...]):
    """The shape of an array and what it is for: a leaf, though it is a tuple."""

    __slots__ = ()


def each(f: Callable[[tuple[int, ...], str], Any], wanted: Any) -> Any:
    """Tuples of `f(shape, kind)`, nested as what is wanted is."""
    return f(*wanted) if isinstance(wanted, Wanted) else tuple([each(f, part) for part in wanted])


def probed(name: str, attempt: Try, kind: Kind, sizes: Iterable[int] = ()) -> Callable[[Shape], Shape]:
    """The shape rule of a function that is tried on what has this shape.

    A size that is not known is tried as several numbers, those of its params among them, `sizes`: what of the output
    changes with it is not known either. A size of which only one number will do counts as that number.

    Errors, of the rule
        ShapeError   the function does not take the shape: what it raised is the cause

    >>> from funcnn.bridges.probing import probed
    >>> from funcnn.shapes import display, normalize
    >>> rule = probed("halves", lambda wanted: (wanted[0][0], wanted[0][1] // 2, 3), "features")
    >>> display(rule(normalize((-1, 8)))), display(rule((5, 8)))
    ('(?, 4, 3)', '(5, 4, 3)')
    """
    candidates = tuple(dict.fromkeys([*_SIZES, *sorted(set(sizes))]))

    def tried(shape: Shape, guess: Sequence[int]) -> Shape | Exception:
        try:
            return attempt(_wanted(shape, kind, iter(guess)))
        except FuncnnError:
            raise  # the function itself is at fault, whatever the shape
        except Exception as error:
            return error

    def out_shape(shape: Shape) -> Shape:
        n, refused = _unknowns(shape), list[Exception]()
        for size in candidates if n else _SIZES[:1]:
            out = tried(shape, n * (size,))
            if not isinstance(out, Exception):
                return varied(shape, out, n * (size,))
            refused.append(out)
        said = (str(refused[0]).strip() or type(refused[0]).__name__).splitlines()[0]
        raise ShapeError(f"{name} does not take {display(shape)}: {said}") from refused[0]

    def varied(shape: Shape, out: Shape, guess: tuple[int, ...]) -> Shape:
        """What stays of the shape out when guesses are others: all together, for some may have to agree, or some."""
        for chosen in _subsets(len(guess)):
            moved = ([size if i in chosen else old for i, old in enumerate(guess)] for size in candidates)
            others = (tried(shape, other) for other in moved if tuple(other) != guess)
            out = _common(out, next((other for other in others if not isinstance(other, Exception)), out))
        return out

    return out_shape


def _subsets(n: int) -> Iterator[tuple[int, ...]]:
    """Those of n places; of many places all together, and each alone."""
    sizes = range(1, n + 1) if n <= 4 else (1, n)
    return itertools.chain.from_iterable(itertools.combinations(range(n), size) for size in sizes)


def _unknowns(shape: Shape) -> int:
    return sum(_unknowns(d) if isinstance(d, tuple) else not known(d) for d in shape)


def _wanted(shape: Shape, kind: Kind, guess: Iterator[int]) -> Any:
    if shape and all(isinstance(d, tuple) for d in shape):
        return tuple([_wanted(d, part(kind, i), guess) for i, d in enumerate(shape) if isinstance(d, tuple)])
    sizes = tuple([d if not isinstance(d, tuple) and known(d) else next(guess) for d in shape])
    return Wanted((sizes, "features" if kind == "any" or isinstance(kind, Mapping) else kind))


def _common(a: Shape, b: Shape) -> Shape:
    """What two shapes agree in."""
    if len(a) != len(b):
        raise ShapeError(f"how many axes come out depends on sizes that are not known: {display(a)} or {display(b)}")
    return tuple(map(_common_size, a, b))


def _common_size(a: int | Shape, b: int | Shape) -> int | Shape:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return _common(a, b)
    return a if not isinstance(a, tuple) and known(a) and a == b else UNKNOWN
