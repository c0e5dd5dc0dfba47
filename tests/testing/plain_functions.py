"""Plain functions of arrays, forward and backward, as courses have them: right ones, and the same with a fault."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np


class Plain(NamedTuple):
    """Two functions, the shape they are tried on, what is said about them, and what is said of the pair."""

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    shape: Any
    claims: dict[str, Any] = {}  # noqa: RUF012  (read only)
    options: dict[str, Any] = {}  # noqa: RUF012  (read only)


def affine(x: Any, w: Any, b: Any) -> Any:
    """`x w + b`, over all axes but the first."""
    return x.reshape(len(x), -1) @ w + b, (x, w, b)


def affine_backward(dout: Any, cache: Any) -> Any:
    x, w, b = cache
    return (dout @ w.T).reshape(x.shape), x.reshape(len(x), -1).T @ dout, dout.sum(0)


def affine_bias_by_rows(dout: Any, cache: Any) -> Any:
    """The bias summed over the wrong axis, which shows in its shape."""
    dx, dw, _ = affine_backward(dout, cache)
    return dx, dw, dout.sum(1)


def affine_bias_mean(dout: Any, cache: Any) -> Any:
    """The mean over the batch, which is the loss's to take."""
    dx, dw, db = affine_backward(dout, cache)
    return dx, dw, db / len(dout)


def affine_swapped(dout: Any, cache: Any) -> Any:
    """The gradients in another order than the arguments."""
    dx, dw, db = affine_backward(dout, cache)
    return dw, dx, db


def affine_without_bias(dout: Any, cache: Any) -> Any:
    """Two gradients for three arguments."""
    return affine_backward(dout, cache)[:2]


def tanh(x: Any) -> Any:
    return np.tanh(x)


def tanh_backward(dy: Any, y: Any) -> Any:
    return dy * (1 - y * y)


def tanh_not_squared(dy: Any, y: Any) -> Any:
    return dy * (1 - y)


def relu(x: Any) -> Any:
    return np.maximum(0, x), x


def relu_backward(dout: Any, cache: Any) -> Any:
    return dout * (cache > 0)


def relu_in_place(dout: Any, cache: Any) -> Any:
    """Writes into what it was given."""
    dout[cache <= 0] = 0
    return dout


def sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def sigmoid_backward(dy: Any, x: Any) -> Any:
    s = sigmoid(x)
    return dy * s * (1 - s)


def sigmoid_of_the_value(dy: Any, x: Any) -> Any:
    """Takes its input for its value."""
    return dy * x * (1 - x)


def dense(params: Any, x: Any) -> Any:
    return x @ params["w"] + params["b"]


def dense_backward(params: Any, x: Any, dy: Any) -> Any:
    return {"w": x.T @ dy, "b": dy.sum(0)}, dy @ params["w"].T


def dense_regularized(params: Any, x: Any, dy: Any) -> Any:
    """Decay of weights in the pullback."""
    dparams, dx = dense_backward(params, x, dy)
    return {**dparams, "w": dparams["w"] + params["w"] / 10}, dx


def dense_kept(params: Any, x: Any) -> Any:
    return dense(params, x), (params, x)


def dense_kept_backward(dy: Any, cache: Any) -> Any:
    params, x = cache
    return dense_backward(params, x, dy)


def dense_kept_nameless(dy: Any, cache: Any) -> Any:
    """One of the params has no gradient."""
    dparams, dx = dense_kept_backward(dy, cache)
    return {"w": dparams["w"]}, dx


def layer_norm(x: Any, gamma: Any, beta: Any) -> Any:
    mean = x.mean(-1, keepdims=True)
    std = np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + 1e-3)
    n = (x - mean) / std
    return n * gamma + beta, (n, std, gamma)


def layer_norm_backward(dout: Any, cache: Any) -> Any:
    n, std, gamma = cache
    dn = dout * gamma
    dx = (dn - dn.mean(-1, keepdims=True) - n * (dn * n).mean(-1, keepdims=True)) / std
    return dx, (dout * n).sum(0), dout.sum(0)


