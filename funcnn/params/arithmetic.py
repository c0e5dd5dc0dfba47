"""What trees of arrays say where people compute with them as with one array."""

from __future__ import annotations

from typing import Any, Final, NoReturn

import numpy as np

from funcnn.errors import ParamsError

_SIGNS: Final = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "pow": "**", "matmul": "@"}
_UFUNCS: Final = {"sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "power"}


def without_arithmetic(cls: type) -> None:
    """Let the trees of a class refuse signs, NumPy's functions and becoming an array, which would be one of names.

    Type checkers know of no such methods, and refuse by themselves.

    >>> params = Params({"w": np.ones(2)})
    >>> params - 0.1
    Traceback (most recent call last):
        ...
    funcnn.errors.ParamsError: params are a tree of arrays and know no -; write tree_map(np.subtract, params, others), \
or tree_map of any function of arrays
    """
    for name, sign in _SIGNS.items():
        refuse = _refusing(sign, f"np.{_UFUNCS.get(name, name)}")
        setattr(cls, f"__{name}__", refuse)
        setattr(cls, f"__r{name}__", refuse)
    for name in ("neg", "abs"):
        setattr(cls, f"__{name}__", _refusing_one("negative" if name == "neg" else "absolute"))
    setattr(cls, "__array_ufunc__", _no_ufunc)  # noqa: B010
    setattr(cls, "__array__", _no_array)  # noqa: B010


def _refusing(sign: str, name: str) -> Any:
    def refuse(self: object, other: object) -> NoReturn:
        kind = _kind(self)
        raise ParamsError(
            f"{kind} are a tree of arrays and know no {sign}; write tree_map({name}, {kind}, others), or tree_map of "
            "any function of arrays"
        )

    return refuse


def _refusing_one(name: str) -> Any:
    def refuse(self: object) -> NoReturn:
        kind = _kind(self)
        raise ParamsError(f"{kind} are a tree of arrays and have no {name}; write tree_map(np.{name}, {kind})")

    return refuse


def _no_ufunc(self: object, ufunc: Any, method: str, *inputs: object, **options: object) -> bool:
    if ufunc in (np.equal, np.not_equal):  # an array that is asked whether it equals a tree: it does not
        return bool(ufunc is np.not_equal)
    kind = _kind(self)
    others = ", others" if ufunc.nin > 1 else ""
    raise ParamsError(
        f"{kind} are a tree of arrays, and np.{ufunc.__name__} takes one; write tree_map(np.{ufunc.__name__}, {kind}"
        f"{others}), or take one array with {kind}.at(path)"
    )


def _no_array(self: object, dtype: object = None, copy: object = None) -> NoReturn:
    kind = _kind(self)
    raise ParamsError(f"{kind} are a tree of arrays, and no array; take one of them, {kind}.at(path), or ravel({kind})")


def _kind(tree: object) -> str:
    return type(tree).__name__.lower()
