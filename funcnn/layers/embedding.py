"""Tables of vectors for tokens."""

from __future__ import annotations

from typing import Any

import numpy as np

from funcnn.arguments import is_integer, positive
from funcnn.calculus import Later, Pullback
from funcnn.cotangents import zeros_like
from funcnn.errors import LabelError, brief
from funcnn.initializers import normal
from funcnn.inputs import tokens
from funcnn.kernels import embedding as kernel
from funcnn.kernels.tables import LARGE
from funcnn.keys import Initializer, Key
from funcnn.networks import Layer, apart, layer
from funcnn.networks.definitions import Spec
from funcnn.params.trees import leaves
from funcnn.shapes import axes, known
from funcnn.types import Array, Shape, Tokens, Tree


@layer
def Embedding(
    vocabulary: int, units: int, *, padding: int | None = None, W_init: Initializer = normal(0.02)  # noqa: B008
) -> Layer[Tokens, Array]:
    """A vector of numbers for every token, `y[...] = w[x[...]]`.

    The token `padding`, where one is given, stands for nothing: its vector is 0, whatever its row holds, which starts
    as 0 and gets no gradient.

    Shapes
        x       (...)           integers in [0, vocabulary)
        params  {"w": (vocabulary, units)}
        y       (..., units)
    Errors
        ValueError   `vocabulary` or `units` is less than one, or `padding` is no token
        LabelError   a token is negative, or not less than `vocabulary`
        DTypeError   x is not of integers
    Pullback
        dw[t] = sum of the dy of all places where x = t, 0 for the padding      dx = 0
        Of a table of 262,144 numbers or more dw knows which of its rows are other than zero. It is an array like any
        other, but `sgd`, `sparse_adam` and `adagrad` without momentum look at these rows alone.
    Source: Bengio, Ducharme, Vincent & Jauvin, A neural probabilistic language model (2003), section 2.

    >>> Embedding(100, 8).out_shape((-1, 20))
    (-1, 20, 8)
    >>> net = Embedding(3, 2, padding=0)
    >>> net.apply({"w": np.array([[7.0, 7.0], [1.0, 2.0], [3.0, 4.0]])}, np.array([1, 0]))
    array([[1., 2.],
           [0., 0.]])
    """
    positive("Embedding", vocabulary=vocabulary, units=units)
    fits = padding is None or not known(padding) or (is_integer(padding) and padding >= 0)
    if not fits or (padding is not None and known(padding, vocabulary) and padding >= vocabulary):
        raise ValueError(
            f"Embedding: padding must be a token, an integer of at least 0 and less than the vocabulary {vocabulary}, "
            f"or None, got {brief(padding)}"
        )

    def out_shape(shape: Shape) -> Shape:
        return (*axes("Embedding", shape, empty=None), units)

    def spec(shape: Shape) -> Spec:
        return {"w": (W_init if padding is None else _without(W_init, padding), (vocabulary, units))}

    def rule(params: Tree, x: Tokens) -> tuple[Array, Pullback[Array, Tokens]]:
        (w,) = leaves(params, "w")
        check_tokens(x, vocabulary)
        index = x.astype(np.intp, copy=False)

        def pullback(dy: Array) -> tuple[Tree, Later[Tokens]]:
            at, rows = index.reshape(-1), dy.reshape(-1, units)
            if padding is not None:
                at, rows = at[at != padding], rows[at != padding]
            dw = kernel.add_rows(at, rows, vocabulary)
            return {"w": dw}, Later(lambda: zeros_like(x, w.dtype))

        y = kernel.rows_of_tokens(w, index)
        if padding is not None:
            y[index == padding] = 0
        return y, pullback

    knows_rows = known(vocabulary, units) and vocabulary * units >= LARGE  # which are lost in a sum
    return Layer.of(out_shape, spec, rule if knows_rows else apart(rule), takes=tokens)


def _without(init: Initializer, row: int) -> Initializer:
    """The same draws, but for this row, which is 0."""

    def drawn(key: Key, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        w: Array = np.array(init(key, shape, dtype))
        w[row] = 0
        return w

    return drawn


def check_tokens(x: Tokens, vocabulary: int) -> None:
    """Refuse tokens that the vocabulary has not.

    Errors
        LabelError   the first such token, where it is, and the range
    """
    if x.size and (x.min() < 0 or x.max() >= vocabulary):
        first = tuple(int(i) for i in np.argwhere((x < 0) | (x >= vocabulary))[0])
        raise LabelError(
            f"token {int(x[first])} at index {first} is not in the vocabulary; "
            f"tokens are integers from 0 to {vocabulary - 1}"
        )
