"""Templates of shapes: small sizes and large ones, drawn by Hypothesis, and drawn anew out of a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from functools import cache, partial
from itertools import combinations
from math import prod
from types import EllipsisType
from typing import Any, Final, NamedTuple, TypeAlias, Union
from weakref import WeakKeyDictionary

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from funcnn.testing.casebook.of_layers import BatchAxis
from funcnn.types import Shape

Template: TypeAlias = "tuple[Union[int, str, range, EllipsisType, Template], ...]"
"""A shape with gaps, see `shapes`; a tuple of templates for a tuple of arrays."""

LARGEST: Final = 5  # of sizes that are left free
LARGE: Final = 9  # from here on they are large
FULL: Final = 4096  # about as many entries as an array has in a large case
MANY: Final = 2  # free sizes, and no more, are large at once


def shapes(*template: Union[int, str, range, EllipsisType, Template], largest: int = LARGEST) -> SearchStrategy[Shape]:
    """Shapes that fit a template.

    An int is that size, a string a free size from 1 to `largest` (one string, one size), a range a size in it, and
    `...` none to two more sizes. A tuple is another template: the shape of a tuple of arrays.

    Errors
        TypeError    the template holds something else
        ValueError   a size is negative

    >>> from hypothesis import find
    >>> find(shapes("B", ..., "D"), lambda shape: True)
    (1, 1)
    >>> find(shapes(("B", "T", 4), ("B", "T")), lambda shape: shape[0][1] > 2)
    ((1, 3, 4), (1, 3))
    """
    for d in template:
        if isinstance(d, bool) or not isinstance(d, (int, str, range, EllipsisType, tuple)):
            raise TypeError(f"a template of shapes holds ints, strings, ranges, ... and tuples of them, got {d!r}")
        if isinstance(d, int) and d < 0:
            raise ValueError(f"a size in a template is at least 0, got {d}; write 'B' for one that is free")
    drawn = _shapes(template, largest)
    _templates[drawn] = template
    _anew[drawn] = Anew(False, partial(_small, template, largest))
    return drawn


class Anew(NamedTuple):
    """How the n-th shape is made without Hypothesis, `make(n, rng)`: always, or only where one has come before."""

    always: bool
    make: Callable[[int, random.Random], Shape]


_templates: WeakKeyDictionary[SearchStrategy[Any], Template] = WeakKeyDictionary()
_anew: WeakKeyDictionary[SearchStrategy[Any], Anew] = WeakKeyDictionary()


def made_anew(drawn: SearchStrategy[Any]) -> Anew | None:
    """How shapes of the template that a strategy was made of are made anew; None where it was made of none."""
    return _anew.get(drawn)


def larger(drawn: SearchStrategy[Shape]) -> SearchStrategy[Shape] | None:
    """Large shapes of the template that a strategy was made of, from 9 to 64 where sizes are free; None without such.

    >>> from hypothesis import find
    >>> find(larger(shapes("B", 4)), lambda shape: True)
    (9, 4)
    """
    template = _templates.get(drawn)
    if template is None or not any(_free_sizes(template)):
        return None
    large = _large_shapes(template)
    _anew[large] = Anew(True, partial(_large, template))
    return large


def in_batch(drawn: SearchStrategy[Shape], arrays: int) -> BatchAxis:
    """Which of several arrays are a batch: those that begin with the size that the first one begins with, by its name.

    >>> in_batch(shapes(("B", "D"), ("D", 3), (3,)), 3), in_batch(shapes("B", "D"), 1), in_batch(shapes((5,), (4,)), 2)
    ((0, None, None), 0, None)
    """
    template = _templates.get(drawn)
    if arrays == 1:
        return 0
    if template is None:
        return None
    firsts = [part[0] if isinstance(part, tuple) and part else None for part in template]
    if not isinstance(firsts[0], str):
        return None
    return tuple([0 if first == firsts[0] else None for first in firsts])


def _free_sizes(template: Template) -> list[str]:
    inner = [_free_sizes(d) for d in template if isinstance(d, tuple)]
    return [d for d in template if isinstance(d, str)] + [name for names in inner for name in names]


def _room(template: Template, names: Collection[str]) -> int:
    """How large the free sizes of these names may be, so that no array of a template becomes too large."""
    inner = [_room(d, names) for d in template if isinstance(d, tuple)]
    free = sum(d in names for d in template if isinstance(d, str))
    known = prod((d.stop - 1 if isinstance(d, range) else d) for d in template if isinstance(d, (int, range)))
    own = int((FULL / max(known, 1)) ** (1 / free)) if free else 64
    return min([64, max(LARGE, own), *inner])


@st.composite
def _large_shapes(draw: DrawFn, template: Template) -> Shape:
    """One size is large or all are; of many two, which may be larger then: a long sequence has many steps."""
    names = list(dict.fromkeys(_free_sizes(template)))
    some: list[tuple[str, ...]] = [*combinations(names, MANY)] or [tuple(names)]
    if len(names) <= MANY:
        some = some * 3 + [(name,) for name in names]
    wide = draw(st.sampled_from(some))
    room = _room(template, wide)
    sizes = {name: draw(st.integers(LARGE, room)) if name in wide else draw(_free(3)) for name in names}

    return _filled(template, sizes.__getitem__, lambda: draw(st.lists(_free(2), max_size=1)), _among(draw))


def _large(template: Template, turn: int, rng: random.Random) -> Shape:
    """Of three turns every free size is large in one or two, there in the upper half of its room; odd and even."""
    names = list(dict.fromkeys(_free_sizes(template)))
    several = min(MANY, len(names))
    wide = [names[(MANY * turn + i) % len(names)] for i in range(several)]
    if turn % 3 == 0 and len(names) > 1:
        wide = rng.sample(names, MANY if len(names) > MANY else 1)
    room = _room(template, wide)
    sizes = {name: rng.randint(1, 3) for name in names}
    for i, name in enumerate(sorted(wide, key=names.index)):
        size = rng.randint((LARGE + room) // 2, room)
        sizes[name] = size - (size > LARGE and (size + turn + i) % 2)
    return _filled(template, sizes.__getitem__, _few(rng, 1, 2), rng.choice)


def _small(template: Template, largest: int, turn: int, rng: random.Random) -> Shape:
    """Of as many turns as there are sizes every free size has each of them, with others beside it at the next ones."""
    names = list(dict.fromkeys(_free_sizes(template)))
    sizes = {name: 1 + (turn + i * (1 + turn // largest)) % largest for i, name in enumerate(names)}
    return _filled(template, sizes.__getitem__, _few(rng, 2, largest), rng.choice)


def _filled(
    template: Template, free: Callable[[str], int], dots: Callable[[], list[int]], among: Callable[[range], int]
) -> Shape:
    """A template with its gaps filled in from the left: a free size, what stands for `...`, one of a range."""
    shape: list[Any] = []
    for d in template:
        if isinstance(d, tuple):
            shape.append(_filled(d, free, dots, among))
        elif isinstance(d, EllipsisType):
            shape += dots()
        else:
            shape.append(free(d) if isinstance(d, str) else among(d) if isinstance(d, range) else d)
    return tuple(shape)


def _few(rng: random.Random, most: int, largest: int) -> Callable[[], list[int]]:
    """At most so many sizes."""
    return lambda: [rng.randint(1, largest) for _ in range(rng.randint(0, most))]


def _among(draw: DrawFn) -> Callable[[range], int]:
    """One of a range, drawn."""
    return lambda among: draw(st.sampled_from(among))


@cache
def _free(largest: int) -> SearchStrategy[int]:
    return st.integers(1, largest)


@cache
def _dots(largest: int) -> SearchStrategy[list[int]]:
    return st.lists(_free(largest), max_size=2)


@st.composite
def _shapes(draw: DrawFn, template: Template, largest: int) -> Shape:
    sizes: dict[str, int] = {}
    free = _free(largest)

    def size(name: str) -> int:
        if name not in sizes:
            sizes[name] = draw(free)
        return sizes[name]

    return _filled(template, size, lambda: draw(_dots(largest)), _among(draw))
