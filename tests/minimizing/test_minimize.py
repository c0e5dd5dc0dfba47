"""`minimize`: known functions, SciPy's minima, a small network beside Adam, and what is said where it stops early."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import optimize

from funcnn import (
    Dense, Dropout, FuncnnWarning, Gradients, Key, Minimum, NonFiniteError, Params, Tanh, absolute_error, adam,
    as_scipy, l2, minimize, mlp, sam, serial, squared_error, value_and_grad,
)  # fmt: skip

Vector = npt.NDArray[np.float64]
Function = Callable[[Vector], tuple[float, Vector]]


def objective(fun: Function) -> Callable[[Any, Any, Any], tuple[float, Gradients]]:
    """A function of a vector as an objective of params with one leaf, and no data."""

    def run(params: Params, batch: None, rng: None) -> tuple[float, Gradients]:
        value, gradient = fun(params.at("x").astype(np.float64))
        return value, Gradients({"x": gradient})

    return run


def found(fun: Function, start: Any, **options: Any) -> tuple[Minimum, Vector]:
    """The minimum of a function of a vector, and where it lies."""
    minimum = minimize(objective(fun), {"x": np.array(start, float)}, None, **{"tolerance": 1e-8, **options})
    return minimum, minimum.params.at("x").astype(np.float64)


def rosenbrock(x: Vector) -> tuple[float, Vector]:
    """The valley of a banana, minimum 0 at ones."""
    return float(optimize.rosen(x)), optimize.rosen_der(x)


def beale(x: Vector) -> tuple[float, Vector]:
    """Minimum 0 at (3, 1/2)."""
    n = np.array([1, 2, 3])
    t = np.array([1.5, 2.25, 2.625]) - x[0] + x[0] * x[1] ** n
    return float(t @ t), np.array([2 * t @ (x[1] ** n - 1), 2 * t @ (x[0] * n * x[1] ** (n - 1))])


def himmelblau(x: Vector) -> tuple[float, Vector]:
    """Four minima of 0."""
    a, b = x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7
    return float(a * a + b * b), np.array([4 * x[0] * a + 2 * b, 2 * a + 4 * x[1] * b])


SCALES = 10.0 ** np.linspace(0, 4, 50)


def bowl(x: Vector) -> tuple[float, Vector]:
    """A quadratic, ten thousand times as steep in one direction as in another, whose minimum is -5 at ones."""
    return float(SCALES @ (x - 1) ** 2) / 2 - 5, SCALES * (x - 1)


# known functions ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fun", "start", "places", "value"),
    [
        (rosenbrock, [-1.2, 1.0], [[1.0, 1.0]], 0),
        (rosenbrock, [-1.2, 1.0] * 10, [[1.0] * 20], 0),
        (beale, [1.0, 1.0], [[3.0, 0.5]], 0),
        (himmelblau, [0.0, 0.0], [[3.0, 2.0]], 0),
        (himmelblau, [-4.0, -4.0], [[-3.779310253377747, -3.283185991286170]], 0),
        (bowl, [0.0] * 50, [[1.0] * 50], -5),
    ],
)
def test_known_minima(fun: Function, start: list[float], places: list[list[float]], value: float) -> None:
    """To many digits, in about as many evaluations as SciPy's L-BFGS-B takes, at the same minimum."""
    minimum, x = found(fun, start)
    assert minimum.converged and minimum.gradient_norm <= 1e-8 and minimum.reason == "the gradient is at most 1e-08"
    np.testing.assert_allclose(x, places[0], atol=1e-7)
    assert minimum.value == pytest.approx(value, abs=1e-12)
    peer: Any = optimize.minimize(
        fun, np.array(start), jac=True, method="L-BFGS-B", options={"gtol": 1e-8, "ftol": 0, "maxfun": 10**5}
    )
    np.testing.assert_allclose(x, peer.x, atol=1e-6)
    assert minimum.evaluations <= 1.2 * peer.nfev + 10 and minimum.steps < minimum.evaluations


def test_what_is_told_is_so() -> None:
    """Value, gradient and number of evaluations are those of the function; it was never asked twice at one place."""
    asked: list[tuple[float, ...]] = []

    def counted(x: Vector) -> tuple[float, Vector]:
        asked.append(tuple(x))
        return rosenbrock(x)

    minimum, x = found(counted, [-1.2, 1.0])
    assert minimum.evaluations == len(asked) == len(set(asked))
    value, gradient = rosenbrock(x)
    assert (minimum.value, minimum.gradient_norm) == (value, abs(gradient).max())


def test_a_line_is_solved_at_once() -> None:
    """A parabola: the second evaluation of the first search knows where the minimum lies."""
    minimum, x = found(lambda x: (float(x @ x), 2 * x), [8.0])
    assert x == pytest.approx(0, abs=1e-12) and minimum.evaluations <= 4


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_units_do_not_matter(scale: float) -> None:
    """Lengths a million times larger or smaller: the same minimum, in nearly as many evaluations."""

    def scaled(x: Vector) -> tuple[float, Vector]:
        value, gradient = rosenbrock(x / scale)
        return value, gradient / scale

    minimum, x = found(scaled, [-1.2 * scale, scale], tolerance=1e-8 / scale)
    np.testing.assert_allclose(x / scale, 1, atol=1e-7)
    assert minimum.evaluations < 120


