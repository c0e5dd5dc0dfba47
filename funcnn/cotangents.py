"""Values and cotangents at the door: of the form rules want on the way in, out of everybody's reach on the way out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from funcnn.errors import ParamsError, ShapeError, brief
from funcnn.inputs import convert
from funcnn.shapes import display
from funcnn.types import Nested, is_array, is_scalar, is_tuple


def read_only(value: Nested) -> Any:
    """Views nobody can write through."""
    if isinstance(value, tuple):
        return tuple([read_only(v) for v in value])
    array: Any = value if value.__class__ is np.ndarray else np.asarray(value)
    view = array.view()
    view.setflags(False)  # three times faster than by keyword
    return view


def cotangent_like(y: Nested, dy: Any, name: str = "the cotangent") -> Any:
    """The cotangent as rules want it: tuples like `y`, arrays of its shape and dtype.

    Errors
        ShapeError   it is not of that structure or shape
        DTypeError   complex, masked, ...
    """
    if isinstance(y, tuple):
        if not is_tuple(dy) or len(dy) != len(y):
            got = type(dy).__name__
            raise ShapeError(f"the value is a tuple of {len(y)}, its cotangent must be one too, got {got}")
        return tuple(cotangent_like(a, b, f"item {i} of {name}") for i, (a, b) in enumerate(zip(y, dy, strict=True)))
    if type(dy) is not np.ndarray or dy.dtype != y.dtype or not dy.flags.c_contiguous:
        dy = _converted(dy, y.dtype, name)
    if dy.shape != y.shape:
        raise ShapeError(f"{name} must have the shape of the value, {display(y.shape)}, got {display(dy.shape)}")
    if y.dtype.kind in "iub":  # masks and tokens that pass through have no derivative, whatever comes for them
        dy = np.zeros(y.shape, dy.dtype)
    return read_only(dy)  # cotangents are borrowed: no rule writes into one


def _converted(dy: Any, dtype: np.dtype[Any], name: str) -> Any:
    if dtype.kind == "c":  # a rule under complex numbers, whose derivatives are exact
        return np.asarray(dy, dtype, order="C")
    if is_tuple(dy):
        raise ShapeError(f"the value is one array, its cotangent must be one too, got a tuple of {len(dy)}")
    return convert(dy, "features", dtype if dtype.kind == "f" else np.dtype(np.float32), name)


def cotangent_of_number(d: Any) -> float:
    """The cotangent of a loss, which is one number.

    Errors
        ShapeError   it is an array, or no real number
    """
    try:
        return float(d)
    except (TypeError, ValueError):
        got = f"an array of shape {display(d.shape)}" if is_array(d) else brief(d)
        raise ShapeError(f"the value is one number, its cotangent must be one too, got {got}; write 1.0") from None


def like_input(dx: Any, x: Nested) -> Any:
    """The cotangent of the input as people get it: read-only, and like the input.

    Errors
        ParamsError   the rule returned another structure, shape or dtype
    """
    if isinstance(x, tuple):
        if not is_tuple(dx) or len(dx) != len(x):
            got = described(dx)
            raise ParamsError(f"the pullback must return as dx a tuple of {len(x)}, like the input, got {got}")
        return tuple(like_input(d, v) for d, v in zip(dx, x, strict=True))
    if type(dx) is not np.ndarray:
        dx = np.asarray(dx) if is_array(dx) or is_scalar(dx) else dx
    if not is_array(dx) or dx.shape != x.shape or (dx.dtype != x.dtype and x.dtype.kind == "f"):
        wanted = f"{x.dtype if x.dtype.kind == 'f' else 'floating-point numbers'} of shape {x.shape}"
        raise ParamsError(f"the pullback must return as dx {wanted}, like the input, got {described(dx)}")
    return read_only(dx)


def described(dx: object) -> str:
    """What a pullback returned, for messages."""
    if is_tuple(dx):
        return f"a tuple of {len(dx)}"
    return f"{dx.dtype} of shape {dx.shape}" if is_array(dx) or is_scalar(dx) else type(dx).__name__


def zeros_like(x: Nested, dtype: npt.DTypeLike) -> Any:
    """The cotangent of tokens, masks, and whatever else has no derivative."""
    if isinstance(x, tuple):
        return tuple(zeros_like(v, dtype) for v in x)
    return np.zeros(x.shape, x.dtype if x.dtype.kind in "fc" else dtype)
