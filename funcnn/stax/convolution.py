"""Convolutions of arrays with any order of axes, and transposed ones with stax's windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from funcnn.calculus import Later, Pullback, force
from funcnn.initializers import ones
from funcnn.kernels.windows import Pair
from funcnn.layers import convolution as core
from funcnn.layers.transposed_convolution import transposed
from funcnn.layers.windows import made_slide
from funcnn.networks import Layer, layer
from funcnn.networks.definitions import Spec
from funcnn.shapes import axes
from funcnn.stax.initializers import Init, adapted, glorot_normal, normal
from funcnn.stax.layouts import Numbers, Padding, arranged, back, checked_numbers, order, steps, tuples
from funcnn.types import Array, Shape, Tree

_GLOROT, _TINY = glorot_normal(), normal(1e-6)
_IMAGES: Numbers = ("NHWC", "HWIO", "NHWC")


def Conv(
    out_chan: int,
    filter_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    padding: Padding = "VALID",
    W_init: Init | None = None,
    b_init: Init = _TINY,
) -> Layer[Array, Array]:
    """`GeneralConv` of images with channels last: `funcnn.Conv`, with initializers by position.

    >>> Conv(8, [3, 3], padding="SAME").out_shape((-1, 28, 28, 1))
    (-1, 28, 28, 8)
    """
    pads: Any = tuples(padding)
    size: Any = tuple(filter_shape)
    between: Any = steps(strides)
    W = adapted(_GLOROT if W_init is None else W_init)
    return core.Conv(out_chan, size, between, pads, W_init=W, b_init=adapted(b_init))


@layer
def GeneralConv(
    dimension_numbers: Numbers,
    out_chan: int,
    filter_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    padding: Padding = "VALID",
    W_init: Init | None = None,
    b_init: Init = _TINY,
) -> Layer[Array, Array]:
    """Convolution of one, two or three axes in any order: `("NCHW", "OIHW", "NCHW")` has channels first.

    Each letter but N, C, I and O is an axis that windows slide along. `filter_shape`, `strides` and pairs of `padding`
    are in the order of the weights. What is computed is what `funcnn.Conv` says.

    Shapes
        x       as the first spec says
        params  {"w": as the second says, "b": (out_chan,)}
        y       as the third says
    Errors
        ValueError   the specs are not of the same axes, or what `funcnn.Conv` refuses
        ShapeError   x has another number of axes, or the window is larger than the image
    Pullback
        that of `funcnn.Conv`
    Source: `jax.example_libraries.stax.GeneralConv`.

    >>> GeneralConv(("NCHW", "OIHW", "NHWC"), 8, (3, 3)).out_shape((-1, 1, 28, 28))
    (-1, 26, 26, 8)
    """
    numbers = checked_numbers("GeneralConv", dimension_numbers, len(filter_shape))
    slide = made_slide("GeneralConv", len(filter_shape), tuple(filter_shape), steps(strides), tuples(padding))
    inner = core.convolution(slide, out_chan, 1, True, ones, adapted(b_init))
    return _permuted("GeneralConv", inner, numbers, W_init)


@layer
def GeneralConvTranspose(
    dimension_numbers: Numbers,
    out_chan: int,
    filter_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    padding: Padding = "VALID",
    W_init: Init | None = None,
    b_init: Init = _TINY,
) -> Layer[Array, Array]:
    """Transposed convolution of one, two or three axes in any order, with JAX's windows and padding.

    The input is spread out by the strides, padded, and correlated with the windows: these are the windows of
    `funcnn.ConvTranspose` turned round, and pairs (a, b) of `padding` pad the spread input, so that windows of k pixels
    leave `(size - 1) s + a + b - k + 2` of them.

    Shapes
        x       as the first spec says
        params  {"w": as the second says, "b": (out_chan,)}
        y       as the third says
    Errors
        ValueError   the specs are not of the same axes, or what `funcnn.ConvTranspose` refuses
        ShapeError   x has another number of axes, or nothing is left of the output
    Pullback
        that of `funcnn.ConvTranspose`
    Source: `jax.example_libraries.stax.GeneralConvTranspose`.

    >>> GeneralConvTranspose(("NCHW", "OIHW", "NCHW"), 8, (3, 3), (2, 2), "SAME").out_shape((-1, 1, 14, 14))
    (-1, 8, 28, 28)
    """
    rank, size, pads = len(filter_shape), tuple(filter_shape), tuples(padding)
    numbers = checked_numbers("GeneralConvTranspose", dimension_numbers, rank)
    if not isinstance(pads, str):
        pads = tuple(_cut(k, pair) for k, pair in zip(size, pads, strict=True))
    slide = made_slide("GeneralConvTranspose", rank, size, steps(strides), pads, negative=True)
    inner = transposed(slide, out_chan, 1, True, ones, adapted(b_init), flip=True)
    return _permuted("GeneralConvTranspose", inner, numbers, W_init)


def Conv1DTranspose(
    out_chan: int,
    filter_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    padding: Padding = "VALID",
    W_init: Init | None = None,
    b_init: Init = _TINY,
) -> Layer[Array, Array]:
    """`GeneralConvTranspose` of sequences with channels last.

    >>> Conv1DTranspose(8, (4,), (2,), "SAME").out_shape((-1, 50, 3))
    (-1, 100, 8)
    """
    return GeneralConvTranspose(("NHC", "HIO", "NHC"), out_chan, filter_shape, strides, padding, W_init, b_init)


def ConvTranspose(
    out_chan: int,
    filter_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    padding: Padding = "VALID",
    W_init: Init | None = None,
    b_init: Init = _TINY,
) -> Layer[Array, Array]:
    """`GeneralConvTranspose` of images with channels last.

    >>> ConvTranspose(8, (3, 3), (2, 2)).out_shape((-1, 14, 14, 3))
    (-1, 29, 29, 8)
    """
    return GeneralConvTranspose(_IMAGES, out_chan, filter_shape, strides, padding, W_init, b_init)


def _cut(window: int, pair: Pair) -> Pair:
    """What is cut off the output where the spread input is padded by this pair."""
    return window - 1 - pair[0], window - 1 - pair[1]


def _permuted(name: str, inner: Layer[Array, Array], numbers: Numbers, W_init: Init | None) -> Layer[Array, Array]:
    """A convolution with channels last as one with its axes in another order."""
    lhs, rhs, out = numbers
    spatial, made = "".join(c for c in rhs if c not in "IO"), inner.definition
    into, weight = order(lhs, "N", spatial, "C"), order(rhs, "", spatial, "IO")
    onto = back(order(out, "N", spatial, "C"))
    fans = glorot_normal(rhs.index("I") - len(rhs), rhs.index("O") - len(rhs))
    W = adapted(fans if W_init is None else W_init)

    def inside(shape: Shape) -> Shape:
        return arranged(axes(name, shape, exactly=len(lhs), like=f"({', '.join(lhs)})"), into)

    def out_shape(shape: Shape) -> Shape:
        return arranged(axes(name, made.out_shape(inside(shape))), onto)

    def spec(shape: Shape) -> Spec:
        wanted: Any = made.spec(inside(shape))
        return {**wanted, "w": (W, arranged(wanted["w"][1], back(weight)))}

    def rule(params: Tree, x: Array) -> tuple[Array, Pullback]:
        w: Any = params["w"]
        y, pull = made.rule({**params, "w": w.transpose(weight)}, x.transpose(into))

        def pullback(dy: Array) -> tuple[Tree, Later[Array]]:
            dparams, dx = pull(dy.transpose(back(onto)))
            dw = dparams["w"].transpose(back(weight)).copy()
            return {**dparams, "w": dw}, Later(lambda: force(dx).transpose(back(into)))

        return y.transpose(onto), pullback

    def multiply_adds(shape: Shape) -> int:
        assert made.multiply_adds is not None
        return made.multiply_adds(inside(shape))

    return Layer.of(out_shape, spec, rule, multiply_adds=multiply_adds)