# networks -------------------------------------------------------------------------------------------------------------
X = np.random.default_rng(0).uniform(-2, 2, size=(60, 1))
Y = np.sin(2 * X)
NET = mlp((8, 1), Tanh)
_, PARAMS = NET.init(Key(0), (-1, 1), dtype=np.float64)
OBJECTIVE = value_and_grad(squared_error, NET.apply)


def test_a_small_network_beside_adam() -> None:
    """Lower than Adam with ten times the evaluations, at both of its usual rates."""
    with pytest.warns(FuncnnWarning, match="1000 steps have been made"):
        minimum = minimize(OBJECTIVE, PARAMS, X, Y, tolerance=1e-7)
    assert minimum.value < 1e-5
    for rate in (1e-3, 1e-2):
        optimizer, params, lowest = adam(rate), PARAMS, np.inf
        state = optimizer.init(params)
        for _ in range(10 * minimum.evaluations):
            value, gradients = OBJECTIVE(params, X, Y)
            params, state = optimizer.step(gradients, state, params)
            lowest = min(lowest, value)
        assert minimum.value < lowest


def test_the_least_squares_are_found() -> None:
    """A linear network with a penalty has one minimum, which algebra knows; SciPy finds it through `as_scipy`."""
    rng = np.random.default_rng(1)
    x, y, w = rng.normal(size=(30, 3)), rng.normal(size=(30, 2)), rng.uniform(0.5, 2, size=30)
    net = Dense(2, bias=False)
    _, params = net.init(0, (-1, 3), dtype=np.float64)
    ridge = value_and_grad(squared_error, net.apply, l2(0.3))
    minimum = minimize(ridge, params, x, y, weights=w, tolerance=1e-10)
    total = 2 * w.sum()  # the mean is over outputs too; l2(a) is a times the sum of squares
    exact = np.linalg.solve(x.T @ (w[:, None] * x) / total + 0.3 * np.eye(3), x.T @ (w[:, None] * y) / total)
    np.testing.assert_allclose(minimum.params.at("w"), exact, atol=1e-9)
    fun, x0, unravel = as_scipy(ridge, params, x, y, weights=w)
    peer: Any = optimize.minimize(fun, x0, jac=True, method="L-BFGS-B", options={"gtol": 1e-10, "ftol": 0})
    np.testing.assert_allclose(unravel(peer.x).at("w"), exact, atol=1e-9)
    assert minimum.evaluations <= peer.nfev + 5


def test_float32_goes_as_far_as_its_digits() -> None:
    """The params keep their dtype, and what is told is what the objective says of them."""
    net = Dense(1)
    _, params = net.init(0, (-1, 2))
    x = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    y = x @ np.array([[1.0], [2.0]], np.float32) + 3
    linear = value_and_grad(squared_error, net.apply)
    minimum = minimize(linear, params, x, y, tolerance=1e-4)
    assert minimum.params.at("w").dtype == np.float32 and minimum.converged
    value, gradients = linear(minimum.params, x, y)
    assert minimum.value == value
    assert minimum.gradient_norm == max(float(abs(gradients.at(path)).max()) for path in gradients.paths())


def test_masks_stay() -> None:
    """A random network sees one key; without it the question is asked."""
    net = serial(Dense(4), Tanh, Dropout(0.5), Dense(1))
    _, params = net.init(Key(0), (-1, 1), dtype=np.float64)
    noisy = value_and_grad(squared_error, net.apply)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FuncnnWarning)
        first, second = (minimize(noisy, params, X, Y, rng=3, steps=20) for _ in range(2))
    assert first == second and first.value < noisy(params, X, Y, rng=3)[0]
    with pytest.raises(TypeError, match="takes a key in training"):
        minimize(noisy, params, X, Y)


# what is said ---------------------------------------------------------------------------------------------------------
def test_a_gradient_of_zero_where_it_begins() -> None:
    """May be a saddle, and nothing is done."""
    with pytest.warns(FuncnnWarning, match="the gradient is zero at the params it begins with, a minimum or a saddle"):
        minimum, x = found(lambda x: (float(x[0] ** 2 - x[1] ** 2), np.array([2 * x[0], -2 * x[1]])), [0.0, 0.0])
    assert (minimum.steps, minimum.evaluations, minimum.reason) == (0, 1, "the gradient is zero where it begins")
    assert not x.any()


def test_already_there() -> None:
    """A gradient that is small enough is no reason for a warning."""
    minimum, _ = found(rosenbrock, [1.0, 1.0 + 1e-12])
    assert (minimum.steps, minimum.evaluations, minimum.converged) == (0, 1, True)


