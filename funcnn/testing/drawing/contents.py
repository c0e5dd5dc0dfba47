"""What arrays hold: numbers of several kinds, out of a seed. Drawing a seed costs the same for an array of any size."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, Final, TypeAlias, TypeGuard, Union, cast

import numpy as np
import numpy.typing as npt

from funcnn.inputs import part
from funcnn.types import Array, Mask, Tokens

Domain: TypeAlias = Union[
    "tuple[float, float]", "Callable[[np.random.Generator, tuple[int, ...]], Any]", "tuple[Domain, ...]", None
]
"""What features are: between two numbers, or what a function of `(rng, shape)` draws; a tuple for a tuple of inputs."""

_SHAPED: Final = ("separated", "mixed", "sparse", "wide", "offset", "ties", "zeros", "faint", "negative", "edges")

KINDS: Final = ("normal", "separated", "small", "large", "mixed")
"""The kinds most laws are tried with; `contents` knows more of them."""


def contents(rng: np.random.Generator, shape: tuple[int, ...], kind: str = "normal") -> npt.NDArray[np.float64]:
    """Numbers of a kind.

    normal      a standard normal distribution
    separated   no two of them close, none near zero: for what has kinks where numbers meet (max, sort, abs)
    small       about 1/100
    large       about 8
    mixed       a third of them exactly 0, 1, -1 or 1/2: ties and kinks
    sparse      nine of ten exactly 0
    subnormal   smaller than the smallest normal float32
    huge, tiny  about 1000, about 1e-6
    wide        of every size from 1/1000 to 1000, each as often; where there is room, both ends are among them, one
                just below 1000 and one just below 1/1000
    offset      a standard normal distribution around 3000
    ties        whole numbers from -1 to 1: entries meet, and many are exactly 0, of either sign
    zeros       rows of nothing but 0, of either sign, beside others of a standard normal distribution
    heavy       a standard normal distribution; a case of this kind has params of 10 to 300 times their size
    start       a standard normal distribution; a case of this kind has the params that `init` gives
    faint       a third of them smaller than the smallest normal float32, beside rows of a standard normal distribution,
                a quarter of which are made smaller as a whole, by 1e-2 to 1e-8
    negative    all below -4
    edges       as wide; in a domain of two ends they lie near these

    Errors
        ValueError   there is no such kind

    >>> contents(np.random.default_rng(0), (2, 2), "separated")
    array([[-2.25, -0.75],
           [-1.5 , -3.  ]])
    """
    if kind == "separated":
        n = prod(shape)
        grid = (rng.permutation(n) + 1.0) / max(n, 1) * 3
        return np.reshape(grid * rng.choice(np.array([-1.0, 1.0]), size=n), shape)
    x = rng.standard_normal(shape)
    if kind == "mixed":
        return np.where(rng.random(shape) < 0.3, rng.choice(np.array([0.0, 1.0, -1.0, 0.5]), size=shape), x)
    if kind == "sparse":
        return np.where(rng.random(shape) < 0.9, 0.0, x)
    if kind in ("wide", "edges"):
        return _wide(rng, shape) * np.sign(x)
    if kind == "negative":
        return -4 - np.abs(x)
    if kind == "offset":
        return x + 3000.0
    if kind == "ties":
        return _signed_zeros(rng, rng.integers(-1, 2, shape).astype(np.float64))
    if kind == "zeros":
        return _signed_zeros(rng, x * (rng.random((*shape[:-1], 1)[: len(shape)]) < 0.5))
    if kind == "faint":
        rows = (*shape[:-1], 1)[: len(shape)]
        whole = np.where(rng.random(rows) < 1 / 4, 10.0 ** -rng.uniform(2, 8, rows), 1)
        return np.where(rng.random(shape) < 1 / 3, 1e-40 * x, whole * x)
    scales = {"normal": 1.0, "small": 1e-2, "large": 8.0, "subnormal": 1e-40, "huge": 1e3, "tiny": 1e-6,
              "heavy": 1.0, "start": 1.0}  # fmt: skip
    if kind not in scales:
        raise ValueError(f"there is no kind {kind!r}; there are {', '.join([*_SHAPED, *scales])}")
    scaled: npt.NDArray[np.float64] = x * scales[kind]
    return scaled


def _wide(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Numbers from 1/1000 to 1000, some of them, or the only one, near an end: below it."""
    powers = rng.uniform(-3, 3, shape).reshape(-1)
    ends = rng.permutation([rng.uniform(2.95, 3), rng.uniform(-3.3, -3)])
    powers[rng.permutation(powers.size)[:2]] = ends[: powers.size]
    sizes: npt.NDArray[np.float64] = 10.0 ** powers.reshape(shape)
    return sizes


