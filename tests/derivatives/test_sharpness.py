"""Sharpness-aware gradients: in closed form, as a program of its authors has them, and within training."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Dense, Dropout, Gradients, Key, NonFiniteError, Params, Tanh, fit, l2, sam, serial, sgd, squared_error,
    value_and_grad,
)  # fmt: skip

CURVATURES = np.array([1.0, 4.0, 0.5])


def bowl(params: Any, batch: Any, rng: Any) -> tuple[float, Any]:
    """`sum a w^2 / 2`, whose gradient is `a w`."""
    w = params.at("w")
    return float(CURVATURES @ w**2) / 2, {"w": CURVATURES * w}


W = Params({"w": np.array([1.0, -2.0, 3.0])})


def test_a_quadratic_in_closed_form() -> None:
    """`a (w + rho a w / |a w|)`, beside the value at w itself."""
    value, gradients = sam(bowl, 0.3)(W, None)
    g = CURVATURES * W.at("w")
    assert value == bowl(W, None, None)[0]
    np.testing.assert_allclose(gradients.at("w"), CURVATURES * (W.at("w") + 0.3 * g / np.linalg.norm(g)), rtol=1e-15)
    assert isinstance(gradients, Gradients)


def test_the_adaptive_kind_in_closed_form() -> None:
    """`w + rho w^2 g / |w g|`; the scale of the params does not matter."""
    _, gradients = sam(bowl, 0.3, adaptive=True)(W, None)
    w = W.at("w")
    g = CURVATURES * w
    away = w + 0.3 * w**2 * g / np.linalg.norm(w * g)
    np.testing.assert_allclose(gradients.at("w"), CURVATURES * away, rtol=1e-15)

    def stretched(params: Any, batch: Any, rng: Any) -> tuple[float, Any]:
        value, there = bowl(Params({"w": params.at("w") / 10}), batch, rng)
        return value, {"w": there["w"] / 10}

    _, other = sam(stretched, 0.3, adaptive=True)(Params({"w": 10 * w}), None)
    np.testing.assert_allclose(other.at("w") * 10, gradients.at("w"), rtol=1e-14)


X = np.random.default_rng(0).normal(size=(9, 3))
Y = np.random.default_rng(1).normal(size=(9, 2))
NET = serial(Dense(4), Tanh, Dense(2))
_, PARAMS = NET.init(Key(0), (-1, 3), dtype=np.float64)


def test_of_a_network_line_by_line() -> None:
    """Equations 2 and 3 written down with the objective itself, over all leaves, weights and penalties included."""
    objective = value_and_grad(squared_error, NET.apply, l2(0.1))
    w = np.arange(1.0, 10)
    value, g = objective(PARAMS, X, Y, weights=w)
    norm = np.sqrt(sum(float((g.at(path) ** 2).sum()) for path in g.paths()))
    there = PARAMS
    for path in g.paths():
        there = there.set(path, PARAMS.at(path) + 0.05 * g.at(path) / norm)
    expected = objective(there, X, Y, weights=w)[1]
    found_value, found = sam(objective)(PARAMS, (X, Y, w))
    assert found_value == value
    for path in g.paths():
        np.testing.assert_allclose(found.at(path), expected.at(path), rtol=1e-12)


def test_both_places_see_the_same_masks() -> None:
    """Of the key that is given."""
    net = serial(Dense(8), Tanh, Dropout(0.5), Dense(2))
    _, params = net.init(Key(0), (-1, 3), dtype=np.float64)
    objective = value_and_grad(squared_error, net.apply)
    _, near = sam(objective, 1e-9)(params, (X, Y), 3)
    for path, g in ((path, objective(params, X, Y, rng=3)[1].at(path)) for path in params.paths()):
        np.testing.assert_allclose(near.at(path), g, atol=1e-7)
    with pytest.raises(TypeError, match="takes a key in training"):
        sam(objective)(params, (X, Y))
    assert sam(objective)(params, (X, Y), None)[0] == objective(params, X, Y, rng=None)[0]


def test_where_no_direction_leads_away() -> None:
    """A gradient of zero stays zero; one that is not finite is there for others to see."""
    assert not sam(bowl)(Params({"w": np.zeros(3)}), None)[1].at("w").any()
    assert not sam(bowl, adaptive=True)(Params({"w": np.zeros(3)}), None)[1].at("w").any()
    with pytest.raises(NonFiniteError, match="step 1, batch 0 of epoch 0: the loss is nan and the gradient of"):
        next(fit(sam(value_and_grad(squared_error, NET.apply)), sgd(0.1), PARAMS, (X, np.full_like(Y, np.nan))))


def test_training_with_it() -> None:
    """`fit` makes its steps: those of the perturbed gradients, written down."""
    objective = value_and_grad(squared_error, NET.apply)
    steps = fit(sam(objective, 0.1), sgd(0.2), PARAMS, (X, Y), epochs=200, batch_size=9)
    first, metrics = next(steps)
    expected = sgd(0.2).step(sam(objective, 0.1)(PARAMS, (X, Y))[1], sgd(0.2).init(PARAMS), PARAMS)[0]
    for path in PARAMS.paths():
        np.testing.assert_allclose(first.params.at(path), expected.at(path), rtol=1e-13)
    *_, (_, last) = steps
    assert last.loss < 0.7 * metrics.loss


def test_it_is_a_value() -> None:
    """It prints, compares and pickles; float32 stays."""
    objective = value_and_grad(squared_error, NET.apply)
    assert repr(sam(objective)) == f"sam({objective!r}, 0.05)"
    assert repr(sam(objective, 0.5, adaptive=True)) == f"sam({objective!r}, 0.5, adaptive=True)"
    assert sam(objective) == sam(objective, 0.05) != sam(objective, 0.1)
    made = pickle.loads(pickle.dumps(sam(objective)))
    assert made(PARAMS, (X, Y)) == sam(objective)(PARAMS, (X, Y))
    _, single = NET.init(Key(0), (-1, 3))
    assert sam(objective, np.float64(0.05))(single, (X, Y))[1].at("dense_0/w").dtype == np.float32


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: sam(3), TypeError, "sam takes an objective first, value_and_grad(...) or any (params"),  # type: ignore[call-overload]
        (lambda: sam(bowl, 0.0), ValueError, "sam: rho must be a positive finite number, got 0.0"),
        (lambda: sam(value_and_grad(squared_error, NET.apply))(PARAMS, X, Y), TypeError, "write (params, (x, target), rng)"),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_what_it_refuses(call: Callable[[], object], error: type[Exception], message: str) -> None:
    """By name."""
    with pytest.raises(error, match=re.escape(message)):
        call()
