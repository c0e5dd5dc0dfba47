"""The names types are written with, exported for people who type their own layers, and guards that narrow to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, TypeVar, Union

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.floating[Any]]
"""Features, params, cotangents: floating-point numbers."""

Tokens: TypeAlias = npt.NDArray[np.integer[Any]]
"""Indices into a vocabulary, or class labels."""

Mask: TypeAlias = npt.NDArray[np.bool_]
"""True where something counts."""

Numbers: TypeAlias = Union[Array, Tokens, Mask]
"""Numbers of any kind, as the targets of a regression may be."""

Nested: TypeAlias = Union[npt.NDArray[Any], tuple["Nested", ...]]
"""What goes through a network: an array, or a tuple of what goes through a network."""

Shape: TypeAlias = tuple[Union[int, "Shape"], ...]
"""The shape of an array, or the tuple of shapes of a tuple of arrays. -1 is a dimension not known yet."""

Tree: TypeAlias = Mapping[str, Union[Array, "Tree"]]
"""A nested mapping with arrays as leaves: what `Params` is, and what rules read params from and return gradients in."""

Where: TypeAlias = Union[str, Callable[[str, Array], bool], None]
"""Which leaves: a pattern of paths, `"**/w"`; a predicate `(path, array) -> bool`; None for matrices, `ndim >= 2`."""


# What functions that have an overload for every number of arguments are typed with.
T0 = TypeVar("T0")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")
T6 = TypeVar("T6")
T7 = TypeVar("T7")
T8 = TypeVar("T8")
T9 = TypeVar("T9")
T10 = TypeVar("T10")
T11 = TypeVar("T11")
T12 = TypeVar("T12")
T13 = TypeVar("T13")

if TYPE_CHECKING:
    from typing_extensions import TypeVar as DefaultTypeVar

    One = DefaultTypeVar("One", default=Array)
    Two = DefaultTypeVar("Two", default=Array)
    Given = DefaultTypeVar("Given", covariant=True, default=Any)
else:  # the defaults are for type checkers; at run time the library needs nothing but NumPy
    One, Two, Given = TypeVar("One"), TypeVar("Two"), TypeVar("Given")


# After a bare `isinstance`, type checkers do not know what is inside.
def is_tuple(value: object) -> TypeGuard[tuple[Any, ...]]:
    """Is it a tuple?"""
    return isinstance(value, tuple)


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Is it a mapping?"""
    return isinstance(value, Mapping)


def is_array(value: object) -> TypeGuard[npt.NDArray[Any]]:
    """Is it a NumPy array, of whatever dtype?"""
    return isinstance(value, np.ndarray)


def is_scalar(value: object) -> TypeGuard[np.generic[Any]]:
    """Is it a NumPy scalar, of whatever dtype?"""
    return isinstance(value, np.generic)
