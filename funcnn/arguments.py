"""What constructors and functions refuse, by name."""

from __future__ import annotations

import operator
from numbers import Integral, Real
from typing import TypeGuard

import numpy as np

from funcnn.errors import brief
from funcnn.shapes import known
from funcnn.types import is_tuple


def is_integer(value: object) -> TypeGuard[int]:
    """Is it an integer, of Python or NumPy? An array is none, nor is a bool."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[float]:
    """Is it a real number, of Python or NumPy? An array is none, nor is a bool."""
    return isinstance(value, Real) and not isinstance(value, bool)


def positive(layer: str, **sizes: int) -> None:
    """Refuse sizes below one, by name.

    >>> positive("Dense", units=0)
    Traceback (most recent call last):
        ...
    ValueError: Dense: units must be an integer of at least 1, got 0
    """
    for name, size in sizes.items():
        if known(size) and not (is_integer(size) and size >= 1):
            raise ValueError(f"{layer}: {name} must be an integer of at least 1, got {size!r}")


def integers(layer: str, **sizes: tuple[int, ...]) -> tuple[int, ...]:
    """A tuple of integers, by name.

    >>> integers("Reshape", sizes=12)
    Traceback (most recent call last):
        ...
    ValueError: Reshape: sizes must be a tuple of integers, got 12; write (12,)
    """
    ((name, values),) = sizes.items()
    if not is_tuple(values) or not all(not known(n) or is_integer(n) for n in values):
        hint = f"; write ({values},)" if is_integer(values) else ""
        raise ValueError(f"{layer}: {name} must be a tuple of integers, got {values!r}{hint}")
    return tuple(n if not known(n) else operator.index(n) for n in values)


def counted(function: str, **value: int) -> int:
    """One size of at least one as Python's own number: a small NumPy integer would overflow where it is multiplied.

    >>> counted("predict", batch_size=np.int16(1000))
    1000
    """
    positive(function, **value)
    (size,) = value.values()
    return operator.index(size)


def probability(layer: str, **values: float) -> None:
    """Refuse values outside [0, 1), by name.

    >>> probability("Dropout", drop=1.0)
    Traceback (most recent call last):
        ...
    ValueError: Dropout: drop must be in [0, 1), got 1.0
    """
    for name, value in values.items():
        if not (is_number(value) and 0 <= value < 1):
            raise ValueError(f"{layer}: {name} must be in [0, 1), got {value!r}")


def switch(function: str, **values: bool) -> None:
    """Refuse what is neither True nor False, by name: a word such as "batch" would count as True.

    >>> switch("fit", shuffle="batch")
    Traceback (most recent call last):
        ...
    ValueError: fit: shuffle must be True or False, got 'batch'
    """
    for name, value in values.items():
        if not isinstance(value, (bool, np.bool_)):
            raise ValueError(f"{function}: {name} must be True or False, got {brief(value)}")


def finite(function: str, **values: float) -> None:
    """Refuse what is not a finite number, by name."""
    for name, value in values.items():
        if not (is_number(value) and -float("inf") < value < float("inf")):
            raise ValueError(f"{function}: {name} must be a finite number, got {value!r}")


def finite_positive(function: str, **values: float) -> None:
    """Refuse what is not a positive finite number, by name."""
    for name, value in values.items():
        if not (is_number(value) and 0 < value < float("inf")):
            raise ValueError(f"{function}: {name} must be a positive finite number, got {value!r}")
