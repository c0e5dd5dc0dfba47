"""What is drawn: networks of the catalogue with params and inputs, arrays in other layouts, and odd things."""

from __future__ import annotations

import ast
import datetime
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse  # type: ignore[attr-defined, unused-ignore]

import funcnn
from funcnn import Key, Layer, Params
from tests.catalogue import COMBINATORS, LAYERS, LOSSES, NAMESPACE, OPTIMIZERS, LayerRow, build

Rng = np.random.Generator
ROWS = [row for row in (*LAYERS, *COMBINATORS)]
EVERYTHING = [*ROWS, *LOSSES, *OPTIMIZERS]
SIZES = (1, 2, 3, 3, 4)


class Case(NamedTuple):
    """A network with all that belongs to it."""

    net: Layer[Any, Any]
    shape: Any
    params: Params
    x: Any
    y: Any


def pick(rng: Rng, values: Any) -> Any:
    """One of them."""
    return values[int(rng.integers(len(values)))]


# networks -------------------------------------------------------------------------------------------------------------
def shape_of(rng: Rng, template: Any) -> Any:
    """A shape of this template."""
    free = {name: pick(rng, SIZES) for name in "BTDEHWCKQS"}

    def drawn(part: Any) -> Any:
        if any(isinstance(d, tuple) for d in part):
            return tuple(drawn(d) for d in part)
        sizes: list[int] = []
        for d in part:
            if d is ...:
                sizes += [pick(rng, SIZES) for _ in range(rng.integers(2))]
            else:
                sizes.append(d if isinstance(d, int) else pick(rng, d) if isinstance(d, range) else free[d[0]])
        return tuple(sizes)

    return drawn(template)


def _array(rng: Rng, shape: Any, kind: Any, row: LayerRow) -> Any:
    if any(isinstance(d, tuple) for d in shape):
        kinds = [kind.get(i, "features") if isinstance(kind, dict) else kind for i in range(len(shape))]
        return tuple(_array(rng, d, of, row) for d, of in zip(shape, kinds, strict=True))
    if kind == "tokens":
        below = row.tokens if isinstance(row.tokens, range) else range(row.tokens)
        return rng.integers(below.start, below.stop, size=shape)
    if kind == "mask":
        mask = rng.random(shape) < 0.7
        mask[..., :1] = True
        return mask
    low, high = row.domain or (-2, 2)
    return rng.uniform(max(low, -4), min(high, 4), size=shape).astype(np.float32)


@cache
def built(source: str) -> Any:
    """The value of a row, once."""
    return eval(source, NAMESPACE)


def case(rng: Rng) -> Case:
    """A row of the catalogue, alone or inside a combinator, at a shape that it takes."""
    row = pick(rng, ROWS)
    net, shape = built(row.source), shape_of(rng, row.shape)
    x = _array(rng, shape, net.apply.definition.takes("any"), row)
    around = rng.integers(6)
    if around == 0:
        net = funcnn.serial(net.named("part"))
    elif around == 1 and not any(isinstance(d, tuple) for d in net.out_shape(shape)):
        net = funcnn.serial(net, funcnn.Identity, funcnn.Dropout(0.3))
    elif around == 2:
        net = funcnn.inference(net)
    _, params = net.init(int(rng.integers(100)), shape)
    return Case(net, shape, params, x, net.apply(params, x))


# layouts --------------------------------------------------------------------------------------------------------------
def each(f: Callable[[Any], Any], x: Any) -> Any:
    """`f` of every array in a tuple."""
    return tuple(each(f, v) for v in x) if type(x) is tuple else f(x)


def _turned(x: Any) -> Any:
    out = np.empty((*x.shape, 2), x.dtype)[..., 0] if x.ndim else x.copy()
    out[...] = x
    return out


def _readonly(x: Any) -> Any:
    out = x.copy()
    out.setflags(write=False)
    return out


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "Fortran": np.asfortranarray,
    "strides": _turned,
    "backwards": lambda x: np.ascontiguousarray(x[::-1])[::-1] if x.ndim else x,
    "read-only": _readonly,
    "byte order": lambda x: x.astype(x.dtype.newbyteorder()),
    "wider": lambda x: x.astype({"f": np.float64, "i": np.int32}.get(x.dtype.kind, x.dtype)),
    "lists": lambda x: x.tolist() if x.size else x,
}  # fmt: skip
"""The same numbers, laid out in another way: nothing may come out differently."""


# odd things -----------------------------------------------------------------------------------------------------------
def _nothing(*args: Any, **options: Any) -> None:
    """A function of anything, which gives nothing."""


_NET = funcnn.serial(funcnn.Dense(3), funcnn.Relu)
_PARAMS = _NET.init(0, (-1, 2))[1]
_X = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)

