"""What NumPy makes of arrays of known shape: run on arrays of zeros, where only shapes decide about the shape."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from funcnn.mypy_plugin.flow.data import Data
from funcnn.mypy_plugin.flow.trials import tried
from funcnn.mypy_plugin.flow.values import Given, Row, listed
from funcnn.mypy_plugin.recipes import ANY, Place, Value

METHODS: Final = {
    "reshape", "ravel", "flatten", "transpose", "swapaxes", "squeeze", "mean", "sum", "std", "var", "max", "min",
    "argmax", "argmin", "copy", "astype", "clip", "round", "cumsum",
}  # fmt: skip
FUNCTIONS: Final = {
    "linspace", "arange", "eye", "identity", "zeros_like", "ones_like", "empty_like", "full_like", "asarray", "array",
    "ascontiguousarray", "concatenate", "stack", "vstack", "hstack", "column_stack", "expand_dims", "squeeze",
    "reshape", "ravel", "transpose", "swapaxes", "moveaxis", "tile", "flip", "roll", "clip", "mean", "sum", "std",
    "var", "max", "min", "argmax", "argmin", "sin", "cos", "tan", "tanh", "exp", "log", "log1p", "sqrt", "abs",
    "sign", "square", "maximum", "minimum", "add", "subtract", "multiply", "divide", "matmul", "cumsum", "pad",
}  # fmt: skip
OPERATORS: Final = {
    "Add": np.add, "Sub": np.subtract, "Mult": np.multiply, "Div": np.divide, "FloorDiv": np.floor_divide,
    "Mod": np.mod, "Pow": np.power, "MatMult": np.matmul, "Lt": np.less, "LtE": np.less_equal, "Gt": np.greater,
    "GtE": np.greater_equal, "Eq": np.equal, "NotEq": np.not_equal,
}  # fmt: skip


def _permuted(x: Any) -> Any:
    return np.arange(x) if isinstance(x, int) else x


def _called(x: Any, name: str, *args: Any, **kwargs: Any) -> Any:
    return getattr(x, name)(*args, **kwargs)


def _at(x: Any, *index: Any) -> Any:
    return x[index]


def function(full: str, args: tuple[Given, ...], kwargs: Mapping[str, Given], place: Place) -> Data | None:
    """What a function of NumPy gives for arrays of known shape; None where that cannot be told."""
    module, _, name = full.rpartition(".")
    values, named = [g.value for g in args], {k: g.value for k, g in kwargs.items()}
    if module == "numpy" and name in FUNCTIONS and args:
        return tried(getattr(np, name), values, named, place)
    if module == "numpy" and name == "repeat" and len(values) > 1 and isinstance(values[1], Value):
        return tried(np.repeat, values, named, place)
    if module == "numpy.random" and name in ("randn", "rand") and args:
        shape = Row(tuple(values))
        return tried(np.zeros, [shape], {}, place)
    if module == "numpy.random" and name in ("normal", "uniform", "randint", "standard_normal", "random"):
        position = 0 if name in ("standard_normal", "random") else 2
        size = values[position] if len(values) > position else named.get("size")
        return None if size is None else tried(np.zeros, [size], {"dtype": Value(_dtype(name))}, place)
    if full.endswith(".permutation") and len(values) == 1:
        return tried(_permuted, values, {}, place)
    return None


def _dtype(name: str) -> str:
    return "int64" if name == "randint" else "float64"


def method(data: Data, name: str, args: tuple[Given, ...], kwargs: Mapping[str, Given], place: Place) -> Any:
    """`x.reshape(...)`."""
    if name not in METHODS:
        return ANY
    values, named = [g.value for g in args], {k: g.value for k, g in kwargs.items()}
    made = tried(_called, [data, Value(name), *values], named, place)
    return ANY if made is None else Data(made.shape, made.dtype, place, data.network if name == "astype" else None)


def attribute(data: Data, name: str) -> Any:
    """`x.shape`; None for methods."""
    match name:
        case "shape":
            return Row(tuple(map(Value, data.shape)), source=data.place)
        case "ndim":
            return Value(len(data.shape))
        case "size":
            return Value(math.prod(data.shape))
        case "T":
            return Data(data.shape[::-1], data.dtype, data.place)
        case _:
            return None


def indexed(data: Data, index: Any) -> Any:
    """`x[index]`; a mask says nothing of how much it leaves."""
    parts = index.items if isinstance(index, Row) and not index.mutable else (index,)
    if not listed(parts) or any(isinstance(p, Data) and p.dtype.kind == "b" for p in parts):
        return ANY
    found = tried(_at, [data, *parts], {}, data.place)
    return ANY if found is None else found


def computed(op: str, a: Any, b: Any, place: Place) -> Any:
    """`a op b`, where one of them is an array."""
    found = tried(OPERATORS[op], [a, b], {}, place) if op in OPERATORS else None
    return ANY if found is None else found
