"""What inputs are for: what is converted at the door, and what stays as it came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, Union, cast

import numpy as np
import numpy.typing as npt

from funcnn.errors import DTypeError
from funcnn.types import is_array, is_tuple

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
_FIXES = {
    "c": "take its .real and .imag apart",
    "V": "take the fields by name, x[name], or join them with numpy.lib.recfunctions.structured_to_unstructured",
}


def convert(x: Any, kind: Kind, dtype: np.dtype[Any], name: str = "the input") -> Any:
    """An input as rules take it: features in the dtype of the params, tokens and masks as they are, all of it native
    and C-contiguous, so that layouts never change a result.

    Errors
        DTypeError   complex, object, masked, sparse, ..., with the fix
    """
    if is_tuple(x):
        return tuple(convert(v, part(kind, i), dtype, f"item {i} of {name}") for i, v in enumerate(x))
    if isinstance(kind, Mapping):
        refuse_list(x, kind, name)
        return convert(x, "any", dtype, name)  # the shape rule will say that a tuple is wanted
    if _is_masked(x):
        raise DTypeError(f"{name} is a masked array; say what stands for the missing values with .filled(value)")
    if hasattr(x, "toarray"):
        raise DTypeError(f"{name} is sparse ({type(x).__name__}); make it dense with .toarray()")
    try:
        array = np.asarray(x)
    except ValueError:
        raise DTypeError(f"{name} is ragged: its rows have different lengths; pad them to one") from None
    found = _kind(array.dtype)
    if found == "O" and array.ndim == 0 and not is_array(x):
        raise DTypeError(f"{name} is of type {type(x).__name__}; give an array of {_WANTED.get(str(kind), 'numbers')}")
    if kind in ("tokens", "mask"):
        if found not in ("iu" if kind == "tokens" else "b"):
            fix = "integers: .astype(np.int64)" if kind == "tokens" else "booleans: mask != 0"
            fix = _STRINGS if kind == "tokens" and found in "UST" else fix
            raise DTypeError(f"{name} has dtype {array.dtype}, but {kind} are {fix}")
        return _native(array, array.dtype)
    if found not in "fiub":
        fix = _FIXES.get(found, "make it numbers with .astype(np.float32)")
        if kind == "any" and found in "UST":
            fix = f"where it stands for classes, write {_STRINGS}"
        raise DTypeError(f"{name} has dtype {array.dtype}, features are real numbers; {fix}")
    return _native(array, array.dtype if kind == "any" and found != "f" else dtype)


_STRINGS = "integers: number them with np.unique(x, return_inverse=True)"


def _is_masked(x: object) -> bool:
    """A masked array, or a list that has one somewhere: NumPy would take what is behind the mask."""
    if isinstance(x, list):
        return any(map(_is_masked, cast("list[object]", x)))
    return isinstance(x, np.ma.MaskedArray)


def _kind(dtype: np.dtype[Any]) -> str:
    """The kind of a dtype; "x" for one that is not NumPy's own, such as bfloat16, which calls itself structured."""
    return "x" if dtype.kind == "V" and dtype.names is None and dtype.type is not np.void else dtype.kind


def refuse_list(x: object, kind: Kind, name: str) -> None:
    """Refuse a list of arrays where a tuple of them is wanted, which NumPy would make one array.

    Errors
        DTypeError   with what to write
    """
    if isinstance(x, list) and isinstance(kind, Mapping):
        raise DTypeError(f"{name} is a list, this network takes a tuple of arrays; write tuple(...)")


def _native(array: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    return np.asarray(array, dtype if dtype.isnative else dtype.newbyteorder("="), order="C")