def layer_norm_constant_variance(dout: Any, cache: Any) -> Any:
    """Takes the variance for a constant."""
    n, std, gamma = cache
    dn = dout * gamma
    return (dn - dn.mean(-1, keepdims=True)) / std, (dout * n).sum(0), dout.sum(0)


def embedding(tokens: Any, table: Any) -> Any:
    return table[tokens], (tokens, table.shape)


def embedding_backward(dout: Any, cache: Any) -> Any:
    tokens, shape = cache
    dtable = np.zeros(shape, dout.dtype)
    np.add.at(dtable, tokens, dout)
    return dtable


def embedding_last_wins(dout: Any, cache: Any) -> Any:
    """Of a token that comes twice the last one counts."""
    tokens, shape = cache
    dtable = np.zeros(shape, dout.dtype)
    dtable[tokens] = dout
    return dtable


def rnn_step(x: Any, prev_h: Any, wx: Any, wh: Any, b: Any) -> Any:
    h = np.tanh(x @ wx + prev_h @ wh + b)
    return h, (x, prev_h, wx, wh, h)


def rnn_step_backward(dh: Any, cache: Any) -> Any:
    x, prev_h, wx, wh, h = cache
    da = dh * (1 - h * h)
    return da @ wx.T, da @ wh.T, x.T @ da, prev_h.T @ da, da.sum(0)


def rnn_step_forgets(dh: Any, cache: Any) -> Any:
    """No gradient for the step before."""
    dx, dprev, *others = rnn_step_backward(dh, cache)
    return dx, np.zeros_like(dprev), *others


def halves(x: Any) -> Any:
    """Two values."""
    return np.sin(x), np.cos(x)


def halves_backward(da: Any, db: Any, x: Any) -> Any:
    return da * np.cos(x) - db * np.sin(x)


def halves_one_forgotten(da: Any, db: Any, x: Any) -> Any:
    return da * np.cos(x)


def lstm_like(x: Any, c: Any) -> Any:
    """Two values and a cache."""
    h = np.tanh(c) * x
    return h, c * x, (x, c)


def lstm_like_backward(dh: Any, dc: Any, cache: Any) -> Any:
    x, c = cache
    t = np.tanh(c)
    return dh * t + dc * c, dh * (1 - t * t) * x + dc * x


def lstm_like_sign(dh: Any, dc: Any, cache: Any) -> Any:
    dx, dc = lstm_like_backward(dh, dc, cache)
    return dx, -dc


def square_error(y: Any, t: Any) -> Any:
    """One number for all."""
    return ((y - t) ** 2).mean()


def square_error_backward(d: Any, y: Any, t: Any) -> Any:
    g = (2 * d * (y - t) / y.size).astype(y.dtype)
    return g, -g


def square_error_without_mean(d: Any, y: Any, t: Any) -> Any:
    g = 2 * d * (y - t)
    return g, -g


def leaky(x: Any, slope: float = 0.1) -> Any:
    """An option with a default."""
    return np.where(x > 0, x, slope * x).astype(x.dtype)


def leaky_backward(dout: Any, x: Any, slope: float = 0.1) -> Any:
    return np.where(x > 0, dout, slope * dout).astype(x.dtype)


def leaky_other_slope(dout: Any, x: Any, slope: float = 0.2) -> Any:
    return np.where(x > 0, dout, slope * dout).astype(x.dtype)


class Remembering:
    """A layer of a course that keeps its input until the pullback comes."""

    def forward(self, x: Any) -> Any:
        self.x = x
        return x * x

    def backward(self, dy: Any) -> Any:
        return 2 * self.x * dy if self.x.shape == dy.shape else dy


REMEMBERING = Remembering()
_AFFINE = (("B", "D"), ("D", 3), (3,))
_NORM = (("B", range(2, 5)), ("D",), ("D",))


def _wide(shape: Any) -> dict[str, Any]:
    return {"w": (shape[-1], 3), "b": (3,)}


