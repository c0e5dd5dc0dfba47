"""Third corpus of right layers: sharp, flat, tiny, of integers, of tuples, of matrices, of waves."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from funcnn import Layer, straight_through
from funcnn.authoring import axes
from funcnn.initializers import normal
from funcnn.testing import positive_definite
from tests.testing.second_acquittals import Right, by, of, with_params

NO_SHAPES: Final = {"refuses_wrong_shapes": "shapes are not looked at"}


def log_determinant(x: Any) -> Any:
    """Of the symmetric part, by Cholesky's factors."""
    a = (x + x.swapaxes(-1, -2)) / 2
    y = 2 * np.log(np.diagonal(np.linalg.cholesky(a), axis1=-2, axis2=-1)).sum(-1)
    return y, lambda dy: dy[:, None, None] * np.linalg.inv(a)


def eigenvalues(x: Any) -> Any:
    """Of the symmetric part, in order."""
    values, vectors = np.linalg.eigh((x + x.swapaxes(-1, -2)) / 2)
    return values, lambda dy: (vectors * dy[:, None, :]) @ vectors.swapaxes(-1, -2)


def singular_values(x: Any) -> Any:
    """The sum of them all."""
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    return s.sum(-1), lambda dy: dy[:, None, None] * (u @ vt)


def product(x: Any) -> Any:
    """Of a row, by products of what is left and right of an entry."""
    ones_ = np.ones_like(x[..., :1])
    left = np.cumprod(np.concatenate([ones_, x[..., :-1]], -1), -1, dtype=x.dtype)
    turned = np.concatenate([ones_, x[..., :0:-1]], -1)
    others = left * np.cumprod(turned, -1, dtype=x.dtype)[..., ::-1]
    return np.prod(x, -1, keepdims=True), lambda dy: dy * others


