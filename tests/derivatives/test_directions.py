"""jvp, linearize, jacobian: held to the pullbacks of every layer of the catalogue, and to what can be worked out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import funcnn
from funcnn import (
    Apply,
    Array,
    Dense,
    Embedding,
    FanInSum,
    Key,
    Layer,
    NotAnalyticError,
    ParamsError,
    ShapeError,
    Tanh,
    jacobian,
    jvp,
    linearize,
    parallel,
    residual,
    serial,
    tree_map,
    vjp,
)
from funcnn.nested import arrays, mapped
from tests.catalogue import COMBINATORS, LAYERS, LayerRow, build
from tests.derivatives.small_objectives import NET, PARAMS, Noise, X


def drawn(row: LayerRow, numbers: np.random.Generator) -> Any:
    """An input of a row: free sizes are 2, the batch 3."""
    layer: Layer[Any, Any] = build(row)
    kinds = layer.definition.takes("any")

    def fill(template: Any, kind: Any) -> Any:
        if any(isinstance(d, tuple) for d in template):
            return tuple(fill(t, kind.get(i, "any") if isinstance(kind, dict) else kind) for i, t in enumerate(template))
        shape = tuple(
            3 if d == "B" else d.stop - 1 if isinstance(d, range) else d if isinstance(d, int) else 2
            for d in template if d is not ...
        )  # fmt: skip
        if kind == "tokens":
            return numbers.integers(0, row.tokens if isinstance(row.tokens, int) else row.tokens.stop, shape)
        if kind == "mask":
            return numbers.random(shape) < 0.7
        return numbers.uniform(0.3, 1.3, shape)

    return fill(row.shape, kinds)


def random_like(tree: Any, numbers: np.random.Generator) -> Any:
    """Random numbers in the place of floats, zeros of others."""
    return mapped(lambda a: numbers.normal(size=a.shape) if a.dtype.kind == "f" else np.zeros(a.shape), tree)


def dot(a: Any, b: Any) -> float:
    """The inner product of structures of arrays; what is no float does not count."""
    pairs = zip(arrays(a), arrays(b), strict=True)
    return float(sum(np.vdot(u, v) for u, v in pairs if u.dtype.kind == "f" and v.dtype.kind == "f"))


ROWS = [
    row for row in (*LAYERS, *COMBINATORS)
    if "tangent" not in row.source and "input_gradient" not in row.source  # they step themselves
    and "true_pullback" not in row.except_  # those whose pullback is another on purpose: stop_gradient and its kind
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.source)
@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_directions_and_pullbacks_are_transposes(row: LayerRow, training: bool) -> None:
    """`<c, J v>` by the complex step is `<J^T c, v>` by the pullback, to rounding: for every layer, by params and x."""
    numbers = np.random.default_rng(1)
    layer: Layer[Any, Any] = build(row)
    x = drawn(row, numbers)
    _, params = layer.init(Key(2), mapped(np.shape, x), dtype=np.float64)
    params = tree_map(lambda p: p + numbers.uniform(0.1, 0.5, p.shape), params)
    rng = Key(3) if training else None
    v, d = random_like(x, numbers), tree_map(lambda p: numbers.normal(size=p.shape), params)
    y, dy = jvp(layer.apply, (params, x), (d, v), rng=rng)
    again, pullback = vjp(layer.apply, params, x, rng=rng)
    c = random_like(again, numbers)
    grads, dx = pullback(c)
    given, taken = dot(c, dy), dot(dx, v) + dot(grads.to_dict(), d.to_dict())
    assert abs(given - taken) <= 1e-11 * (abs(given) + abs(taken) + 1)
    assert mapped(np.shape, dy) == mapped(np.shape, y)


def test_jvp_by_hand() -> None:
    """The derivative of tanh(x w + b), of every argument."""
    net = serial(Dense(2), Tanh)
    _, params = net.init(0, (-1, 3), dtype=np.float64)
    w, b = params.at("dense_0/w"), params.at("dense_0/b")
    v, dw, db = X * 0.5 + 1, w * 3 - 1, b + 2
    y, dy = jvp(net.apply, (params, X), ({"dense_0": {"w": dw, "b": db}}, v))
    np.testing.assert_array_equal(y, net.apply(params, X))
    np.testing.assert_allclose(dy, (1 - np.tanh(X @ w + b) ** 2) * (v @ w + X @ dw + db), rtol=1e-14)
    _, still = jvp(net.apply, (params, X), (None, None))
    assert not still.any()


def test_what_is_left_out_does_not_move() -> None:
    """A part of a tree is a direction."""
    _, along = linearize(NET.apply, PARAMS, X)
    whole = along({"dense_1": {"b": np.ones(2)}}, None)
    np.testing.assert_array_equal(whole, np.ones((5, 2)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_are_kept(dtype: Any) -> None:
    """And values cannot be written to."""
    params = funcnn.astype(PARAMS, dtype)
    y, dy = jvp(NET.apply, (params, X), (None, X))
    assert (y.dtype, dy.dtype, dy.flags.writeable) == (dtype, dtype, False)
    np.testing.assert_allclose(dy, jvp(NET.apply, (PARAMS, X), (None, X))[1], rtol=1e-4 if dtype is np.float32 else 1e-14)


def test_linearize_is_linear() -> None:
    """A sum of directions is the sum of derivatives."""
    _, along = linearize(NET.apply, PARAMS, X)
    u, v = np.cos(X), np.sin(X)
    np.testing.assert_allclose(along(None, 2 * u - v), 2 * along(None, u) - along(None, v), rtol=1e-12, atol=1e-15)


# whole Jacobians ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("by", ["x", "params"])
def test_both_ways_are_one(by: Any) -> None:
    """Columns by complex steps, rows by pullbacks."""
    net: Layer[Any, Any] = serial(parallel(Dense(3), Embedding(4, 3)), FanInSum, residual(Tanh))
    x = (X, np.array([0, 1, 2, 3, 1]))
    _, params = net.init(0, mapped(np.shape, x), dtype=np.float64)
    forward = jacobian(net.apply, params, x, by=by, mode="forward")
    reverse = jacobian(net.apply, params, x, by=by, mode="reverse")
    default = jacobian(net.apply, params, x, by=by)
    for a, b, c in zip(arrays(forward), arrays(reverse), arrays(default), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(c, b, rtol=1e-13, atol=1e-15)
    if by == "x":
        assert [a.shape for a in forward] == [(5, 3, 5, 3), (5, 3, 5)] and not forward[1].any()
    else:
        assert forward["parallel_0"]["dense_0"]["w"].shape == (5, 3, 3, 3)


def test_the_jacobian_of_a_tuple() -> None:
    """A tuple of outputs gives a tuple of what one would."""
    net = parallel(Dense(2), Tanh)
    _, params = net.init(0, ((1, 3), (1, 2)), dtype=np.float64)
    found = jacobian(net.apply, params, (X[:1], X[:1, :2]))
    assert [[a.shape for a in row] for row in found] == [[(1, 2, 1, 3), (1, 2, 1, 2)], [(1, 2, 1, 3), (1, 2, 1, 2)]]
    np.testing.assert_allclose(found[0][0][0, :, 0], params.at("dense_0/w").T, rtol=1e-15)
    np.testing.assert_allclose(found[1][1][0, :, 0], np.diag(1 - np.tanh(X[0, :2]) ** 2), rtol=1e-14)
    assert not found[0][1].any()


def test_the_jacobian_of_a_training_pass() -> None:
    """The key is the same for every column."""
    net = serial(Noise(0.5), Dense(2))
    _, params = net.init(0, (-1, 3), dtype=np.float64)
    x = X[:2]
    a, b = (jacobian(net.apply, params, x, mode=mode, rng=Key(3)) for mode in ("forward", "reverse"))
    np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)


# what loses imaginary parts -------------------------------------------------------------------------------------------
def cubes(kind: str) -> Layer[Array, Array]:
    """`x^3` as people write it, with what goes wrong under complex numbers."""

    def buffer(x: Any) -> Any:
        y = np.empty(x.shape)
        y[...] = x**3
        return y

    def back(x: Any) -> Callable[[Any], Any]:
        return lambda dy: 3 * x**2 * dy

    forms: dict[str, Callable[[Any], Any]] = {
        "good": lambda x: (x**3, back(x)),
        "abs": lambda x: (np.abs(x) * x * np.abs(x), back(x)),
        "real": lambda x: (np.real(x) ** 3, back(x)),
        "cast": lambda x: (np.asarray(x**3, np.float64), back(x)),
        "buffer": lambda x: (buffer(x), back(x)),
        "pullback": lambda x: (x**3, lambda dy: 3 * np.real(x) ** 2 * dy),
    }
    return Layer.lift(lambda shape: shape, forms[kind])


def test_an_analytic_layer_of_ones_own() -> None:
    """Is looked at, and right."""
    net = serial(Dense(3), residual(cubes("good")))
    _, params = net.init(0, (-1, 3), dtype=np.float64)
    h = X @ params.at("dense_0/w")
    _, dy = jvp(net.apply, (params, X), (None, X))
    np.testing.assert_allclose(dy, (1 + 3 * h**2) * h, rtol=1e-13)


@pytest.mark.parametrize("kind", ["abs", "real", "cast", "buffer", "pullback"])
@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_who_loses_imaginary_parts_is_named(kind: str) -> None:
    """By path, before a wrong derivative goes out."""
    net = serial(Dense(3), residual(serial(cubes(kind).named("mine"))), Dense(1))
    _, params = net.init(0, (-1, 3), dtype=np.float64)
    with pytest.raises(NotAnalyticError, match=r"^residual_0/serial_0/mine in serial: .*so derivatives through it"):
        jvp(net.apply, (params, X), (None, X))
    reverse = jacobian(net.apply, params, X[:1], mode="reverse")  # needs no complex numbers
    assert reverse.shape == (1, 1, 1, 3)


# what is refused ------------------------------------------------------------------------------------------------------
NO_APPLY: Any = NET


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: jvp(NO_APPLY, (PARAMS, X), (None, X)), TypeError, "jvp takes the apply of a network, got Layer; take its .apply"),
        (lambda: jvp(NET.apply, (PARAMS, X), X), TypeError, "jvp takes the pairs (params, x) and (dparams, dx)"),  # type: ignore[arg-type]
        (lambda: jvp(NET.apply, (PARAMS, X), (None, X[:2])), ShapeError, "the direction of x must have the shape"),
        (lambda: jvp(NET.apply, (PARAMS, X), ({"dense_0": {"w": X}}, None)), ShapeError, "dense_0 in serial: the direction of w must have its shape, (3, 4), got (5, 3)"),
        (lambda: jvp(NET.apply, (PARAMS, X), ({"dense_0": {"v": X}}, None)), ParamsError, "whose names are w, b; got v"),
        (lambda: jvp(NET.apply, (PARAMS, X), (X, X)), ParamsError, "a direction of params is a tree like them or"),  # type: ignore[arg-type]
        (lambda: jvp(NET.apply, (PARAMS, X[:, :2]), (None, X)), ShapeError, "dense_0 in serial"),
        (lambda: jacobian(NET.apply, PARAMS, X, by="y"), ValueError, "jacobian: by must be 'x' or 'params', got 'y'"),  # type: ignore[arg-type]
        (lambda: jacobian(NET.apply, PARAMS, X, mode="up"), ValueError, "jacobian: mode must be"),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_a_word_for_it(call: Callable[[], object], error: type[Exception], message: str) -> None:
    """What was got, and what is taken."""
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_names() -> None:
    """They are where people look."""
    assert isinstance(NET.apply, Apply) and {"jvp", "linearize", "jacobian", "hvp"} <= set(funcnn.__all__)