RIGHT: dict[str, Plain] = {
    "affine": Plain(affine, affine_backward, _AFFINE),
    "affine of images": Plain(affine, affine_backward, (("B", 2, 3), (6, 3), (3,))),
    "tanh by its value": Plain(tanh, tanh_backward, ("B", ..., "D"), {"kinks": False, "analytic": True}),
    "relu": Plain(relu, relu_backward, ("B", "D"), {"kinks": True}),
    "sigmoid": Plain(sigmoid, sigmoid_backward, ("B", "D"), {"value": lambda p, x: 1 / (1 + np.exp(-x))}),
    "dense": Plain(dense, dense_backward, ("B", "D"), {"linear": True}, {"params": _wide}),
    "dense with a cache": Plain(dense_kept, dense_kept_backward, ("B", 4), {}, {"params": {"w": (4, 2), "b": (2,)}}),
    "layer norm": Plain(layer_norm, layer_norm_backward, (("B", 4), (4,), (4,))),
    "embedding": Plain(embedding, embedding_backward, (("B",), (5, 2)), {}, {"takes": {"tokens": "tokens"}}),
    "a step of a network that remembers": Plain(
        rnn_step, rnn_step_backward, (("B", "D"), ("B", 3), ("D", 3), (3, 3), (3,))
    ),
    "two values": Plain(halves, halves_backward, ("B", "D")),
    "two values and a cache": Plain(lstm_like, lstm_like_backward, (("B", "D"), ("B", "D"))),
    "one number": Plain(square_error, square_error_backward, (("B", "D"), ("B", "D"))),
    "options with defaults": Plain(leaky, leaky_backward, ("B", "D"), {"kinks": True}),
    "options that are given": Plain(
        partial(leaky, slope=0.3), partial(leaky_backward, slope=0.3), ("B", "D"), {"kinks": True}
    ),
    "functions of NumPy's": Plain(np.sin, lambda dy, x: dy * np.cos(x), ("B", "D")),
}
WRONG: dict[str, tuple[Plain, str]] = {
    "the bias summed over the wrong axis": (Plain(affine, affine_bias_by_rows, _AFFINE), "gradient of shape"),
    "a mean over the batch": (Plain(affine, affine_bias_mean, _AFFINE), "gradient of b"),
    "gradients in another order": (Plain(affine, affine_swapped, _AFFINE), "gradient of shape"),
    "a gradient missing": (Plain(affine, affine_without_bias, _AFFINE), "gives 2 gradients, affine takes x, w and b"),
    "a square forgotten": (Plain(tanh, tanh_not_squared, ("B", "D")), "gradient of x"),
    "written in place": (Plain(relu, relu_in_place, ("B", "D")), "read-only"),
    "the input taken for the value": (Plain(sigmoid, sigmoid_of_the_value, ("B", "D")), "gradient of x"),
    "decay in the pullback": (Plain(dense, dense_regularized, ("B", "D"), {}, {"params": _wide}), "gradient of w"),
    "a param without gradient": (
        Plain(dense_kept, dense_kept_nameless, ("B", 4), {}, {"params": {"w": (4, 2), "b": (2,)}}),
        "gives gradients of w, params has b, w",
    ),
    "a constant variance": (Plain(layer_norm, layer_norm_constant_variance, (("B", 4), (4,), (4,))), "gradient of x"),
    "the last token wins": (
        Plain(embedding, embedding_last_wins, (("B",), (5, 2)), {}, {"takes": {"tokens": "tokens"}}),
        "gradient of table",
    ),
    "no gradient through time": (
        Plain(rnn_step, rnn_step_forgets, (("B", "D"), ("B", 3), ("D", 3), (3, 3), (3,))), "gradient of prev_h",
    ),
    "one of two values forgotten": (Plain(halves, halves_one_forgotten, ("B", "D")), "gradient of x"),
    "a sign behind two values": (Plain(lstm_like, lstm_like_sign, (("B", "D"), ("B", "D"))), "gradient of c"),
    "a mean forgotten": (Plain(square_error, square_error_without_mean, (("B", "D"), ("B", "D"))), "gradient of y"),
    "two slopes": (Plain(leaky, leaky_other_slope, ("B", "D")), "gradient of x"),
    "what backward needs in the object": (
        Plain(REMEMBERING.forward, REMEMBERING.backward, ("B", "D")), "it reads what the layer remembers",
    ),
}  # fmt: skip