# fmt: off
ODD: dict[str, Callable[[], Any]] = {
    "None": lambda: None, "True": lambda: True, "0": lambda: 0, "-1": lambda: -1, "1": lambda: 1, "3": lambda: 3,
    "0.5": lambda: 0.5, "nan": lambda: float("nan"), "inf": lambda: float("inf"), "-2.5": lambda: -2.5,
    "1j": lambda: 1j, "int8": lambda: np.int8(3), "float64": lambda: np.float64(0.5), "bool_": lambda: np.bool_(True),
    "70000": lambda: 70000, "Fraction": lambda: Fraction(1, 3), "Decimal": lambda: Decimal("0.5"), "''": lambda: "",
    "'a'": lambda: "a", "'**'": lambda: "**", "'SAME'": lambda: "SAME", "bytes": lambda: b"a", "[]": lambda: [],
    "[1, 2]": lambda: [1, 2], "[[]]": lambda: [[]], "ragged": lambda: [[1], [1, 2]], "['a']": lambda: ["a"],
    "()": tuple, "(1, 2)": lambda: (1, 2), "(-1, 2)": lambda: (-1, 2), "(2, 0)": lambda: (2, 0),
    "(x,)": lambda: (_X,), "(x, x)": lambda: (_X, _X), "((-1, 2), (-1, 2))": lambda: ((-1, 2), (-1, 2)),
    "(None,)": lambda: (None,), "{}": dict, "{'a': 1}": lambda: {"a": 1}, "{'w': x}": lambda: {"w": _X.copy()},
    "{1: x}": lambda: {1: _X.copy()}, "{'a': {}}": lambda: {"a": {}}, "{'a/b': x}": lambda: {"a/b": _X.copy()},
    "set": lambda: {1, 2}, "object": object, "function": lambda: _nothing, "class": lambda: int, "np": lambda: np,
    "ufunc": lambda: np.sin, "Relu": lambda: funcnn.Relu, "Dense": lambda: funcnn.Dense, "net": lambda: _NET,
    "apply": lambda: _NET.apply, "init": lambda: _NET.init, "pair": lambda: (_NET.init, _NET.apply),
    "params": lambda: _PARAMS, "(shape, params)": lambda: _NET.init(0, (-1, 2)),
    "Gradients": lambda: funcnn.Gradients(_PARAMS), "Updates": lambda: funcnn.Updates(_PARAMS),
    "dict of params": lambda: _PARAMS.to_dict(), "Params({})": lambda: Params({}),
    "float64 params": lambda: funcnn.astype(_PARAMS, np.float64),
    "float16 params": lambda: funcnn.astype(_PARAMS, np.float16), "Key": lambda: Key(3),
    "RandomState": lambda: np.random.RandomState(0), "Generator": lambda: np.random.default_rng(0),
    "sgd": lambda: funcnn.sgd(0.1), "adam state": lambda: funcnn.adam(0.1).init(_PARAMS),
    "loss": lambda: funcnn.squared_error, "metric": lambda: funcnn.r2, "iterator": lambda: iter([1, 2]),
    "generator": lambda: (i for i in range(2)), "range": lambda: range(3), "slice": lambda: slice(1),
    "memoryview": lambda: memoryview(b"abcd"), "date": lambda: datetime.date(2020, 1, 1),
    "dtype": lambda: np.dtype(np.float64), "...": lambda: ..., "x": lambda: _X.copy(),
    "x int": lambda: _X.astype(int), "x bool": lambda: _X > 2, "x float16": lambda: _X.astype(np.float16),
    "x float64": lambda: _X.astype(float), "x longdouble": lambda: _X.astype(np.longdouble),
    "x complex": lambda: _X * 1j, "x object": lambda: _X.astype(object), "x of None": lambda: np.full((2, 2), None),
    "x text": lambda: _X.astype(str), "x StringDType": lambda: _X.astype("U3").astype(np.dtypes.StringDType()),
    "x dates": lambda: np.zeros((2, 2), "M8[s]"), "x durations": lambda: np.zeros((2, 2), "m8[s]"),
    "x structured": lambda: np.zeros(2, "f4,i4"), "x raw": lambda: np.zeros(2, "V3"),
    "x masked": lambda: np.ma.masked_array(_X, _X > 3), "masked list": lambda: list(np.ma.masked_array(_X, _X > 3)),
    "x matrix": lambda: _X.view(np.matrix), "x sparse": lambda: sparse.csr_array(_X), "x nan": lambda: _X * np.nan,
    "x huge": lambda: _X * 1e30, "x tiny": lambda: _X * 1e-40, "x empty": lambda: _X[:0],
    "x no columns": lambda: _X[:, :0], "x 0-d": lambda: np.float32(2.0) * np.ones(()), "x 1-d": lambda: _X[0].copy(),
    "x 3-d": lambda: _X[None].copy(), "x 5-d": lambda: np.ones((1, 2, 2, 2, 2), np.float32),
    "labels": lambda: np.array([0, 1]), "labels -1": lambda: np.array([0, -1]),
    "labels uint8": lambda: np.array([0, 250], np.uint8), "zeros": lambda: np.zeros(2),
    "ones float32": lambda: np.ones(2, np.float32),
}
# fmt: on


def arguments_of(row: Any) -> tuple[Any, list[Any], dict[str, Any]] | None:
    """The constructor of a row, and what it is called with; None for a value that nothing is called for."""
    call = ast.parse(row.source, mode="eval").body
    if not isinstance(call, ast.Call):
        return None

    def value(node: ast.expr) -> Any:
        return eval(compile(ast.Expression(node), row.source, "eval"), NAMESPACE)

    options = {word.arg: value(word.value) for word in call.keywords if word.arg}
    return value(call.func), [value(node) for node in call.args if not isinstance(node, ast.Starred)], options


def row_value(row: Any) -> Any:
    """What a row stands for."""
    return build(row)
