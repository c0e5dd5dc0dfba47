"""Hypothesis strategies: arrays by seed and kind, params, keys, trees, cases.

Structure is drawn by Hypothesis and shrinks; what arrays hold comes from a drawn seed: large arrays cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
from funcnn.testing.drawing.turns import Changes, in_turn
from funcnn.testing.judging.verdicts import broken
from funcnn.testing.trials.refusals import got
from funcnn.types import Array, Mask, Shape, Tokens


def seeds() -> SearchStrategy[int]:
    """Seeds for what arrays hold."""
    return st.integers(0, 2**16)


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
    each = [(d, k) for d in dtypes for k in kinds]
    hows = st.sampled_from(each)  # one draw for both: drawing is half of the time
    drawn, of_shape = layers if isinstance(layers, SearchStrategy) else st.just(layers), _shape_strategy(shape)

    def kind(turn: int, case: Case) -> Changes:
        again, at = divmod(turn, len(each))
        dtype, kind = each[at]
        free = passes == "both" and case.layer.apply.random
        other = {"training": (again + at) % 2 == 1} if free else {}
        return {"dtype": np.dtype(dtype), "kind": kind, **other}

    return in_turn(_cases(drawn, of_shape, hows, passes, tokens, domain, batch_axis), kind, of_shape)


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
