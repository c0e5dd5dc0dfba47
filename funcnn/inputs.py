"""What inputs are for: what is converted at the door, and what stays as it came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, Union

import numpy as np
import numpy.typing as npt

from funcnn.array_kinds import CLASSES, advice, as_array, kind_of, native
from funcnn.errors import DTypeError
from funcnn.types import is_tuple

Kind: TypeAlias = "Union[str, Mapping[int, Kind]]"
"""What an input is for: "features" are converted to the dtype of the params, "tokens" and "mask" stay what they are,
"any" is whatever comes; a mapping says it for the items of a tuple."""


COMPUTED: Final = (np.dtype(np.float32), np.dtype(np.float64))
"""What numbers are computed in. NumPy sums float16 badly and computes it slowly, and longdouble differs by platform."""


def refuse_stored(what: str, dtype: np.dtype[Any], fix: str) -> None:
    """Refuse to compute in floating-point numbers of a width that is for storage; `{wide}` in the fix is what to take.

    Errors
        DTypeError   the dtype is float16, longdouble, ...

    >>> refuse_stored("the params are", np.dtype(np.float16), "astype(params, np.{wide})")
    Traceback (most recent call last):
        ...
    funcnn.errors.DTypeError: the params are float16, which is for storage; float32 and float64 are computed in: write astype(params, np.float32)
    """
    if dtype.kind == "f" and dtype not in COMPUTED:
        write = fix.format(wide=computed_like(dtype), narrow=dtype)
        raise DTypeError(f"{what} {dtype}, which is for storage; float32 and float64 are computed in: write {write}")


def computed_like(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """What floating-point numbers of this dtype are computed in: the same, or the next that is."""
    return COMPUTED[dtype.itemsize > 4]


# given to `Layer.of(takes=)`: what the input is for, given what the output is for -------------------------------------
def features(out: Kind) -> Kind:
    """The layer computes with its input: real numbers, in the dtype of the params."""
    return "features"


def tokens(out: Kind) -> Kind:
    """The layer looks its input up: integers, which stay integers."""
    return "tokens"


def passes(out: Kind) -> Kind:
    """The layer passes its input on: it is for whatever the output is for.

    >>> passes("tokens"), tokens("features"), features("any")
    ('tokens', 'tokens', 'features')
    """
    return out


# for combinators ------------------------------------------------------------------------------------------------------
def part(kind: Kind, i: int) -> Kind:
    """What item `i` of a tuple of this kind is for."""
    return kind.get(i, "any") if isinstance(kind, Mapping) else kind


def unify(*kinds: Kind) -> Kind:
    """What one array is for that goes to several places."""
    told = [k for k in kinds if k != "any"]
    if any(isinstance(k, Mapping) for k in told):
        items = {i for k in told if isinstance(k, Mapping) for i in k}
        return {i: unify(*(part(k, i) for k in told)) for i in sorted(items)}
    return told[0] if told and all(k == told[0] for k in told) else "any"


# for the door ---------------------------------------------------------------------------------------------------------
_WANTED = {"tokens": "integers", "mask": "booleans", "features": "real numbers"}


def convert(x: Any, kind: Kind, dtype: np.dtype[Any], name: str = "the input") -> Any:
    """An input as rules take it: features in the dtype of the params, tokens and masks as they are, all of it native
    and C-contiguous, so that layouts never change a result.

    Errors
        DTypeError   complex, object, masked, sparse, ..., with the fix
    """
    if is_tuple(x):
        if not x and kind in ("tokens", "mask"):  # its shape would be that of a single token
            raise DTypeError(f"{name} is a tuple of nothing; give an array of {_WANTED[str(kind)]}")
        return tuple(convert(v, part(kind, i), dtype, f"item {i} of {name}") for i, v in enumerate(x))
    if isinstance(kind, Mapping):
        refuse_list(x, kind, name)
        return convert(x, "any", dtype, name)  # the shape rule will say that a tuple is wanted
    array = as_array(x, name, _WANTED.get(str(kind), "numbers"))
    found = kind_of(array.dtype)
    if kind in ("tokens", "mask"):
        if found not in ("iu" if kind == "tokens" else "b"):
            raise DTypeError(f"{name} has dtype {array.dtype}, but {kind} are {_whole(kind, found, array)}")
        return _native(array, array.dtype)
    if found not in "fiub":
        fix = f"where it stands for classes, {CLASSES}" if kind == "any" and found in "UST" else advice(array)
        raise DTypeError(f"{name} has dtype {array.dtype}, features are real numbers; {fix}")
    return _native(array, array.dtype if kind == "any" and found != "f" else dtype)


def _whole(kind: str, found: str, array: npt.NDArray[Any]) -> str:
    """What tokens and masks are, and how these become so."""
    if found in "OMmV":
        return f"{_WANTED[kind]}; {advice(array)}"
    if kind == "mask":
        return "booleans: mask != 0"
    return f"integers: {CLASSES}" if found in "UST" else "integers: .astype(np.int64)"


def refuse_list(x: object, kind: Kind, name: str) -> None:
    """Refuse a list of arrays where a tuple of them is wanted, which NumPy would make one array.

    Errors
        DTypeError   with what to write
    """
    if isinstance(x, list) and isinstance(kind, Mapping):
        raise DTypeError(f"{name} is a list, this network takes a tuple of arrays; write tuple(...)")


def _native(array: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    return np.asarray(array, native(dtype), order="C")