def test_too_few_steps() -> None:
    """Are said, with the best until then, from where it goes on."""
    with pytest.warns(FuncnnWarning, match=r"early: 5 steps have been made, and the gradient is .*; give more steps"):
        some, x = found(rosenbrock, [-1.2, 1.0], steps=5)
    assert (some.steps, some.converged) == (5, False) and some.value < rosenbrock(np.array([-1.2, 1.0]))[0]
    assert found(rosenbrock, x)[0].converged


def test_a_kink_is_no_progress() -> None:
    """The absolute value has no gradient of zero; where it ends is close all the same."""
    with pytest.warns(FuncnnWarning, match="no step lowers the value any more"):
        minimum, x = found(lambda x: (float(abs(x).sum()), np.sign(x)), [0.7, -0.3])
    assert not minimum.converged and abs(x).max() < 1e-3
    net = Dense(1, bias=False)
    _, params = net.init(0, (-1, 1), dtype=np.float64)
    with pytest.warns(FuncnnWarning, match="a kink"):
        minimize(value_and_grad(absolute_error, net.apply), params, X, Y)


def test_a_wrong_gradient_is_no_progress() -> None:
    """One that points uphill."""
    with pytest.warns(FuncnnWarning, match="no step lowers the value any more"):
        minimum, x = found(lambda x: (float(x @ x), -2 * x), [1.0, 2.0])
    assert minimum.value == 5 and list(x) == [1.0, 2.0]


def test_no_bottom() -> None:
    """A function without a minimum ends where numbers end, or steps do."""
    with pytest.warns(FuncnnWarning, match="minimize stopped early"):
        minimum, _ = found(lambda x: (float(x[0]), np.ones(1)), [0.0], steps=20)
    assert not minimum.converged


def test_walls_are_walked_around() -> None:
    """Values that are not finite count as too high: the logarithm has none below zero."""

    def barrier(x: Vector) -> tuple[float, Vector]:
        with np.errstate(all="ignore"):
            return float(x[0] - np.log(x[0])), 1 - 1 / x

    minimum, x = found(barrier, [1e-3])
    assert minimum.converged and x[0] == pytest.approx(1, abs=1e-8)
    with pytest.warns(FuncnnWarning, match="no step leads to a finite value"):
        found(lambda x: (1.0 if x[0] == 2 else np.nan, np.ones(1)), [2.0])


def test_it_begins_with_numbers() -> None:
    """NaN in the data is an error, not a search."""
    with pytest.raises(NonFiniteError, match="minimize: the value is nan at the params it begins with"):
        minimize(OBJECTIVE, PARAMS, X, np.full_like(Y, np.nan))
    with pytest.raises(NonFiniteError, match="minimize: a gradient is not finite"):
        found(lambda x: (1.0, np.array([np.inf])), [2.0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: minimize(OBJECTIVE, PARAMS, X, Y, method="adam"), ValueError, "method must be 'lbfgs', got 'adam'"),  # type: ignore[call-overload]
        (lambda: minimize(OBJECTIVE, PARAMS, X, Y, steps=0), ValueError, "minimize: steps must be an integer of at"),
        (lambda: minimize(OBJECTIVE, PARAMS, X, Y, tolerance=0), ValueError, "minimize: tolerance must be a positive"),
        (lambda: minimize(OBJECTIVE, PARAMS, (X, Y)), TypeError, "takes an objective, params, x and"),  # type: ignore[arg-type]
        (lambda: minimize(squared_error, PARAMS, X, Y), TypeError, "squared_error, which does not take three arguments"),  # type: ignore[call-overload]
        (lambda: minimize(lambda p, b, r: (0.0, {}), PARAMS, X, Y), TypeError, "takes one batch after the params"),  # type: ignore[call-overload]
        (lambda: minimize(sam(OBJECTIVE), PARAMS, X, Y), TypeError, "got 2; write minimize(objective, params, (x, target))"),  # type: ignore[call-overload]
        (lambda: minimize(PARAMS, OBJECTIVE, X, Y), TypeError, "minimize takes an objective first"),  # type: ignore[call-overload]
        (lambda: minimize(NET, PARAMS, X, Y), TypeError, "minimize takes an objective first"),  # type: ignore[call-overload]
        (lambda: minimize(3, PARAMS, X, Y), TypeError, "minimize takes an objective first"),  # type: ignore[call-overload]
        (lambda: minimize(lambda p, b, r: 3.0, PARAMS, X), TypeError, "must return the pair"),  # type: ignore[arg-type, return-value]
    ],
)  # fmt: skip
def test_what_it_refuses(call: Callable[[], object], error: type[Exception], message: str) -> None:
    """By name."""
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_nothing_to_do() -> None:
    """Params without a number."""
    minimum = minimize(lambda params, batch, rng: (1.0, Gradients({})), Params({}), None)
    assert minimum.converged and minimum.params == Params({})
