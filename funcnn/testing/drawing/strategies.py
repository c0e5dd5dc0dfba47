"""Hypothesis strategies: shapes from a template, arrays by seed and kind, params, keys, trees, cases.

Structure is drawn by Hypothesis and shrinks; what arrays hold comes from a drawn seed: large arrays cost nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from itertools import combinations
from math import prod
from types import EllipsisType
from typing import Any, Final, TypeAlias, Union
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from funcnn.keys import Key
from funcnn.networks import Layer
from funcnn.params import Params
from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import BatchAxis, Case
from funcnn.testing.drawing.contents import KINDS, Domain, contents, mask_contents, signs, token_contents
from funcnn.testing.judging.verdicts import broken
from funcnn.testing.trials.refusals import got
from funcnn.types import Array, Mask, Shape, Tokens

Template: TypeAlias = "tuple[Union[int, str, range, EllipsisType, Template], ...]"
"""A shape with gaps, see `shapes`; a tuple of templates for a tuple of arrays."""

LARGEST: Final = 5  # of sizes that are left free
FULL: Final = 4096  # about as many entries as an array has in a large case
MANY: Final = 2  # free sizes, and no more, are large at once


def seeds() -> SearchStrategy[int]:
    """Seeds for what arrays hold."""
    return st.integers(0, 2**16)


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
    return drawn


_templates: WeakKeyDictionary[SearchStrategy[Any], Template] = WeakKeyDictionary()


def larger(drawn: SearchStrategy[Shape]) -> SearchStrategy[Shape] | None:
    """Large shapes of the template that a strategy was made of, from 9 to 64 where sizes are free; None without such.

    >>> from hypothesis import find
    >>> find(larger(shapes("B", 4)), lambda shape: True)
    (9, 4)
    """
    template = _templates.get(drawn)
    return _large_shapes(template) if template is not None and any(_free_sizes(template)) else None


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
    return min([64, max(9, own), *inner])


@st.composite
def _large_shapes(draw: DrawFn, template: Template) -> Shape:
    """One size is large or all are; of many two, which may be larger then: a long sequence has many steps."""
    names = list(dict.fromkeys(_free_sizes(template)))
    some: list[tuple[str, ...]] = [*combinations(names, MANY)] or [tuple(names)]
    if len(names) <= MANY:
        some = some * 3 + [(name,) for name in names]
    wide = draw(st.sampled_from(some))
    room = _room(template, wide)
    sizes = {name: draw(st.integers(9, room)) if name in wide else draw(_free(3)) for name in names}

    def fill(template: Template) -> Shape:
        shape: list[Any] = []
        for d in template:
            if isinstance(d, tuple):
                shape.append(fill(d))
            elif isinstance(d, EllipsisType):
                shape += draw(st.lists(_free(2), max_size=1))
            elif isinstance(d, str):
                shape.append(sizes[d])
            else:
                shape.append(draw(st.sampled_from(d)) if isinstance(d, range) else d)
        return tuple(shape)

    return fill(template)


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

    def fill(template: Template) -> Shape:
        shape: list[Any] = []
        for d in template:
            if isinstance(d, tuple):
                shape.append(fill(d))
            elif isinstance(d, EllipsisType):
                shape += draw(_dots(largest))
            elif isinstance(d, str):
                sizes[d] = sizes[d] if d in sizes else draw(free)
                shape.append(sizes[d])
            else:
                shape.append(draw(st.sampled_from(d)) if isinstance(d, range) else d)
        return tuple(shape)

    return fill(template)


def dtypes(*, float16: bool = False) -> SearchStrategy[np.dtype[Any]]:
    """Floating-point dtypes: float32, float64, and float16 if it is asked for."""
    names = ["float32", "float64"] + (["float16"] if float16 else [])
    return st.sampled_from([np.dtype(name) for name in names])


def kinds() -> SearchStrategy[str]:
    """What arrays hold, see `funcnn.testing.contents`."""
    return st.sampled_from(KINDS)


def _shape_strategy(shape: Shape | SearchStrategy[Shape]) -> SearchStrategy[Any]:
    return shape if isinstance(shape, SearchStrategy) else st.just(shape)


def arrays(
    shape: Shape | SearchStrategy[Shape], *, dtype: npt.DTypeLike = np.float64, kind: str | None = None
) -> SearchStrategy[Array]:
    """Arrays of a shape, of one kind or of any.

    >>> from hypothesis import find
    >>> find(arrays((2,), kind="separated"), lambda x: True).round(1)
    array([1.5, 3. ])
    """

    def make(shape: Any, seed: int, kind: str) -> Array:
        return contents(np.random.default_rng(seed), shape, kind).astype(dtype)

    return st.builds(make, _shape_strategy(shape), seeds(), kinds() if kind is None else st.just(kind))


def tokens(vocabulary: int | range, shape: Shape | SearchStrategy[Shape]) -> SearchStrategy[Tokens]:
    """Integers below `vocabulary`, or of that range; both ends are among them where there is room."""

    def make(shape: Any, seed: int) -> Tokens:
        return token_contents(np.random.default_rng(seed), shape, vocabulary)

    return st.builds(make, _shape_strategy(shape), seeds())


def masks(shape: Shape | SearchStrategy[Shape]) -> SearchStrategy[Mask]:
    """Booleans; the first of every row is true."""

    def make(shape: Any, seed: int) -> Mask:
        return mask_contents(np.random.default_rng(seed), shape)

    return st.builds(make, _shape_strategy(shape), seeds())


def keys() -> SearchStrategy[Key]:
    """Keys of random functions."""
    return st.builds(Key, seeds())


def params(layer: Layer[Any, Any], shape: Shape, *, dtype: npt.DTypeLike = np.float32) -> SearchStrategy[Params]:
    """The params of a layer, every entry moved: initial values are often points where wrong gradients hide."""

    def make(seed: int) -> Params:
        return Case(layer, shape, dtype=dtype, seed=seed).params

    return st.builds(make, seeds())


def cotangents(y: Any) -> SearchStrategy[Any]:
    """Cotangents for a value, or directions from a point: random signs times 1/2 to 3/2."""

    def make(seed: int) -> Any:
        rng = np.random.default_rng(seed)
        return nested.mapped(lambda a: signs(rng, a.shape).astype(a.dtype if nested.is_real(a) else np.float64), y)

    return st.builds(make, seeds())


directions = cotangents

_names = st.one_of(
    st.sampled_from(["w", "b", "dense_0", "0", "a b", "w.b", "Ünïcödé", "..", "__class__", "None", "\\"]),
    st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1, max_size=8),
)


def trees(*, dtype: npt.DTypeLike = np.float32, max_leaves: int = 6) -> SearchStrategy[Params]:
    """Params of any structure, with odd names, empty leaves and leaves without axes."""
    leaf = arrays(st.lists(st.integers(0, 3), max_size=3).map(tuple), dtype=dtype)
    subtree = st.recursive(leaf, lambda below: st.dictionaries(_names, below, max_size=3), max_leaves=max_leaves)
    return st.dictionaries(_names, subtree, max_size=4).map(Params)


def cases(
    layers: Layer[Any, Any] | SearchStrategy[Layer[Any, Any]],
    shape: Shape | SearchStrategy[Shape],
    *,
    dtypes: Sequence[str] = ("float32", "float64"),
    kinds: Sequence[str] = KINDS,
    passes: str = "both",
    tokens: int | range = 5,
    domain: Domain = None,
    batch_axis: BatchAxis = 0,
) -> SearchStrategy[Case]:
    """Cases of a layer, or of a family of layers, on inputs of a shape; shapes may be drawn too."""
    hows = st.sampled_from([(d, k) for d in dtypes for k in kinds])  # one draw for both: drawing is half of the time
    drawn = layers if isinstance(layers, SearchStrategy) else st.just(layers)
    return _cases(drawn, _shape_strategy(shape), hows, passes, tokens, domain, batch_axis)


_seeds = seeds()
_trained = st.booleans()


@st.composite
def _cases(
    draw: DrawFn,
    layers: SearchStrategy[Layer[Any, Any]],
    shape: SearchStrategy[Shape],
    hows: SearchStrategy[tuple[str, str]],
    passes: str,
    tokens: int | range,
    domain: Domain,
    batch_axis: BatchAxis,
) -> Case:
    layer = draw(layers)
    if not isinstance(layer, Layer):
        raise broken(f"the strategy is to draw layers, it draws {got(layer)}")
    training = layer.apply.random and (passes == "training" or (passes == "both" and draw(_trained)))
    dtype, kind = draw(hows)
    return Case(
        layer, draw(shape),
        dtype=dtype, kind=kind, seed=draw(_seeds), training=training, tokens=tokens, domain=domain,
        batch_axis=batch_axis,
    )  # fmt: skip