def power(x: Any) -> Any:
    """Squares of Fourier coefficients."""
    n = x.shape[-1]
    angle = 2 * np.pi * np.outer(np.arange(n), np.arange(n // 2 + 1)) / max(n, 1)
    c, s = np.cos(angle).astype(x.real.dtype), np.sin(angle).astype(x.real.dtype)
    a, b = x @ c, x @ s
    return a * a + b * b, lambda dy: 2 * ((dy * a) @ c.T + (dy * b) @ s.T)


def by_fft(x: Any) -> Any:
    """A circular convolution with a fixed kernel, by FFT; in float32 as in float64."""
    n = x.shape[-1]
    k = np.fft.rfft(0.5 ** np.arange(n))

    def through(a: Any, kernel: Any) -> Any:
        return np.fft.irfft(np.fft.rfft(a.astype(np.float64)) * kernel, n).astype(a.dtype)

    return through(x, k), lambda dy: through(dy, np.conj(k))


def interpolated(p: Any, x: Any) -> Any:
    """Between five knots, and straight on."""
    w = p["w"]
    at = np.clip(np.floor(np.real(x)).astype(int), -2, 1)
    t = x - at.astype(x.real.dtype)

    def pullback(dy: Any) -> Any:
        dw = np.zeros_like(w)
        np.add.at(dw, at + 2, dy * (1 - t))
        np.add.at(dw, at + 3, dy * t)
        return {"w": dw}, dy * (w[at + 3] - w[at + 2])

    return w[at + 2] * (1 - t) + w[at + 3] * t, pullback


def permuted(x: Any) -> Any:
    """Features in another order, and back."""
    order = np.random.default_rng(3).permutation(x.shape[-1])
    return x[..., order] * 1, lambda dy: dy[..., np.argsort(order)] * 1


def ranks(x: Any) -> Any:
    """How many are smaller, which is flat."""
    return (x[..., :, None] > x[..., None, :]).sum(-1).astype(x.dtype), lambda dy: np.zeros_like(x)


def integer_part(x: Any) -> Any:
    """Integers out."""
    return np.floor(x).astype(np.int64), lambda dy: np.zeros_like(x)


def quantised(x: Any) -> Any:
    """Quarters, flat nearly everywhere."""
    return np.round(x * 4) / 4, lambda dy: np.zeros_like(x)


def steep(x: Any) -> Any:
    """A sigmoid of 200 x."""
    t = np.tanh(100 * x)
    return 0.5 + 0.5 * t, lambda dy: dy * 50 * (1 - t * t)


def narrow(x: Any) -> Any:
    """A bump of width 1/50."""
    e = np.exp(-((50 * x) ** 2) / 2)
    return e, lambda dy: -dy * 2500 * x * e


def split(x: Any) -> Any:
    """Sum and product, a tuple."""
    a, b = x
    return (a + b, a * b), lambda d: (d[0] + d[1] * b, d[0] + d[1] * a)


def _half_of(s: Any) -> Any:
    return *axes("power", s, at_least=1)[:-1], s[-1] // 2 + 1


def _as_first(s: Any) -> Any:
    return s[0]


def _split_shape(s: Any) -> Any:
    return s[0], s[0]


def complex_product(x: Any) -> Any:
    """Pairs of features as complex numbers, squared."""
    a, b = x[..., 0::2], x[..., 1::2]
    y = np.concatenate([a * a - b * b, 2 * a * b], -1)

    def pullback(dy: Any) -> Any:
        u, v = np.split(dy, 2, -1)
        dx = np.zeros_like(x)
        dx[..., 0::2], dx[..., 1::2] = 2 * (a * u + b * v), 2 * (a * v - b * u)
        return dx

    return y, pullback


def masked(x: Any) -> Any:
    """Nothing where the mask is false."""
    a, mask = x
    w = mask[..., None].astype(a.real.dtype)
    return a * w, lambda dy: (dy * w, np.zeros(mask.shape, a.dtype))


def tiny(x: Any) -> Any:
    """Of numbers of 1e-12."""
    return x * x.dtype.type(1e-12), lambda dy: dy * dy.dtype.type(1e-12)


def safe_norm(x: Any) -> Any:
    """The length of a row, whose derivative at 0 is 0."""
    n = np.sqrt((x * x).sum(-1, keepdims=True))
    return n, lambda dy: dy * x / np.where(n == 0, 1, n)


def softmin(x: Any) -> Any:
    """Weights of exp(-x), and their mean of x."""
    e = np.exp(x.real.min(-1, keepdims=True) - x)
    a = e / e.sum(-1, keepdims=True)
    y = (a * x).sum(-1, keepdims=True)
    return y, lambda dy: dy * a * (1 - x + y)


def rescaled(p: Any, x: Any) -> Any:
    """Weights of length one, whatever they are."""
    v = p["v"]
    n = np.sqrt((v * v).sum(0, keepdims=True))
    w = v / n

    def pullback(dy: Any) -> Any:
        dw = x.reshape(-1, x.shape[-1]).T @ dy.reshape(-1, dy.shape[-1])
        return {"v": (dw - w * (dw * w).sum(0, keepdims=True)) / n}, dy @ w.T

    return x @ w, pullback


def exponent(p: Any, x: Any) -> Any:
    """exp(s) x, with a param that may be large."""
    e = np.exp(p["s"])
    return x * e, lambda dy: ({"s": (dy * x * e).reshape(-1, x.shape[-1]).sum(0)}, dy * e)


ODD: Final = (
    Right("a log-determinant by Cholesky", of(Layer.lift(
        lambda s: axes("logdet", s, exactly=3)[:1], log_determinant), "B", 3, 3, domain=positive_definite,
        may_fail={"refuses_wrong_shapes": "LAPACK refuses what is not square"})),
    Right("eigenvalues", of(Layer.lift(lambda s: axes("eig", s, exactly=3)[:2], eigenvalues), "B", 3, 3,
          may_fail={"refuses_wrong_shapes": "LAPACK refuses what is not square"})),
    Right("a nuclear norm", of(Layer.lift(lambda s: axes("svd", s, exactly=3)[:1], singular_values), "B", 3, 2)),
    Right("a product of all others", of(Layer.lift(
        lambda s: (*axes("product", s, at_least=1)[:-1], 1), product), "B", range(1, 5))),
    Right("a power spectrum", of(Layer.lift(
        _half_of, power), analytic=True)),
    Right("a convolution by FFT", by(by_fft, linear=True)),
    Right("a piecewise linear table", with_params(lambda n: {"w": (normal(1.0), (5,))}, interpolated)),
    Right("a fixed permutation", by(permuted, linear=True)),
    Right("ranks", by(ranks)),
    Right("integers", by(integer_part)),
    Right("quarters", by(quantised)),
    Right("quarters, straight through and said so", of(straight_through(Layer.lift(
        lambda s: axes("quarters", s, at_least=1), quantised)),
        except_={"true_pullback": "it is straight through", "full_jacobian": "it is straight through"},
        may_fail={"at_ties": "it is straight through"})),
    Right("a steep sigmoid", by(steep, kinks=False)),
    Right("a narrow bump", by(narrow, kinks=False)),
    Right("a sum and a product", of(Layer.lift(_split_shape, split), ("B", "D"), ("B", "D"), may_fail=NO_SHAPES)),
    Right("complex squares", by(complex_product, "B", range(2, 8, 2), may_fail=NO_SHAPES, analytic=True)),
    Right("zeros where a mask is false", of(Layer.lift(
        _as_first, masked, takes=lambda out: {0: "features", 1: "mask"}), ("B", "T", "D"), ("B", "T"),
        may_fail=NO_SHAPES)),
    Right("tiny values", by(tiny, linear=True)),
    Right("a length", of(Layer.lift(lambda s: (*axes("norm", s, at_least=1)[:-1], 1), safe_norm))),
    Right("a soft minimum", of(Layer.lift(lambda s: (*axes("softmin", s, at_least=1)[:-1], 1), softmin), kinks=False)),
    Right("weights of length one", of(Layer.of(
        lambda s: (*axes("unit", s, at_least=1)[:-1], 3), lambda s: {"v": (normal(1.0), (axes("unit", s)[-1], 3))},
        rescaled))),
    Right("a scale by its logarithm", with_params(lambda n: {"s": (normal(1.0), (n,))}, exponent)),
)  # fmt: skip
