"""What people's rules promise, looked at where it arises.

A rule that is not the library's own is wrapped when a layer is made of it. Its value is compared with what its shape
rule says, in every forward pass; its gradients are compared with its params, and `dx` with its input. So a wrong one is
reported at its own path, and never by a layer behind it. The library's own rules run bare, which costs nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from funcnn.calculus import Later
from funcnn.cotangents import described
from funcnn.errors import ParamsError, ShapeError
from funcnn.kernels.affine import FEW
from funcnn.kernels.threads import alone
from funcnn.shapes import display, shape_of
from funcnn.types import Array, Nested, Shape, is_array, is_mapping, is_scalar, is_tuple

Function = Callable[..., Any]

_SHAPES: Final = 64  # remembered per layer
_LONG: Final = 1 << 27  # multiplications; shorter products of BLAS's own threads wait for a busy core, longer ones gain
_MUST: Final = "the rule of this layer must return"
_AS_DX: Final = "the pullback must return as dx"
WIDE: Final = (
    "NumPy's own numbers and integer arrays make float64 of float32; "
    "write float(np.sqrt(2.0)) for such a number, and .astype(x.dtype) for an array"
)


def ours(*functions: Function | None) -> bool:
    """Are these functions the library's own? Known by the module they were compiled in, which wrapping does not change.

    >>> from funcnn.promises import ours
    >>> ours(serial, None), ours(serial, np.sin)
    (True, False)
    """
    return all(map(_is_ours, functions))


def _is_ours(f: Function | None) -> bool:
    while isinstance(f, functools.partial):
        f = f.func  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return f is None or (isinstance(f, FunctionType) and str(f.__globals__.get("__name__")).startswith("funcnn."))


def is_checked(rule: Function) -> bool:
    """Is this the rule of a layer that is not the library's own, as `checked` gives it?

    >>> from funcnn.promises import is_checked
    >>> is_checked(elementwise(np.sin, np.cos).definition.rule), is_checked(Tanh.definition.rule)
    (True, False)
    """
    return getattr(rule, "__module__", None) == __name__


def paired(rule: Function) -> Function:
    """A rule that returns a pair, or says that it does not.

    Errors
        ParamsError   from a call: it returned something else
    """

    def run(*args: Any) -> tuple[Any, Function]:
        pair: object = rule(*args)
        if not is_tuple(pair) or len(pair) != 2 or not callable(pair[1]):
            raise ParamsError(f"{_MUST} the pair (y, pullback), got {described(pair)}")
        return pair

    return run


def checked(rule: Function, value: Function | None, out_shape: Callable[[Shape], Shape]) -> tuple[Function, Function]:
    """The rule and the value of a layer that hold what was promised, or say what is wrong.

    Errors, from the forward pass
        ShapeError    the value has another shape than the shape rule says
        ParamsError   the rule returns no pair; the value is no array, or no such tuple of arrays, or has another dtype
                      than the params; `value` and the rule disagree
    Errors, from the pullback
        ParamsError   it returns no pair; the gradients are not like the params; dx is not like the input
    """
    shapes: dict[Shape, Shape] = {}
    loops: dict[Shape, bool] = {}
    compared: set[Shape] = set()  # the two ways to a value, at the first pullback of each shape
    both = paired(rule)

    def kept(y: Any, params: Mapping[str, Any], x: Any, shape: Shape) -> Any:
        promised = shapes.get(shape)
        if promised is None:
            promised = tuple(out_shape(shape))
            if len(shapes) >= _SHAPES:
                shapes.clear()
            shapes[shape] = promised
        dtype = _dtype(params, x)
        if y.__class__ is not np.ndarray or y.shape != promised or y.dtype != dtype:
            _look(y, promised, dtype if not is_complex(params, x) else None, "")
        return y

    def called(f: Function, params: Mapping[str, Any], x: Any, shape: Shape, *args: Any) -> Any:
        """A function of theirs; its products on one thread where they may be many, and are not long."""
        short = loops.get(shape)
        if short is None:
            if len(loops) >= _SHAPES:
                loops.clear()
            short = loops[shape] = _short(params, x)
        return alone(f, *args) if short else f(*args)

    def run(params: Mapping[str, Any], x: Any, shape: Shape, *rng: Any) -> tuple[Any, Function]:
        y, back = called(both, params, x, shape, params, x, *rng)
        return kept(y, params, x, shape), back

    def plain(params: Mapping[str, Any], x: Any, *rng: Any) -> Any:
        shape = x.shape if x.__class__ is np.ndarray else shape_of(x)
        if value is None:
            return run(params, x, shape, *rng)[0]
        return kept(called(value, params, x, shape, params, x, *rng), params, x, shape)

    def pulled(params: Mapping[str, Any], x: Any, *rng: Any) -> tuple[Any, Function]:
        shape = x.shape if x.__class__ is np.ndarray else shape_of(x)
        y, back = run(params, x, shape, *rng)
        if value is not None and len(compared) < _SHAPES and shape not in compared:
            _agree(plain(params, x, *rng), y)
            compared.add(shape)

        def pullback(dy: Any) -> tuple[Any, Any]:
            pair: object = called(back, params, x, shape, dy)
            if not is_tuple(pair) or len(pair) != 2:
                raise ParamsError(f"the pullback must return the pair (dparams, dx), got {described(pair)}")
            dparams, dx = pair
            _gradients(params, dparams, (), (params, x, dy))
            if dx.__class__ is Later:
                return dparams, Later(lambda: cotangent_kept(called(dx.now, params, x, shape), x, (params, x, dy)))
            return dparams, cotangent_kept(dx, x, (params, x, dy))

        return y, pullback

    return pulled, plain


def _short(params: Mapping[str, Any], x: Any) -> bool:
    """May there be products that BLAS spreads over threads, none of which repays that?

    The product that a step of a loop makes has one row for every row of the batch, and no more columns than the largest
    leaf. Where that is long, as in a layer of many units, BLAS keeps its threads.
    """
    inputs = [a for a in leaves_in(x) if a.ndim]
    batch = max((len(a) for a in inputs), default=1)
    leaf = max((a.size for a in leaves_in(params)), default=0)
    if leaf:
        rows = max((a.size // max(1, a.shape[-1]) for a in inputs), default=1)
        most, each = max(rows, batch) * leaf, batch * leaf
    else:
        numbers, widest = max((a.size for a in inputs), default=0), max((d for a in inputs for d in a.shape), default=1)
        most, each = numbers * widest, numbers // max(1, batch) * widest
    return most >= FEW and each < _LONG


# values ---------------------------------------------------------------------------------------------------------------
def _dtype(params: Mapping[str, Any], x: Any) -> np.dtype[Any] | None:
    """The dtype that a layer computes in: that of its params, or of its input; None where neither tells."""
    for leaf in leaves_in(params):
        return leaf.dtype
    return next((array.dtype for array in leaves_in(x) if array.dtype.kind in "fc"), None)


def leaves_in(value: Any) -> Iterator[npt.NDArray[Any]]:
    """The arrays in tuples and trees."""
    if is_mapping(value) or is_tuple(value):
        for part in value.values() if is_mapping(value) else value:
            yield from leaves_in(part)
    elif is_array(value):
        yield value


def is_complex(*values: Any) -> bool:
    """Does the rule run on complex numbers, for its derivatives? Then real ones are as good."""
    return any(leaf.dtype.kind == "c" for leaf in leaves_in(values))


def _look(y: Any, shape: Shape, dtype: np.dtype[Any] | None, item: str) -> None:
    """Look at a value closely, tuple by tuple. Masks and tokens pass through; `dtype` is that of the others."""
    if any(isinstance(d, tuple) for d in shape) or is_tuple(y):
        if not is_tuple(y) or len(y) != len(shape) or not all(isinstance(d, tuple) for d in shape):
            many = all(isinstance(d, tuple) for d in shape) and shape
            wanted = f"a tuple of {len(shape)}" if many else f"an array of shape {display(shape)}"
            raise ParamsError(f"{_MUST} {item}{wanted}, as its shape rule says, got {described(y)}")
        for i, (part, sizes) in enumerate(zip(y, shape, strict=True)):
            _look(part, sizes, dtype, f"as item {i} {'of ' + item if item else ''}")  # type: ignore[arg-type]
        return
    if type(y) is not np.ndarray and not is_scalar(y):
        fix = "; make it a plain one with np.asarray" if is_array(y) and not isinstance(y, np.ma.MaskedArray) else ""
        raise ParamsError(f"{_MUST} {item}an array of shape {display(shape)}, got {type(y).__name__}{fix}")
    if y.shape != shape:
        raise ShapeError(
            f"the rule of this layer returned {item}{described(y)}, but its shape rule says {display(shape)}; "
            f"mend the one that is wrong"
        )
    if y.dtype.kind not in "fiubc" or (y.dtype.kind in "fc" and dtype is not None and y.dtype != dtype):
        raise ParamsError(f"{_MUST} {item}{dtype or 'numbers'}, got {described(y)}; {WIDE}")


def _agree(value: Nested, y: Nested) -> None:
    """Refuse two ways to a value that lead to different ones."""
    if isinstance(y, tuple):
        for a, b in zip(value, y, strict=True):
            _agree(a, b)
        return
    a, b = np.asarray(value), np.asarray(y)
    if a.dtype.kind not in "fc" or not a.size:
        same = np.array_equal(a, b)
    else:
        with np.errstate(all="ignore"):
            size = float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b)))
            near = (np.abs(a - b) <= size * np.finfo(a.dtype).eps ** 0.5) | (a == b) | ((a != a) & (b != b))
        same = bool(near.all())
    if not same:
        raise ParamsError("the value= of this layer gives other numbers than its rule; both must compute the same")


# cotangents -----------------------------------------------------------------------------------------------------------
def _gradients(params: Mapping[str, Any], dparams: Any, at: tuple[str, ...], all_: tuple[Any, ...]) -> None:
    """Compare gradients with params: names, shapes, dtypes."""
    if dparams.__class__ is not dict:
        dparams = subtree(dparams, at)
    for name, leaf in params.items():
        g = dparams.get(name)
        if isinstance(leaf, Mapping):
            _gradients(leaf, {} if g is None else g, (*at, name), all_)  # pyright: ignore[reportUnknownArgumentType]
        elif g.__class__ is not np.ndarray or g.shape != leaf.shape or g.dtype != leaf.dtype:
            if not (is_array(g) or is_scalar(g)) or g.shape != leaf.shape:
                raise wrong_gradient(g, leaf, name, at)
            if g.dtype != leaf.dtype and not (g.dtype.kind in "fc" and is_complex(all_)):
                raise wrong_gradient(g, leaf, name, at)
    if len(dparams) != len(params):
        refuse_extra(params, dparams, at)


def subtree(dparams: object, at: tuple[str, ...]) -> Mapping[str, Any]:
    """What a pullback returned as gradients, which must be a dict.

    Errors
        ParamsError   it is none
    """
    if is_mapping(dparams):
        return dparams
    got = type(dparams).__name__
    raise ParamsError(f"the pullback of this layer must return a dict of gradients, got {got}: (dparams, dx)", path=at)


def refuse_extra(params: Mapping[str, Any], dparams: Mapping[str, Any], at: tuple[str, ...]) -> None:
    """Refuse gradients of what is not there.

    Errors
        ParamsError   with their names
    """
    if extra := ", ".join(sorted(map(str, dparams.keys() - params.keys()))):
        raise ParamsError(f"the pullback of this layer returned gradients of what it has not: {extra}", path=at)


def wrong_gradient(g: object, value: Array, name: str, at: tuple[str, ...]) -> ParamsError:
    """What is said of a gradient that is not like its leaf."""
    got = "nothing" if g is None else described(g)
    wanted = f"{value.dtype} of shape {value.shape}"
    fix = f"; {WIDE}" if is_array(g) and g.shape == value.shape and g.dtype.kind == "f" else ""
    return ParamsError(f"the pullback of this layer must return {wanted} for {name}, got {got}{fix}", path=at)


def cotangent_kept(dx: Any, x: Any, all_: tuple[Any, ...], said: str = _AS_DX, like: str = "input") -> Any:
    """A cotangent, compared with what it is the cotangent of; `all_` is what the pullback was made of.

    Errors
        ParamsError   it has another structure, shape, dtype or type
    """
    if dx.__class__ is np.ndarray and x.__class__ is np.ndarray and dx.shape == x.shape and dx.dtype == x.dtype:
        return dx
    if is_tuple(x):
        if not is_tuple(dx) or len(dx) != len(x):
            raise ParamsError(f"{said} a tuple of {len(x)}, like the {like}, got {described(dx)}")
        for d, part in zip(dx, x, strict=True):
            cotangent_kept(d, part, all_, said, like)
        return dx
    right = (is_array(dx) or is_scalar(dx)) and dx.shape == x.shape and not isinstance(dx, np.ma.MaskedArray)
    if not right or (dx.dtype != x.dtype and x.dtype.kind in "fc" and not (dx.dtype.kind in "fc" and is_complex(all_))):
        wanted = f"{x.dtype if x.dtype.kind == 'f' else 'floating-point numbers'} of shape {x.shape}"
        fix = f"; {WIDE}" if right else ""
        raise ParamsError(f"{said} {wanted}, like the {like}, got {described(dx)}{fix}")
    return dx
