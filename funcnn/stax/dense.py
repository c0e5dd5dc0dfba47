"""Dense layers, dropout and functions of each number, with stax's arguments."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from funcnn.arguments import is_number
from funcnn.layers import dense, dropout, pointwise
from funcnn.layers.reshaping import Identity
from funcnn.networks import Layer
from funcnn.stax.initializers import Init, adapted, glorot_normal, normal
from funcnn.types import Array

_GLOROT, _SMALL = glorot_normal(), normal()


def Dense(out_dim: int, W_init: Init = _GLOROT, b_init: Init = _SMALL) -> Layer[Array, Array]:
    """`funcnn.Dense` with initializers by position, and a bias that is drawn.

    >>> Dense(out_dim=8)
    Dense(8, W_init=glorot_normal, b_init=normal(0.01))
    """
    return dense.Dense(out_dim, W_init=adapted(W_init), b_init=adapted(b_init))


def Dropout(rate: float, mode: Literal["train", "test"] = "train") -> Layer[Array, Array]:
    """Every number stays with probability `rate`, and is then divided by it; `funcnn.Dropout(1 - rate)`.

    In mode "test", and where `apply` gets no key, nothing is done: stax raises an error without a key.

    Errors
        ValueError   `rate` is not in (0, 1], or there is no such mode

    >>> Dropout(0.75)
    Dropout(0.25)
    """
    if not (is_number(rate) and 0 < rate <= 1):
        raise ValueError(f"stax.Dropout: rate is the probability of keeping, in (0, 1], got {rate!r}")
    if mode not in ("train", "test"):
        raise ValueError(f"stax.Dropout: mode must be 'train' or 'test', got {mode!r}")
    return dropout.Dropout(1 - rate) if mode == "train" else Identity


def elementwise(
    fun: Callable[..., Array], df: Callable[..., Array] | None = None, **fun_kwargs: Any
) -> Layer[Array, Array]:
    """`y = fun(x, **fun_kwargs)` of each number alone, with its derivative `df(x, y, **fun_kwargs)`.

    Errors
        TypeError   there is no derivative: NumPy does not derive functions

    >>> elementwise(np.sin, np.cos).apply({}, np.zeros(2))
    array([0., 0.])
    """
    if df is None:
        raise TypeError(
            "elementwise takes the derivative too, for NumPy does not derive functions: write elementwise(f, df) with "
            "dy/dx = df(x, y); elementwise(np.sin, np.cos)"
        )
    if not fun_kwargs:
        return pointwise.elementwise(fun, df)
    return pointwise.elementwise(partial(fun, **fun_kwargs), partial(df, **fun_kwargs))
