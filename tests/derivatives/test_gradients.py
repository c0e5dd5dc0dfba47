"""What layers return from their pullbacks, at the door of the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import Array, Dense, Key, Layer, Params, ParamsError, Tree, serial, vjp
from funcnn.authoring import Later
from tests.refusals import refusal


def ones(key: Key, shape: tuple[int, ...], dtype: Any) -> Array:
    """An initializer."""
    return np.ones(shape, dtype)


def returning(
    dparams: Callable[[Array, Array], Any], dx: Callable[[Array], Any] = lambda dy: dy
) -> Layer[Array, Array]:
    """`y = x + b` with a pullback that returns whatever is to be tried."""

    def rule(params: Tree, x: Array) -> Any:
        return x + np.asarray(params["b"]), lambda dy: (dparams(np.asarray(params["b"]), dy), dx(dy))

    return Layer.of(lambda shape: shape, lambda shape: {"b": (ones, shape[1:])}, rule)  # type: ignore[dict-item]


WIDE = (
    "; NumPy's own numbers and integer arrays make float64 of float32; write float(np.sqrt(2.0)) for such a number, "
    "and .astype(x.dtype) for an array"
)
GOOD = returning(lambda b, dy: {"b": dy.sum(0)})


def pulled(net: Layer[Array, Array]) -> Any:
    """The gradients at some point."""
    _, params = net.init(0, (-1, 3))
    y, pullback = vjp(net.apply, params, np.ones((2, 3), np.float32))
    return pullback(np.ones_like(y))


@pytest.mark.parametrize(
    ("dparams", "said"),
    [
        (lambda b, dy: {}, "must return float32 of shape (3,) for b, got nothing"),
        (lambda b, dy: {"b": dy}, "must return float32 of shape (3,) for b, got float32 of shape (2, 3)"),
        (
            lambda b, dy: {"b": dy.sum(0).astype(float)},
            "must return float32 of shape (3,) for b, got float64 of shape (3,)",
        ),
        (lambda b, dy: {"b": [1.0, 2.0, 3.0]}, "must return float32 of shape (3,) for b, got list"),
        (lambda b, dy: {"b": {"b": dy}}, "must return float32 of shape (3,) for b, got dict"),
        (lambda b, dy: {"b": dy.sum(0), "c": b}, "returned gradients of what it has not: c"),
        (lambda b, dy: [dy.sum(0)], "must return a dict of gradients, got list: (dparams, dx)"),
    ],
)
def test_wrong_gradients_are_refused(dparams: Callable[[Array, Array], Any], said: str) -> None:
    """The layer's path, what was expected and what came."""
    net = serial(GOOD.named("good"), returning(dparams).named("bad"))
    found = refusal(lambda: pulled(net), ParamsError)
    assert found.startswith(f"bad in serial: the pullback of this layer {said}")
    assert found.endswith(WIDE if "float64" in said else said)


@pytest.mark.parametrize(
    ("dx", "got"),
    [
        (lambda dy: dy[:1], "float32 of shape (1, 3)"),
        (lambda dy: dy.astype(float), "float64 of shape (2, 3)"),
        (lambda dy: None, "NoneType"),
        (lambda dy: (dy,), "a tuple of 1"),
        (lambda dy: Later(lambda: dy[:1]), "float32 of shape (1, 3)"),
    ],
)
def test_a_wrong_cotangent_of_the_input_is_refused(dx: Callable[[Array], Any], got: str) -> None:
    """What was expected and what came."""
    net = returning(lambda b, dy: {"b": dy.sum(0)}, dx)
    said = f"the pullback must return as dx float32 of shape (2, 3), like the input, got {got}"
    assert refusal(lambda: pulled(net), ParamsError) == said + (WIDE if "float64" in got else "")


def test_a_gradient_that_is_the_cotangent_is_copied() -> None:
    """Whoever writes to the cotangent afterwards changes no gradient."""
    net = returning(lambda b, dy: {"b": dy})
    _, pullback = vjp(net.apply, {"b": np.zeros((), np.float32)}, np.ones(1, np.float32).reshape(()))
    dy = np.ones((), np.float32)
    dparams, _ = pullback(dy)
    dy[...] = 7
    assert dparams.at("b") == 1


def test_gradients_are_contiguous() -> None:
    """Also where a layer makes them the other way round."""

    def rule(params: Tree, x: Array) -> tuple[Array, Callable[[Array], tuple[Tree, Array]]]:
        return x + np.asarray(params["b"]), lambda dy: ({"b": np.asfortranarray(dy + 0)}, dy)

    net = Layer.of(lambda shape: shape, lambda shape: {"b": (ones, shape)}, rule)  # type: ignore[dict-item]
    _, params = net.init(0, (2, 3))
    y, pullback = vjp(net.apply, params, np.ones((2, 3), np.float32))
    assert pullback(np.ones_like(y))[0].at("b").flags.c_contiguous


def test_a_layer_may_return_params() -> None:
    """What an inner `vjp` gave, for one."""
    net = returning(lambda b, dy: Params({"b": dy.sum(0)}))
    assert pulled(net)[0].at("b").tolist() == [2, 2, 2]


def test_gradients_have_the_order_of_the_params() -> None:
    """Whatever order a layer returns them in."""
    _, params = Dense(2).init(0, (-1, 3))
    mine = {"b": params.at("b"), "w": params.at("w")}
    y, pullback = vjp(Dense(2).apply, mine, np.ones((1, 3), np.float32))
    assert list(pullback(y)[0]) == ["b", "w"]
