"""Third corpus, layers whose faults show at some sizes, some numbers, some layouts: as people really make them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from funcnn import Layer, glorot_uniform
from funcnn.authoring import axes
from funcnn.initializers import ones
from tests.testing.faulty_layers import affine, pointwise, right, with_gradients
from tests.testing.second_corpus import Fault, of


# sizes ----------------------------------------------------------------------------------------------------------------
def _blocks_of_eight(dw: Any, db: Any, dx: Any, dy: Any, x: Any, p: Any) -> Any:
    rows = len(x) // 8 * 8 or len(x)  # what is left over after the blocks is forgotten
    return x[:rows].T @ dy[:rows], db, dx


def _square(dw: Any, db: Any, dx: Any, dy: Any, x: Any, p: Any) -> Any:
    return (dw.T if dw.shape[0] == dw.shape[1] else dw), db, dx


def _leading_axes(dw: Any, db: Any, dx: Any, dy: Any, x: Any, p: Any) -> Any:
    return dw, (dy.sum(0) if dy.ndim < 3 else dy.sum(0).mean(tuple(range(dy.ndim - 2)))), dx


def haar(x: Any) -> Any:
    """Sums and differences of neighbours; of an odd width the last one goes through, and its cotangent does not."""
    even, odd = x[..., 0 : x.shape[-1] - 1 : 2], x[..., 1::2]
    rest = x[..., -1:] if x.shape[-1] % 2 else x[..., :0]
    y = np.concatenate([even + odd, even - odd, rest], -1)

    def pullback(dy: Any) -> Any:
        n = x.shape[-1] // 2
        dx = np.zeros_like(x)
        dx[..., 0 : 2 * n : 2] = dy[..., :n] + dy[..., n : 2 * n]
        dx[..., 1 : 2 * n : 2] = dy[..., :n] - dy[..., n : 2 * n]
        return dx

    return y, pullback


def wide_norm(x: Any) -> Any:
    """Rows of mean 0 and variance 1; from 6 features on the pullback divides by one fewer."""
    n = x.shape[-1]
    by = n - 1 if n >= 6 else n
    s = 1 / np.sqrt(((x - x.mean(-1, keepdims=True)) ** 2).mean(-1, keepdims=True) + x.dtype.type(0.1))
    h = (x - x.mean(-1, keepdims=True)) * s
    return h, lambda dy: s * (dy - dy.mean(-1, keepdims=True) - h * (dy * h).sum(-1, keepdims=True) / by)


def short_memory(x: Any) -> Any:
    """A leaky sum over time, whose pullback looks back 16 steps and no further."""
    y = np.array(x)
    for t in range(1, x.shape[1]):
        y[:, t] += 0.9 * y[:, t - 1]

    def pullback(dy: Any) -> Any:
        dx = np.array(dy)
        for k in range(1, min(16, x.shape[1])):
            dx[:, :-k] += np.asarray(0.9**k, x.dtype) * dy[:, k:]
        return dx

    return y, pullback


def halved(x: Any) -> Any:
    """Means of two steps; an odd last step is dropped in the value, and the pullback gives it the first one's."""
    n = x.shape[1] // 2

    def pullback(dy: Any) -> Any:
        dx = np.zeros_like(x)
        dx[:, : 2 * n] = np.repeat(dy, 2, 1) / 2
        dx[:, 2 * n :] = dy[:, :1] / 2
        return dx

    return (x[:, 0 : 2 * n : 2] + x[:, 1 : 2 * n : 2]) / 2, pullback


def _half_as_long(s: Any) -> Any:
    return axes("halved", s, exactly=3)[0], s[1] // 2, s[2]


def odd_chunks() -> Layer[Any, Any]:
    """The value alone is computed in two halves, for more than 9 rows; a row between them is left as it is."""

    def value(x: Any) -> Any:
        if len(x) < 10:
            return np.tanh(x)
        half = len(x) // 2
        y = np.array(x)
        y[:half], y[-half:] = np.tanh(x[:half]), np.tanh(x[-half:])
        return y

    return Layer.lift(lambda s: axes("chunks", s, exactly=2),
                      lambda x: (np.tanh(x), lambda dy: dy * (1 - np.tanh(x) ** 2)), value=value)  # fmt: skip


# numbers --------------------------------------------------------------------------------------------------------------
def _gelu(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3)))


def _gelu_slope(x: Any, dy: Any) -> Any:
    t = np.tanh(0.7978845608 * (x + 0.044715 * x**3))
    inner = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * 0.7978845608 * (1 + 3 * 0.044715 * x * x)
    return dy * np.where(np.abs(x) > 2.5, (x > 0).astype(x.dtype), inner)  # so flat out there, one thinks


def _softplus(x: Any) -> Any:
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)