def _signed_zeros(rng: np.random.Generator, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The same numbers; of those that are 0 half are -0."""
    signed: npt.NDArray[np.float64] = np.where(x == 0, np.copysign(0.0, coins(rng, x.shape)), x)
    return signed


def signs(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Random signs times numbers between 1/2 and 3/2: directions and cotangents.

    No component is so small that it hides an error, and they are far from the vector of ones, which many layers map to
    zero.
    """
    return coins(rng, shape) * rng.uniform(0.5, 1.5, size=shape)


def coins(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """1 or -1, one as often as the other: the numbers of `rng.choice([-1, 1], shape)`, in half the time."""
    return 2 * rng.integers(0, 2, size=shape) - 1


def within(x: Array, domain: tuple[float, float], kind: str = "normal") -> Array:
    """The same numbers folded into an open interval, for what is not for all numbers; "edges" lie at its ends."""
    low, high = domain
    if kind == "edges":
        inside = (high - low) * 10.0 ** (-6 * np.minimum(1.0, 2 * np.mod(np.abs(x.astype(np.float64)), 1.0)))
        edges: Array = np.where(x > 0, low + inside, high - inside).astype(x.dtype)
        return edges
    phase = np.mod(x.astype(np.float64) * 0.2316, 1.0)
    folded: Array = (low + (high - low) * (0.02 + 0.96 * phase)).astype(x.dtype)
    return folded


def several(domain: Domain) -> TypeGuard[tuple[Domain, ...]]:
    """Is this a domain for every input, and not the two ends of one?"""
    return isinstance(domain, tuple) and not isinstance(domain[0], (int, float))


def has_ends(domain: Domain) -> bool:
    """Does all of it, or some of it, lie between two numbers?"""
    if several(domain):
        return any(map(has_ends, domain))
    return isinstance(domain, tuple)


def positive_definite(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Symmetric matrices with eigenvalues from 1/2 to 4, for `domain=`: `laws(LogDet, ("B", 3, 3), domain=...)`.

    >>> bool((np.linalg.eigvalsh(positive_definite(np.random.default_rng(0), (5, 3, 3))) > 0.4).all())
    True
    """
    q, _ = np.linalg.qr(rng.standard_normal(shape))
    made: npt.NDArray[np.float64] = (q * rng.uniform(0.5, 4.0, (*shape[:-1], 1)).swapaxes(-1, -2)) @ q.swapaxes(-1, -2)
    return (made + made.swapaxes(-1, -2)) / 2


def _drawn_by(domain: Callable[..., Any], rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """What a function of a domain draws.

    Errors
        ValueError   it has another shape than was asked for, or numbers that are not finite
    """
    drawn = np.asarray(domain(rng, shape))
    if drawn.shape != shape or drawn.dtype.kind not in "fiub" or not np.isfinite(drawn).all():
        what = f"{drawn.dtype} of shape {drawn.shape}" if drawn.shape != shape else "what is not finite"
        raise ValueError(f"the domain is to draw finite numbers of shape {shape}, it draws {what}")
    return drawn


def token_range(tokens: int | range) -> range:
    """The integers that token inputs may hold."""
    return range(tokens) if isinstance(tokens, int) else tokens


def token_contents(rng: np.random.Generator, shape: tuple[int, ...], tokens: int | range) -> Tokens:
    """Integers of a range; where there is room, its first and its last are among them."""
    allowed = token_range(tokens)
    drawn: Tokens = rng.integers(allowed.start, allowed.stop, size=shape, dtype=np.int64)
    flat = drawn.reshape(-1)
    if flat.size > 1:
        flat[rng.permutation(flat.size)[:2]] = allowed.start, allowed.stop - 1
    return drawn


def mask_contents(rng: np.random.Generator, shape: tuple[int, ...]) -> Mask:
    """True in two of three places, and in the first of every row, so that no row counts nothing."""
    mask: Mask = rng.random(shape) < 2 / 3
    if mask.ndim:
        mask[..., :1] = True
    return mask


def inputs(
    rng: np.random.Generator,
    shape: Any,
    what: Any,
    *,
    kind: str | tuple[str, ...],
    dtype: npt.DTypeLike,
    tokens: int | range,
    domain: Domain,
) -> Any:
    """An array, or a tuple of arrays, of a (nested) shape. `what` says what each is for, as layers do with `takes=`.
    A tuple of kinds is for a tuple of arrays.
    """
    if any(isinstance(d, tuple) for d in shape):
        each = domain if several(domain) else (domain,) * len(shape)
        kinds = kind if isinstance(kind, tuple) else (kind,) * len(shape)
        return tuple(
            inputs(rng, s, part(what, i), kind=k, dtype=dtype, tokens=tokens, domain=d)
            for i, (s, d, k) in enumerate(zip(shape, each, kinds, strict=True))
        )
    assert isinstance(kind, str)
    if what == "tokens":
        return token_contents(rng, shape, tokens)
    if what == "mask":
        return mask_contents(rng, shape)
    if callable(domain):
        return _drawn_by(domain, rng, shape).astype(dtype)
    x = contents(rng, shape, kind).astype(dtype)
    return x if domain is None else within(x, cast("tuple[float, float]", domain), kind)
