"""Initializers as stax has them: made by a call, and functions of a key and a shape."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from math import prod, sqrt
from typing import Any, Protocol, TypeAlias, Union

import numpy as np

from funcnn import initializers as ours
from funcnn.keys import Initializer, Key
from funcnn.recorded_functions import is_recorded, recorded
from funcnn.types import Array

DType: TypeAlias = "np.dtype[Any] | type[Any]"


class _Free(Protocol):
    def __call__(self, key: Key, shape: Sequence[int], dtype: DType = ..., /) -> Array: ...


Init: TypeAlias = Union[Initializer, Callable[[Key, Sequence[int]], Array], _Free]
"""`(key, shape)` or `(key, shape, dtype)` to an array."""


@recorded
def glorot_normal(in_axis: int = -2, out_axis: int = -1) -> _Free:
    """Normal values of variance 2 / (fan_in + fan_out), where these axes count inputs and outputs.

    >>> glorot_normal()(Key(0), [3, 4]).shape
    (3, 4)
    """

    def init(key: Key, shape: Sequence[int], dtype: DType = np.float32, /) -> Array:
        receptive = prod(shape) / max(shape[in_axis] * shape[out_axis], 1)
        fans = receptive * (shape[in_axis] + shape[out_axis])
        return ours.normal(sqrt(2 / max(fans, 1)))(key, tuple(shape), np.dtype(dtype))

    return init


@recorded
def normal(stddev: float = 1e-2) -> _Free:
    """Normal values with this standard deviation.

    >>> normal()(Key(0), (5,)).dtype
    dtype('float32')
    """

    def init(key: Key, shape: Sequence[int], dtype: DType = np.float32, /) -> Array:
        return ours.normal(stddev)(key, tuple(shape), np.dtype(dtype))

    return init


def zeros(key: Key, shape: Sequence[int], dtype: DType = np.float32, /) -> Array:
    """Zeros; whatever the key."""
    return ours.zeros(key, tuple(shape), np.dtype(dtype))


def ones(key: Key, shape: Sequence[int], dtype: DType = np.float32, /) -> Array:
    """Ones; whatever the key."""
    return ours.ones(key, tuple(shape), np.dtype(dtype))


glorot, randn = glorot_normal, normal


@recorded
def of_key_and_shape(f: Callable[[Key, Sequence[int]], Array]) -> Initializer:
    """An initializer `(key, shape)` of stax as one `(key, shape, dtype)` of funcnn."""
    return lambda key, shape, dtype: np.asarray(f(key, shape)).astype(dtype)


def adapted(init: Init) -> Initializer:
    """What funcnn takes: its own where it has it, so that networks print as such; else one that knows the dtype.

    >>> adapted(normal()), adapted(glorot_normal()) is ours.glorot_normal
    (normal(0.01), True)
    """
    found: Any = init
    if is_recorded(found) and found.record.module == __name__:
        options: dict[str, Any] = found.record.bound().arguments
        if found.record.name == "normal":
            return ours.normal(options["stddev"])
        return ours.glorot_normal if options == {"in_axis": -2, "out_axis": -1} else found
    if init is zeros or init is ones:
        return ours.zeros if init is zeros else ours.ones
    return of_key_and_shape(found) if _takes_two(found) else found


def _takes_two(f: Callable[..., object]) -> bool:
    try:
        wanted = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # a function of C
        return False
    if any(p.kind is p.VAR_POSITIONAL for p in wanted):
        return False
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in wanted) == 2
