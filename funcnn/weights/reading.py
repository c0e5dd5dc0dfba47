"""Arrays of other libraries, by what they can do: none of these libraries is imported."""

from __future__ import annotations

from typing import Any

from funcnn.array_kinds import as_array, native
from funcnn.errors import DTypeError
from funcnn.weights.parts import Numbers


def taken(name: str, value: Any) -> Numbers:
    """A tensor or an array as NumPy's: what it shares memory with is not written to, and must be copied.

    Errors
        DTypeError   it is none, or of a dtype that NumPy has not, bfloat16 above all

    >>> from funcnn.weights.reading import taken
    >>> taken("fc.bias", [1.0, 2.0])
    array([1., 2.])
    """
    given: Any = value
    dtype = str(getattr(given, "dtype", ""))
    if "bfloat16" in dtype or "float8" in dtype:
        said = f"{name} is {dtype.removeprefix('torch.')}, which NumPy has not"
        raise DTypeError(f"{said}; float32 holds the same numbers: value.float(), or value.astype(np.float32)")
    try:
        if hasattr(given, "detach") and hasattr(given, "cpu"):  # PyTorch's
            given = given.detach().cpu()
        if callable(getattr(given, "numpy", None)):  # Keras's too
            given = given.numpy()
    except Exception as error:  # quantized, sparse, without memory: they raise what they like
        raise DTypeError(f"{name} of type {type(value).__name__} gives no array: {error}") from None
    array = as_array(given, name)
    return array.astype(native(array.dtype), copy=False)


def floating(name: str, array: Numbers) -> str:
    """What is wrong with the dtype of a leaf, or nothing."""
    if array.dtype.kind == "f" and array.dtype.itemsize <= 8:
        return ""
    return f"{name} is {array.dtype}; params are float32 or float64, float16 to be stored"
