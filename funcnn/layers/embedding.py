"""Tables of vectors for tokens."""

from __future__ import annotations

import numpy as np

from funcnn.arguments import positive
from funcnn.calculus import Later, Pullback
from funcnn.cotangents import zeros_like
from funcnn.errors import LabelError
from funcnn.initializers import normal
from funcnn.inputs import tokens
from funcnn.kernels import embedding as kernel
from funcnn.keys import Initializer
from funcnn.networks import Layer, layer
from funcnn.networks.definitions import Spec
from funcnn.params.trees import leaves
from funcnn.shapes import axes
from funcnn.types import Array, Shape, Tokens, Tree


@layer
def Embedding(vocabulary: int, units: int, *, W_init: Initializer = normal(0.02)) -> Layer[Tokens, Array]:  # noqa: B008
    """A vector of numbers for every token, `y[...] = w[x[...]]`.

    Shapes
        x       (...)           integers in [0, vocabulary)
        params  {"w": (vocabulary, units)}
        y       (..., units)
    Errors
        ValueError   `vocabulary` or `units` is less than one
        LabelError   a token is negative, or not less than `vocabulary`
        DTypeError   x is not of integers
    Pullback
        dw[t] = sum of the dy of all places where x = t      dx = 0
        Of a table of 262,144 numbers or more dw knows which of its rows are other than zero. It is an array like any
        other, but `sgd`, `sparse_adam` and `adagrad` without momentum look at these rows alone.
    Source: Bengio, Ducharme, Vincent & Jauvin, A neural probabilistic language model (2003), section 2.

    >>> Embedding(100, 8).out_shape((-1, 20))
    (-1, 20, 8)
    """
    positive("Embedding", vocabulary=vocabulary, units=units)

    def out_shape(shape: Shape) -> Shape:
        return (*axes("Embedding", shape, empty=None), units)

    def spec(shape: Shape) -> Spec:
        return {"w": (W_init, (vocabulary, units))}

    def rule(params: Tree, x: Tokens) -> tuple[Array, Pullback[Array, Tokens]]:
        (w,) = leaves(params, "w")
        check_tokens(x, vocabulary)
        index = x.astype(np.intp, copy=False)

        def pullback(dy: Array) -> tuple[Tree, Later[Tokens]]:
            dw = kernel.add_rows(index.reshape(-1), dy.reshape(-1, units), vocabulary)
            return {"w": dw}, Later(lambda: zeros_like(x, w.dtype))

        return np.take(w, index, axis=0), pullback

    return Layer.of(out_shape, spec, rule, takes=tokens)


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
