"""Layers of ours once more, as plain values written with `autograd.numpy`, without a pullback."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import autograd.numpy as anp

from funcnn.authoring import leaves


class Plain(NamedTuple):
    """A layer as source, the shape of an input, and the same value."""

    source: str
    shape: Any
    f: Callable[[Any, Any], Any]
    tokens: int = 0


def dense(p: Any, x: Any) -> Any:
    """`x w + b`."""
    w, b = leaves(p, "w", "b")
    return anp.einsum("...i,ij->...j", x, w) + b


def bilinear(p: Any, x: Any) -> Any:
    """`a w c + b`."""
    return anp.einsum("ni,ijk,nj->nk", x[0], p["w"], x[1]) + p["b"]


def sigmoid(p: Any, x: Any) -> Any:
    """`1 / (1 + exp(-x))`."""
    return 1 / (1 + anp.exp(-x))


def softplus(p: Any, x: Any) -> Any:
    """`log(1 + exp x)`."""
    return anp.log(1 + anp.exp(x))


def gelu(p: Any, x: Any) -> Any:
    """The form with tanh."""
    return 0.5 * x * (1 + anp.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def softmax(p: Any, x: Any) -> Any:
    """Exponentials over their sum."""
    e = anp.exp(x - anp.max(x, axis=-1, keepdims=True))
    return e / anp.sum(e, axis=-1, keepdims=True)


def layer_norm(p: Any, x: Any) -> Any:
    """Of each row, mean 0 and variance 1."""
    h = x - anp.mean(x, axis=-1, keepdims=True)
    h = h / anp.sqrt(anp.mean(h**2, axis=-1, keepdims=True) + 1e-5)
    return h * p["scale"] + p["offset"]


def rms_norm(p: Any, x: Any) -> Any:
    """Of each row, mean square 1."""
    return x / anp.sqrt(anp.mean(x**2, axis=-1, keepdims=True) + 1e-5) * p["scale"]


def perceptron(p: Any, x: Any) -> Any:
    """Nested params."""
    return dense(p["dense_1"], anp.tanh(dense(p["dense_0"], x)))


def rnn_cell(p: Any, x: Any) -> Any:
    """A tuple in, a tuple out."""
    s = anp.tanh(x[0] @ p["w"] + x[1] @ p["u"] + p["b"][:3] + p["b"][3:])
    return s, s


def attention(p: Any, x: Any) -> Any:
    """A mean over the steps that the mask leaves."""
    values, mask = x
    weights = mask[..., None].astype(values.dtype)
    return anp.sum(values * weights, axis=1) / anp.maximum(anp.sum(weights, axis=1), 1.0)


PLAIN: Final = (
    Plain("Dense(4)", (3, 5), dense),
    Plain("Dense(2)", (2, 3, 4), dense),
    Plain("Bilinear(3)", ((4, 2), (4, 5)), bilinear),
    Plain("Embedding(7, 3)", (2, 4), lambda p, x: p["w"][x], tokens=7),
    Plain("Tanh", (3, 5), lambda p, x: anp.tanh(x)),
    Plain("Sigmoid", (3, 5), sigmoid),
    Plain("Silu", (3, 5), lambda p, x: x * sigmoid(p, x)),
    Plain("Softplus", (3, 5), softplus),
    Plain("Gelu", (3, 5), gelu),
    Plain("Exp", (3, 5), lambda p, x: anp.exp(x)),
    Plain("Softmax", (3, 5), softmax),
    Plain("LogSoftmax", (2, 3, 5), lambda p, x: anp.log(softmax(p, x))),
    Plain("LayerNorm()", (3, 5), layer_norm),
    Plain("RMSNorm()", (3, 5), rms_norm),
    Plain("FanInSum", ((3, 4), (3, 4)), lambda p, x: x[0] + x[1]),
    Plain("FanInProduct", ((3, 4), (3, 4)), lambda p, x: x[0] * x[1]),
    Plain("FanInConcat()", ((3, 4), (3, 2)), lambda p, x: anp.concatenate(x, axis=-1)),
    Plain("FanOut(2)", (3, 4), lambda p, x: (x, x)),
    Plain("serial(Dense(4), Tanh, Dense(2))", (3, 5), perceptron),
    Plain("RNNCell(3)", ((2, 4), (2, 3)), rnn_cell),
    Plain("MeanOver(1, masked=True)", ((2, 4, 3), (2, 4)), attention),
    Plain("Flatten", (3, 2, 4), lambda p, x: anp.reshape(x, (x.shape[0], -1))),
)
"""Analytic layers, one of every form of input, of output and of params."""