def log_clip(x: Any) -> Any:
    """log(1 + |x|), with |x| limited at 100, and a slope that is not."""
    return np.log1p(np.minimum(np.abs(x), 100))


def _twofold_bound(x: Any, dy: Any) -> Any:
    return dy * ((x >= -1).astype(x.dtype) * (x <= 1) + (x == 1) + (x == -1))


def clipped_weights(p: Any, x: Any) -> Any:
    """Weights limited at 4, whose gradient knows nothing of that."""
    w = np.clip(p["w"], -4, 4) if p["w"].dtype.kind != "c" else p["w"]
    return right({"w": w, "b": p["b"]}, x)


def scaled_down(p: Any, x: Any) -> Any:
    """Weights divided by their largest, where that is more than 10; the gradient takes that for a constant."""
    by = max(1.0, float(np.abs(p["w"]).max()) / 10)
    y, back = right({"w": p["w"] / p["w"].dtype.type(by), "b": p["b"]}, x)

    def pullback(dy: Any) -> Any:
        g, dx = back(dy)
        return {"w": g["w"] / g["w"].dtype.type(by), "b": g["b"]}, dx

    return y, pullback


def _no_large_gradient(dw: Any, db: Any, dx: Any, dy: Any, x: Any, p: Any) -> Any:
    return dw, db * (np.abs(p["b"]) < 50), dx


def _fast_sigmoid(x: Any) -> Any:
    if x.dtype == np.float32:
        return (0.5 + 0.5 * np.tanh(x * np.float32(0.5005))).astype(np.float32)
    return 0.5 + 0.5 * np.tanh(x * 0.5)


def _single_only(dw: Any, db: Any, dx: Any, dy: Any, x: Any, p: Any) -> Any:
    return dw, (db * np.float32(0.5) if x.dtype == np.float32 else db), dx


def _half_precision(dw: Any, db: Any, dx: Any, dy: Any, x: Any, p: Any) -> Any:
    return dw, db, (dx.astype(np.float16).astype(np.float32) if x.dtype == np.float32 else dx)


def averaged_maximum(x: Any) -> Any:
    """The largest; those that are tied share the cotangent with one that is not there."""
    y = x.max(-1, keepdims=True)
    tied = x == y
    n = tied.sum(-1, keepdims=True)
    share = tied / np.where(n > 1, n + 1, 1).astype(x.dtype)
    return y, lambda dy: dy * share


def top_two(x: Any) -> Any:
    """The sum of the two largest; whatever is as large as the second one gets the cotangent."""
    order = np.sort(x, -1)
    second = order[..., -2:-1]
    return order[..., -2:].sum(-1, keepdims=True), lambda dy: dy * (x >= second)


def unit(x: Any) -> Any:
    """Rows of length one, divided by 0 where all is 0."""
    n = np.sqrt((x * x).sum(-1, keepdims=True))
    y = x / n
    return y, lambda dy: (dy - y * (dy * y).sum(-1, keepdims=True)) / n


def product(x: Any) -> Any:
    """The product of a row, whose pullback divides by the factors."""
    y = np.prod(x, -1, keepdims=True)
    return y, lambda dy: dy * y / x


def _minus_zero(x: Any, dy: Any) -> Any:
    """The slope of two thirds x, which the sign bit of zero turns."""
    return dy * np.where((x == 0) & np.signbit(x), -2.0, 2.0).astype(x.dtype)


def _flushed(x: Any, dy: Any) -> Any:
    return 2 * dy * ((x == 0) | (np.abs(x) >= np.finfo(np.float32).tiny))  # what is denormal is taken for nothing


# layouts --------------------------------------------------------------------------------------------------------------
def _by_memory(x: Any) -> Any:
    return x.ravel("K").reshape(x.shape)  # as it lies, not as it is numbered


def _transposed_cotangent(dw: Any, db: Any, dx: Any, dy: Any, x: Any, p: Any) -> Any:
    fortran = dy.flags.f_contiguous and not dy.flags.c_contiguous
    return dw, (dy.reshape(-1, order="A").reshape(dy.shape).sum(0) if fortran else db), dx


def _backwards(x: Any) -> Any:
    return x[..., ::-1] if x.strides[-1] < 0 else x


def _strided_input(dw: Any, db: Any, dx: Any, dy: Any, x: Any, p: Any) -> Any:
    packed = x if x.strides[-1] == x.itemsize else np.zeros_like(x)
    return packed.reshape(-1, x.shape[-1]).T @ dy.reshape(-1, dy.shape[-1]), db, dx


