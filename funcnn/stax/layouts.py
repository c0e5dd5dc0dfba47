"""Arrays whose axes are named by letters, as stax has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, Union

from funcnn.kernels.windows import Pair
from funcnn.types import is_tuple

Numbers: TypeAlias = "tuple[str, str, str]"
"""The axes of the input, of the weights and of the output: `("NHWC", "HWIO", "NHWC")`. Strides follow the weights."""

Padding: TypeAlias = Union[str, Sequence[Pair]]
"""By its name, or a pair (before, behind) for every axis."""

_OWN = ("NC", "IO", "NC")


def checked_numbers(layer: str, given: object, rank: int) -> Numbers:
    """Three specs of the same axes.

    >>> checked_numbers("GeneralConv", ("NCHW", "OIHW", "NHWC"), 2)
    ('NCHW', 'OIHW', 'NHWC')
    """
    if is_tuple(given) and len(given) == 3 and all(isinstance(spec, str) for spec in given):
        specs: Numbers = given
        letters = [set(spec) for spec in specs]
        inside = [found - set(own) for found, own in zip(letters, _OWN, strict=True)]
        complete = all(set(own) <= found for found, own in zip(letters, _OWN, strict=True))
        lengths = {len(spec) for spec in specs} | {len(found) for found in letters}
        if inside[0] == inside[1] == inside[2] and complete and lengths == {rank + 2}:
            return specs
    axes = "HWD"[:rank] if rank <= 3 else "..."
    raise ValueError(
        f"{layer}: dimension_numbers are the axes of input, weights and output, {rank} beside N and C (I and O), such "
        f"as ('N{axes}C', '{axes}IO', 'N{axes}C'), got {given!r}"
    )


def order(spec: str, first: str, spatial: str, last: str) -> tuple[int, ...]:
    """The axes of an array with this spec, in the order `first`, `spatial`, `last`.

    >>> order("NCHW", "N", "HW", "C")
    (0, 2, 3, 1)
    """
    return tuple(spec.index(c) for c in first + spatial + last)


def back(permutation: tuple[int, ...]) -> tuple[int, ...]:
    """The permutation that undoes this one.

    >>> back((0, 2, 3, 1))
    (0, 3, 1, 2)
    """
    return tuple(permutation.index(i) for i in range(len(permutation)))


def arranged(shape: Sequence[int], permutation: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes in this order."""
    return tuple(shape[i] for i in permutation)


def steps(strides: Sequence[int] | None) -> tuple[int, ...] | None:
    """Strides as a tuple, if there are any."""
    return None if strides is None else tuple(strides)


def tuples(padding: Padding) -> str | tuple[Pair, ...]:
    """Lists as tuples; names of paddings in capitals, as JAX reads them."""
    if isinstance(padding, str):
        return padding.upper()
    found: tuple[Pair, ...] = tuple(tuple(pair) for pair in padding)  # type: ignore[misc]
    return found
