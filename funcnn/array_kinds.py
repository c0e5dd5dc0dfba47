"""Arrays of other kinds than NumPy's numbers: what is said of them, and what turns them into numbers."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from funcnn.errors import DTypeError, brief
from funcnn.types import is_array, is_mapping

MASKED: Final = "is a masked array; say what stands for the missing values with .filled(value)"
CLASSES: Final = "number them with np.unique(x, return_inverse=True)"
_NUMBERS: Final = "make it numbers with .astype(np.float32)"
_ADVICE: Final = {
    "c": "take its .real and .imag apart",
    "M": "count from a moment, (x - x.min()) / np.timedelta64(1, 's')",
    "m": "divide by a unit, x / np.timedelta64(1, 's')",
    "U": f"text that stands for categories is made integers: {CLASSES}; numbers in it are read by .astype(np.float32)",
}


def as_array(x: object, name: str, wanted: str = "numbers") -> npt.NDArray[Any]:
    """What people give as an array, as NumPy takes it: lists, scalars, and what other libraries' arrays become.

    Errors
        DTypeError   masked, sparse or ragged; no array, or one that does not let itself be taken
    """
    if type(x) is np.ndarray:
        return x
    if fault := _fault(x):
        raise DTypeError(f"{name} {fault}")
    try:
        array = np.asarray(x)
    except ValueError as error:
        if not isinstance(x, (list, tuple)):
            raise DTypeError(_closed(x, name, error)) from None
        fix = "; several inputs are a tuple of arrays, write tuple(...)" if _has_arrays(cast("list[object]", x)) else ""
        raise DTypeError(f"{name} is ragged: its rows have different lengths; pad them to one{fix}") from None
    except Exception as error:  # other libraries' arrays raise what they like
        raise DTypeError(_closed(x, name, error)) from None
    if array.dtype.kind == "O" and (not array.ndim or _module(x) in _MADE) and not isinstance(x, np.ndarray):
        raise DTypeError(f"{name} is of type {type(x).__name__}; give an array of {wanted}{_also(x)}")
    return array


def kind_of(dtype: np.dtype[Any]) -> str:
    """The kind of a dtype; "x" for one that is not NumPy's own, such as bfloat16, which calls itself structured."""
    foreign = dtype.isbuiltin == 2 or (dtype.kind == "V" and dtype.names is None and dtype.type is not np.void)
    return "x" if foreign else dtype.kind


def native(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype in the byte order of this machine. Not every dtype lets itself be asked for one."""
    return dtype if dtype.isnative else dtype.newbyteorder("=")


def advice(array: npt.NDArray[Any]) -> str:
    """How an array of another dtype is made one of real numbers."""
    kind = kind_of(array.dtype)
    if kind in "iub":
        return "write .astype(np.float32)"
    if kind == "O":
        return _advice_on_objects(array)
    if kind == "V":
        if array.dtype.names is None:
            return "say what its bytes are with .view(dtype)"
        return "take the fields by name, x[name], or join them with numpy.lib.recfunctions.structured_to_unstructured"
    return _ADVICE.get("U" if kind in "ST" else kind, _NUMBERS)


def instead(value: object) -> str:
    """What makes a NumPy array of this value; empty where nothing does."""
    module = _module(value)
    if module == "torch":
        return f"np.asarray(value.detach().cpu(){'.float()' if 'float16' in str(getattr(value, 'dtype', '')) else ''})"
    if module in _MADE:
        return _MADE[module]
    if hasattr(value, "toarray"):
        return "value.toarray()"
    if isinstance(value, (list, tuple, int, float)) and not isinstance(value, np.generic):
        return "np.array(value, np.float32)"
    return "np.asarray(value)" if hasattr(value, "__array__") or hasattr(value, "__dlpack__") else ""


_MADE: Final = {
    "pandas": "value.to_numpy(np.float32, na_value=np.nan)",
    "polars": "value.to_numpy().astype(np.float32)",
    "cupy": "value.get()",
}


def _module(value: object) -> str:
    return type(value).__module__.partition(".")[0]


def _also(x: object) -> str:
    return f", {instead(x)}" if instead(x) else ""


def _closed(x: object, name: str, error: Exception) -> str:
    """Of an array that raises when it is to become one of NumPy's."""
    said, fix = brief(str(error)).strip("'\""), instead(_first(x)) or "np.array(...)"
    return f"{name} is of type {type(x).__name__}, which does not become a NumPy array ({said}); write {fix}"


def _first(x: object) -> object:
    if isinstance(x, (list, tuple)):
        return next((_first(item) for item in cast("Iterable[object]", x)), "")
    return x


def _fault(x: object, depth: int = 0) -> str:
    """What is wrong with a value before NumPy has seen it: masks and matrices that it would pass over, in lists too."""
    if isinstance(x, (list, tuple)):
        if depth > 64:  # as many axes as arrays have
            return "is a list within lists within lists, which do not end"
        return next((fault for item in cast("Iterable[object]", x) if (fault := _fault(item, depth + 1))), "")
    if isinstance(x, (float, int, str)):
        return ""
    if isinstance(x, np.ma.MaskedArray) or x is np.ma.masked:
        return MASKED
    if is_mapping(x):
        return f"is of type {type(x).__name__}; give an array, or a tuple of arrays"
    if not isinstance(x, np.ndarray) and hasattr(x, "toarray"):
        return f"is sparse ({type(x).__name__}); make it dense with .toarray()"
    return ""


def _has_arrays(x: Iterable[object]) -> bool:
    return any(isinstance(item, np.ndarray) and item.ndim for item in x)


def _advice_on_objects(array: npt.NDArray[Any]) -> str:
    """What is in an array of objects decides: the first item that is no number."""
    for place, item in np.ndenumerate(array):
        value: object = item
        if isinstance(value, (Real, np.number, np.bool_)) or type(value).__name__ == "Decimal":
            continue
        if isinstance(value, (str, bytes)):
            return _ADVICE["U"]
        if fault := _fault(value):
            return f"its item {list(place)} {fault}"
        if is_array(value):
            return f"its item {list(place)} is an array of shape {value.shape}; join arrays of one shape by np.stack"
        told = f"its item {list(place)} is {brief(value)} of type {type(value).__name__}"
        return f"{told}; say what stands for it, and {_NUMBERS}"
    return _NUMBERS
