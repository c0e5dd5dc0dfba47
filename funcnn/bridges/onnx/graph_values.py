"""What a graph of ONNX's operators is made of: values, how they lie, and nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias, Union

import numpy as np

from funcnn.types import is_tuple


@dataclass(frozen=True, slots=True)
class Value:
    """An array that a graph computes: its name, and what is known of it.

    shape   as the layers see it, an `Unknown` for sizes that are not known
    dtype   that of its numbers
    first   do the channels lie first, behind the batch? `shape` says nothing of it
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    first: bool = False

    @property
    def rank(self) -> int:
        """How many axes it has."""
        return len(self.shape)


Size: TypeAlias = Union[int, Value]
"""How long an axis is: a number, or a value of one integer where it is known only when the model runs."""


class Node(NamedTuple):
    """An operator with its inputs and outputs, by name."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    name: str
    attributes: Mapping[str, Any]


class Body(NamedTuple):
    """A graph within a node: what a loop does in every round."""

    nodes: list[Node]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    name: str


def placed(x: Value, axis: int) -> int:
    """Where an axis is in the form in which a value lies."""
    if not x.first or axis == 0:
        return axis
    return 1 if axis == x.rank - 1 else axis + 1


Nested = Union[Value, "tuple[Nested, ...]"]
"""What goes through a network: a value, or a tuple."""


def shape_of(x: Nested) -> Any:
    """The shape of a value, or the tuple of shapes of a tuple."""
    return tuple(map(shape_of, x)) if is_tuple(x) else x.shape  # type: ignore[union-attr]


def with_shape(x: Nested, shape: Any) -> Any:
    """The value, or the tuple, whose shapes are these."""
    if is_tuple(x):
        return tuple(with_shape(v, s) for v, s in zip(x, shape, strict=True))
    return replace(x, shape=shape)  # type: ignore[type-var]