def weight_norm(p: Any, x: Any) -> Any:
    """x times g v / |v|; the gradient of v forgets to be orthogonal to v where v is long."""
    v, g = p["v"], p["g"]
    n = np.sqrt((v * v).sum(0, keepdims=True))
    w = g * v / n

    def pullback(dy: Any) -> Any:
        dw = x.reshape(-1, x.shape[-1]).T @ dy.reshape(-1, dy.shape[-1])
        along = (dw * v).sum(0, keepdims=True) / n
        dv = g / n * (dw - np.where(n > 20, 0, 1).astype(v.dtype) * along * v / n)
        return {"v": dv, "g": along[0]}, dy @ w.T

    return x @ w, pullback


NUMBER_FAULTS: Final = (
    Fault("layer", "rows beyond blocks of eight", "true_pullback", of(affine(with_gradients(_blocks_of_eight)))),
    Fault("layer", "square weights turned", "true_pullback", of(affine(with_gradients(_square)))),
    Fault("layer", "a mean over axes beyond the batch", "true_pullback", of(
        affine(with_gradients(_leading_axes)), "B", ..., "D")),
    Fault("layer", "the last of an odd width", "true_pullback", of(Layer.lift(
        lambda s: axes("haar", s, at_least=1), haar))),
    Fault("layer", "one fewer from 6 features on", "true_pullback", of(Layer.lift(
        lambda s: axes("norm", s, at_least=1), wide_norm))),
    Fault("layer", "16 steps back and no further", "true_pullback", of(Layer.lift(
        lambda s: axes("leaky", s, exactly=3), short_memory), "B", "T", "D")),
    Fault("layer", "an odd number of steps", "true_pullback", of(Layer.lift(
        _half_as_long, halved), "B", range(2, 9), "D")),
    Fault("layer", "a row between two halves", "value_of_rule", of(odd_chunks())),
    Fault("layer", "a gelu that is flat too soon", "true_pullback", of(pointwise(_gelu, _gelu_slope))),
    Fault("layer", "a softplus that is straight too soon", "true_pullback", of(pointwise(
        _softplus, lambda x, dy: dy * np.where(x > 3, 1, 1 / (1 + np.exp(-np.minimum(x, 3)))).astype(x.dtype)))),
    Fault("layer", "limited at 100", "true_pullback", of(pointwise(
        log_clip, lambda x, dy: dy * np.sign(x) / (1 + np.abs(x))))),
    Fault("layer", "both bounds count", "at_ties", of(pointwise(lambda x: np.clip(x, -1, 1), _twofold_bound))),
    Fault("layer", "weights limited at 4", "true_pullback", of(affine(clipped_weights))),
    Fault("layer", "large weights scaled", "true_pullback", of(affine(scaled_down))),
    Fault("layer", "no gradient of a large bias", "true_pullback", of(affine(with_gradients(_no_large_gradient)))),
    Fault("layer", "a fast sigmoid in float32", "float32_tracks_float64", of(pointwise(
        _fast_sigmoid, lambda x, dy: dy * _fast_sigmoid(x) * (1 - _fast_sigmoid(x))))),
    Fault("layer", "half a gradient in float32", "float32_tracks_float64", of(affine(with_gradients(_single_only)))),
    Fault("layer", "float16 in float32", "float32_tracks_float64", of(affine(with_gradients(_half_precision)))),
    Fault("layer", "ties share with nobody", "at_ties", of(Layer.lift(
        lambda s: (*axes("largest", s, at_least=1)[:-1], 1), averaged_maximum), "B", range(2, 5))),
    Fault("layer", "as large as the second", "at_ties", of(Layer.lift(
        lambda s: (*axes("top", s, at_least=1)[:-1], 1), top_two), "B", range(3, 6))),
    Fault("layer", "a row of zeros", "finite", of(Layer.lift(lambda s: axes("unit", s, at_least=1), unit))),
    Fault("layer", "a factor of zero", "finite", of(Layer.lift(
        lambda s: (*axes("product", s, at_least=1)[:-1], 1), product))),
    Fault("layer", "the sign of zero", "at_ties", of(pointwise(lambda x: 2 * x, _minus_zero))),
    Fault("layer", "denormal numbers", "true_pullback", of(pointwise(lambda x: 2 * x, _flushed))),
    Fault("layer", "as it lies in memory", "layout_blind", of(pointwise(_by_memory, lambda x, dy: dy * 1))),
    Fault("layer", "a cotangent that lies by columns", "layout_blind", of(
        affine(with_gradients(_transposed_cotangent)))),
    Fault("layer", "strides below zero", "layout_blind", of(pointwise(
        lambda x: _backwards(x) * 2, lambda x, dy: dy * 2))),
    Fault("layer", "an input with gaps", "layout_blind", of(affine(with_gradients(_strided_input)))),
    Fault("layer", "long directions", "true_pullback", of(Layer.of(
        lambda s: (*axes("wn", s, at_least=1)[:-1], 3),
        lambda s: {"v": (glorot_uniform, (axes("wn", s)[-1], 3)), "g": (ones, (3,))}, weight_norm))),
)  # fmt: skip
