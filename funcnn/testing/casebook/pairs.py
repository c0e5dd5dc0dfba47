"""Plain functions as a layer that can be held to laws: `pair(forward, backward)`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn.errors import ParamsError, ShapeError, brief
from funcnn.initializers import normal
from funcnn.inputs import Kind
from funcnn.keys import Key
from funcnn.networks import Layer, layer
from funcnn.networks.definitions import EMPTY, Spec
from funcnn.shapes import known
from funcnn.testing import nested
from funcnn.testing.casebook.signatures import Function, Signature, Source, UnfitError, is_several
from funcnn.testing.drawing.contents import mask_contents, positive_definite
from funcnn.types import Shape, is_array, is_mapping, is_scalar

Shapes = Mapping[str, Any]
"""Params by name: the shape of each, or an array to start from; or a mapping of these."""


class Parts(NamedTuple):
    """What a pair was made of."""

    forward: Function
    backward: Function
    signature: Signature


@layer
def pair(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *,
    params: Shapes | Callable[[Shape], Shapes] | None = None,
    takes: Mapping[str, str] = {},
    cache: bool | None = None,
) -> Layer[Any, Any]:
    """Plain functions of arrays, for `holds`, `laws` and `parametrize_with_laws`: `holds(pair(f, b), ("B", "D"))`.

    ============================  ========================================  ==========================================
    forward                       backward                                  the shape that is given
    ============================  ========================================  ==========================================
    `f(x) -> y`                   `b(dy, x) -> dx`, `b(dy, y)`, `b(dy)`     of x: `("B", "D")`
    `f(x, w, b) -> y`             `b(dy, x, w, b) -> (dx, dw, db)`          of all: `(("B", "D"), ("D", 3), (3,))`
    `f(x, w, b) -> (y, cache)`    `b(dy, cache) -> (dx, dw, db)`            of all
    `f(params, x) -> y`           `b(params, x, dy) -> (dparams, dx)`       of x; and `params={"w": (4, 3)}`
    `f(params, x) -> (y, cache)`  `b(dy, cache) -> (dparams, dx)`           of x; and `params=`
    ============================  ========================================  ==========================================

    Gradients come in the order of forward's arguments. The arguments of backward that are called as one of forward's
    are given what that was given, one called `y`, `out` or `output` the value; the others, in order, the cotangents of
    all that forward returns, and then what it hands on, the cache.

    forward, backward   the functions; they print by their names, and reports say where each stands
    params   `{name: shape}`, or a function of the shape of x that gives it; instead of a shape, an array to start from
    takes    `{"labels": "tokens", "mask": "mask"}`: arguments that are integers or booleans; backward gives None for
             them, or leaves them out
    cache    whether the last thing that forward returns is the cache, where names do not tell

    What is asked of layers alone, such as shape rules and names of params, is not asked of functions. Of several arrays
    those are the batch whose template starts with the same name as the first one's; the others are shared by all rows.

    Errors
        TypeError    something is no function, or has a signature that fits none of these; an unknown name in `takes`
        ShapeError   from a call: a gradient has another shape than what it is of, or there are too many or too few

    >>> from funcnn.testing import holds
    >>> def scaled(x, w):
    ...     return x * w, (x, w)
    >>> def scaled_backward(dout, cache):
    ...     x, w = cache
    ...     return dout * w, (dout * x).sum(0)
    >>> holds(pair(scaled, scaled_backward), (("B", "D"), ("D",)))
    """
    signature = Signature.of(forward, backward, params is not None, cache)
    unknown = [name for name in takes if name not in signature.inputs]
    if unknown:
        raise TypeError(f"takes names {unknown[0]!r}; {signature.forward} takes {', '.join(signature.inputs)}")
    kinds = {i: takes.get(name, "features") for i, name in enumerate(signature.inputs)}

    def spec(shape: Shape) -> Spec:
        wanted = params(shape) if callable(params) else params
        return EMPTY if wanted is None else _spec(wanted)

    def given(tree: Any, x: Any) -> list[Any]:
        inputs = list(x) if nested.is_tuple(x) else [x]
        return signature.arguments(tree, inputs)

    def rule(tree: Any, x: Any) -> tuple[Any, Callable[[Any], tuple[Any, Any]]]:
        arguments = given(tree, x)
        result = forward(*arguments)
        sources = signature.sources(result)
        m = sum(source == "dy" for source in sources)
        outputs = tuple(_array(signature, y, arguments) for y in (result[:m] if is_several(result) else (result,)))
        y = outputs[0] if m == 1 else outputs

        def pullback(dy: Any) -> tuple[Any, Any]:
            cotangents = iter((dy,) if m == 1 else dy)
            handed = [_handed(source, cotangents, arguments, y, result) for source in sources]
            return _gradients(signature, backward(*handed), arguments, nested.is_tuple(x))

        return y, pullback

    def out_shape(shape: Shape) -> Shape:
        """What forward gives for numbers of this shape; some it may not take, and then others are tried."""
        if not _known(shape):
            raise ShapeError(f"{signature.forward} is run to learn the shape of what it gives: give sizes, not -1")
        tree = nested.mapped(lambda a: a, _drawn(spec(shape)))
        told: Exception | None = None
        for sample in _samples(shape, kinds):
            with np.errstate(all="ignore"):
                try:
                    y = rule(tree, sample)[0]
                except UnfitError:
                    raise
                except Exception as error:
                    told = told or error
                else:
                    found: Shape = nested.structure(y)
                    return found
        what = f"{signature.forward} raises {type(told).__name__} for arrays of shape {shape}: {told}"
        raise ShapeError(what) from told

    def taken(out: Kind) -> Kind:
        return kinds[0] if len(kinds) == 1 else kinds

    made: Layer[Any, Any] = Layer.of(out_shape, spec, rule, takes=taken)
    return made


def _known(shape: Shape) -> bool:
    return all(_known(d) if isinstance(d, tuple) else known(d) for d in shape)


def _spec(wanted: Shapes) -> Spec:
    """A spec out of shapes, and of arrays to start from."""
    found: dict[str, Any] = {}
    for name, value in wanted.items():
        if is_mapping(value):
            found[name] = _spec(value)
        elif is_array(value):
            found[name] = (partial(_from, value), value.shape)
        elif is_several(value):
            sizes: tuple[Any, ...] = tuple(value)
            found[name] = (normal(0.5), sizes)
        else:
            raise TypeError(f"params takes {{name: shape}}, or an array to start from, got {name!r}: {brief(value)}")
    return found


def _from(start: Any, key: Key, shape: tuple[int, ...], dtype: Any) -> Any:
    return start.astype(dtype)


def _drawn(spec: Spec) -> dict[str, Any]:
    def leaf(wanted: Any) -> Any:
        return wanted[0](Key(0), wanted[1], np.dtype(np.float64))

    return {name: _drawn(part) if is_mapping(part) else leaf(part) for name, part in spec.items()}


def _samples(shape: Shape, kinds: Mapping[int, str]) -> Iterator[Any]:
    """Arrays of these shapes: any numbers, ones, symmetric matrices, between 0 and 1."""
    makers: list[Callable[[np.random.Generator, tuple[int, ...]], Any]] = [
        lambda rng, s: rng.standard_normal(s),
        lambda rng, s: np.ones(s),
        lambda rng, s: positive_definite(rng, s) if len(s) > 1 and s[-1] == s[-2] else np.full(s, 0.5),
        lambda rng, s: rng.uniform(0.1, 0.9, s),
    ]
    for make in makers:
        rng = np.random.default_rng(0)

        def made(i: int, s: Any) -> Any:
            kind = kinds.get(i, "features")
            if kind == "tokens":
                return np.zeros(s, np.int64)
            return mask_contents(rng, s) if kind == "mask" else make(rng, s)  # noqa: B023

        if any(isinstance(d, tuple) for d in shape):
            yield tuple(made(i, s) for i, s in enumerate(shape))
        else:
            yield made(0, shape)


def _array(signature: Signature, y: Any, arguments: Sequence[Any]) -> Any:
    """One output as an array; a float of Python's own is a number of the arguments' dtype."""
    if type(y) in (float, int):
        floats = [a.dtype for _, a in nested.leaves(tuple(arguments)) if a.dtype.kind in "fc"]
        return np.asarray(y, floats[0] if floats else None)
    if not (is_array(y) or is_scalar(y)) or np.asarray(y).dtype.kind not in "fciub":
        raise UnfitError(f"{signature.forward} gives {brief(y)}, an array of numbers is wanted{signature.way_out}")
    return np.asarray(y)


def _handed(source: Source, cotangents: Iterator[Any], arguments: Sequence[Any], y: Any, result: Any) -> Any:
    """What an argument of backward is given."""
    if source == "dy":
        return next(cotangents)
    if source == "cache":
        return result[-1]
    return y if source == "y" else arguments[source]


def _gradients(signature: Signature, found: Any, arguments: Sequence[Any], several: bool) -> tuple[Any, Any]:
    """What backward gives, as `(dparams, dx)`.

    Errors
        ShapeError, ParamsError   it is not one for every argument of forward, each of its shape
    """
    names, who = signature.names(len(arguments)), signature.backward
    real = [i for i, a in enumerate(arguments) if is_mapping(a) or a.dtype.kind in "fc"]
    given = list(found) if is_several(found) else [found]
    if len(given) == len(real) != len(arguments):
        given = [given.pop(0) if i in real else None for i in range(len(arguments))]
    if len(given) != len(arguments):
        wanted = " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
        gives = f"{who} gives {_counted(len(given))}"
        raise ShapeError(f"{gives}, {signature.forward} takes {wanted}: one for each is wanted")
    dtype = next((a.dtype for _, a in nested.leaves(tuple(arguments)) if a.dtype.kind in "fc"), np.dtype(np.float32))
    gradients = [_gradient(who, dtype, *each) for each in zip(names, given, arguments, strict=True)]
    dparams = EMPTY if signature.params is None else gradients.pop(signature.params)
    return dparams, tuple(gradients) if several else gradients[0]


def _counted(n: int) -> str:
    return "one gradient" if n == 1 else f"{n} gradients"


def _gradient(who: str, dtype: np.dtype[Any], name: str, g: Any, of: Any) -> Any:
    if is_mapping(of):
        if not is_mapping(g):
            raise ParamsError(f"{who} gives {brief(g)} as the gradient of {name}, a mapping like it is wanted")
        if g.keys() != of.keys():
            raise ParamsError(f"{who} gives gradients of {', '.join(sorted(g))}, {name} has {', '.join(sorted(of))}")
        return {key: _gradient(who, dtype, f"{name}[{key!r}]", g[key], of[key]) for key in of}
    if of.dtype.kind not in "fc":
        return np.zeros(of.shape, dtype)
    if not (is_array(g) or is_scalar(g) or isinstance(g, (float, int))):
        raise ShapeError(f"{who} gives {brief(g)} as the gradient of {name}, an array of shape {of.shape} is wanted")
    g = np.asarray(g, of.dtype) if isinstance(g, (float, int)) and type(g) in (float, int) else np.asarray(g)
    if g.shape != of.shape:
        raise ShapeError(f"{who} gives a gradient of shape {g.shape} for {name}, which has shape {of.shape}")
    return g


_NAME: Final = pair.__name__


def parts(made: Any) -> Parts | None:
    """The functions of a pair; None of any other layer."""
    record = made.init.record
    if record is None or record.name != _NAME or record.make is not pair:
        return None
    bound = record.bound().arguments
    forward, backward, wanted, cache = (bound[name] for name in ("forward", "backward", "params", "cache"))
    return Parts(forward, backward, Signature.of(forward, backward, wanted is not None, cache))


def standing(f: Function) -> str:
    """Where a function stands: its file and its first line; "" where that is not known."""
    while isinstance(f, partial):
        f = f.func
    code = getattr(inspect.unwrap(getattr(f, "__func__", f)), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else ""
