"""Rules whose pullback another library derives: what the bridges to all of them share.

A library sees arrays of its own in tuples and dicts. What it can differentiate by, floating-point numbers, is parted
from what it cannot, tokens, masks and None: a tree of each, with None where the leaf is in the other.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, TypeVar, final

import numpy as np

from funcnn.cotangents import described, read_only
from funcnn.errors import DTypeError, ShapeError, brief
from funcnn.nested import arrays, mapped
from funcnn.records import as_argument
from funcnn.shapes import display
from funcnn.types import Tree, is_array, is_scalar, is_tuple
from funcnn.values import frozen

X = TypeVar("X")
Y = TypeVar("Y")

DerivedRule: TypeAlias = Callable[[Tree, X], tuple[Y, Callable[[Y], tuple[Tree, X]]]]
"""What `derive` returns: the rule of a layer, see `Layer.of`."""

Derive: TypeAlias = Callable[
    ["Derived", Any, Any, "tuple[Any, ...]", Mapping[str, Any]], "tuple[Any, Callable[[Any], Any]]"
]
"""How a library derives: `(rule, floats, rest, rng, options) -> (y, back)`, where `floats` and `rest` are the parted
trees of both arguments, and `back` takes the cotangents of what is floating in `y` to those of `floats`."""

Check: TypeAlias = Callable[[str, Any, Any, Any], None]
"""What looks at the name of a function, at both arguments and at the value, which is None before there is one."""

_FLOATING: Final = "fc"


@final
@frozen("{self!r} never changes; {name} cannot be set")
class Derived:
    """The rule of a layer, or of a loss, out of a function of two arguments that another library differentiates.

    It prints as the call that made it, has the name and the signature of the function, compares by it, and pickles
    where the function does.
    """

    __name__: str
    __qualname__: str
    f: Callable[..., Any]
    by: Derive
    make: Callable[..., Any]
    made_of: str  # arrays of what
    check: Check | None  # of both arguments and the value

    def __init__(
        self,
        f: Callable[..., Any],
        by: Derive,
        make: Callable[..., Any],
        made_of: str,
        check: Check | None = None,
    ) -> None:
        if not callable(f) or isinstance(f, type):
            where = f"{make.__module__}.{make.__name__}"
            raise TypeError(f"{where} takes a function of params and input, got {brief(f)}")
        vars(self).update({name: f"<{type(f).__name__}>" for name in ("__name__", "__qualname__")})
        # a partial, or a callable of somebody's own class, has only some of these
        names = ("__module__", "__name__", "__qualname__", "__doc__")
        vars(self).update({name: getattr(f, name) for name in names if hasattr(f, name)})
        vars(self).update(f=f, by=by, make=make, made_of=made_of, check=check, __signature__=_signature(f))

    def __call__(self, first: Any, second: Any, *rng: Any, **options: Any) -> tuple[Any, Callable[[Any], Any]]:
        given = (first, second)
        wide = any(is_array(a) and a.dtype.kind == "c" for a in arrays(given))
        floats = mapped(lambda a: _widened(a, wide) if _is_floating(a) else None, given)
        rest = mapped(lambda a: None if _is_floating(a) else _shielded(a), given)
        if self.check is not None:
            self.check(self.__name__, first, second, None)
        y, back = self.by(self, floats, rest, rng, options)
        if self.check is not None:
            self.check(self.__name__, first, second, y)

        def pullback(dy: Any) -> Any:
            each = mapped(_cotangent, y, _spread(y, dy))
            if not wide and any(is_array(d) and d.dtype.kind == "c" for d in arrays(each)):
                real, imaginary = (back(mapped(part, each)) for part in (_real, _imaginary))
                grads = mapped(lambda a, b: None if a is None else a + 1j * b, real, imaginary)
            else:
                grads = back(each)
            like = next((a.dtype for a in arrays((given, y)) if _is_floating(a)), np.dtype(np.float32))
            return mapped(lambda a, g: _fresh(a, g, like), given, grads)

        return y, pullback

    def run(self, floats: Any, rest: Any, rng: tuple[Any, ...], options: Mapping[str, Any], kind: Any) -> Any:
        """What the function makes of arrays of its library, which are of this kind: an array, or a tuple of arrays.

        Errors
            DTypeError   it returned something else
        """
        given = mapped(lambda a, b: b if a is None else a, floats, rest)
        try:
            result = self.f(*given, *rng, **options)
        except Exception as error:
            error.add_note(f"in {self.__name__}, a function of {self.made_of}")
            raise
        return self.checked(result, kind)

    def checked(self, result: Any, kind: Any) -> Any:
        if is_tuple(result) and result:
            return tuple([self.checked(part, kind) for part in result])
        masked = issubclass(type(result), np.ma.MaskedArray)
        if isinstance(result, kind) and not masked:
            return result
        plain = is_array(result) and not masked
        got = f"a NumPy array, {described(result)}" if plain else f"a {type(result).__name__}"
        raise DTypeError(f"{self.__name__} returned {got}; it must return {self.made_of}, or a tuple of them")

    def __repr__(self) -> str:
        return f"{self.make.__name__}({as_argument(self.f)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Derived) and (self.f, self.make) == (other.f, other.make)

    def __hash__(self) -> int:
        return hash((self.f, self.make))

    def __reduce__(self) -> Any:
        known: Any = sys.modules.get(self.__module__)
        for name in self.__qualname__.split("."):
            known = getattr(known, name, None)
        return self.__qualname__ if known is self else (self.make, (self.f,))  # the first where it decorates


def fitting(name: str, prediction: Any, target: Any, terms: Any) -> None:
    """Refuse a loss to broadcast: other libraries do, and (n,) beside (n, 1) makes a wrong number without a word.

    Errors
        ShapeError   the target has as many axes as the prediction and another shape, or more axes, or other rows; the
                     terms are neither one number nor of the leading axes of the prediction
    """
    if not is_array(prediction):
        return
    shape = prediction.shape
    if is_array(target):
        alike = target.ndim == len(shape)
        if target.shape != shape if alike else target.ndim > len(shape) or target.shape[:1] != shape[:1]:
            wanted = "as many rows, and no more axes" if target.ndim < len(shape) else "the same shape"
            both = f"the prediction has shape {display(shape)}, the target {display(target.shape)}"
            raise ShapeError(f"{name}: {both}; the target must have {wanted}")
    if is_array(terms) and terms.shape != shape[: terms.ndim]:
        raise ShapeError(
            f"{name}: the terms must have the leading axes of the prediction, {display(shape)}, or be one number, "
            f"got {display(terms.shape)}; is something broadcast?"
        )


def _signature(f: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(f)
    except (TypeError, ValueError):  # of C's functions some have none
        kind = inspect.Parameter.POSITIONAL_ONLY
        return inspect.Signature([inspect.Parameter(name, kind) for name in ("params", "x")])


def _is_floating(a: Any) -> bool:
    return (is_array(a) or is_scalar(a)) and a.dtype.kind in _FLOATING


def _widened(a: Any, wide: bool) -> Any:
    """Complex, where anything is: no library mixes them well."""
    return a.astype(np.complex128) if wide and a.dtype.kind == "f" else a


def _shielded(a: Any) -> Any:
    """Tokens and masks, which nobody can write to."""
    return read_only(a) if is_array(a) else a


def _spread(y: Any, dy: Any) -> Any:
    """A cotangent that is one number for all, which losses hand out, as one for each."""
    if is_array(y) and not is_array(dy):
        return np.full(y.shape, dy, np.result_type(y.dtype, np.complex64) if isinstance(dy, complex) else y.dtype)
    return dy


def _cotangent(y: Any, dy: Any) -> Any:
    """The cotangent of what is floating in the value."""
    if not _is_floating(y):
        return None
    if dy.shape != y.shape:
        raise ShapeError(f"the cotangent must have the shape of the value, {display(y.shape)}, got {display(dy.shape)}")
    return dy if dy.dtype.kind == "c" else np.asarray(dy, y.dtype)


def _real(d: Any) -> Any:
    return None if d is None else np.real(d)


def _imaginary(d: Any) -> Any:
    return None if d is None else np.imag(d)


def _fresh(a: Any, g: Any, like: np.dtype[Any]) -> Any:
    """A gradient that is nobody's else, in the dtype of what it is the gradient of."""
    if not is_array(a) and not is_scalar(a):
        return None
    if g is None:
        return np.zeros(a.shape, a.dtype if a.dtype.kind in _FLOATING else like)
    found = np.array(g, order="C")
    return found if found.dtype.kind == "c" else found.astype(a.dtype, copy=False)
