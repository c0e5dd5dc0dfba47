"""Activations: values and derivatives from tables, extremes, kinks, dtypes, and elementwise."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from math import cos, cosh, erf, exp, isinf, log, log1p, pi, sin, sqrt, tanh
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import funcnn
from funcnn import (
    Array, Celu, Dense, Elu, Exp, Gelu, HardSigmoid, HardSwish, HardTanh, Key, Layer, LeakyRelu, LogSigmoid, Mish, Relu,
    Relu6, Selu, ShapeError, Sigmoid, Silu, Sin, Softplus, Softsign, Square, Tanh, celu, elementwise, elu, gelu,
    leaky_relu, serial, vjp,
)  # fmt: skip
from funcnn.testing import laws

POINTS = (-30.0, -3.0, -1.0, -0.1, 0.2, 1.0, 2.5, 30.0)
ALPHA, SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def gelu_value(x: float) -> float:
    return 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))


def gelu_slope(x: float) -> float:
    u = sqrt(2 / pi) * (x + 0.044715 * x**3)
    return 0.5 * (1 + tanh(u)) + 0.5 * x * (1 - tanh(u) ** 2) * sqrt(2 / pi) * (1 + 3 * 0.044715 * x**2)


def sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


def normal(x: float) -> float:
    return (1 + erf(x / sqrt(2))) / 2


def mish_slope(x: float) -> float:
    t = tanh(log1p(exp(x)))
    return t + x * (1 - t * t) * sigmoid(x)


# What a table of derivatives says, in other words than the library's.
# fmt: off
TABLE: list[tuple[Layer[Array, Array], Callable[[float], float], Callable[[float], float]]] = [
    (Tanh,      tanh,                                               lambda x: 1 / cosh(x) ** 2),
    (Relu,      lambda x: max(x, 0.0),                              lambda x: float(x > 0)),
    (Exp,       exp,                                                exp),
    (Softplus,  lambda x: log(1 + exp(x)) if x < 20 else x,         lambda x: exp(x) / (1 + exp(x))),
    (Sigmoid,   lambda x: 1 / (1 + exp(-x)),                        lambda x: exp(-x) / (1 + exp(-x)) ** 2),
    (Elu,       lambda x: x if x > 0 else exp(x) - 1,               lambda x: 1.0 if x > 0 else exp(x)),
    (LeakyRelu, lambda x: x if x > 0 else x / 100,                  lambda x: 1.0 if x > 0 else 0.01),
    (Selu,      lambda x: SCALE * (x if x > 0 else ALPHA * (exp(x) - 1)),
                lambda x: SCALE * (1.0 if x > 0 else ALPHA * exp(x))),
    (Gelu,      gelu_value,                                         gelu_slope),
    (LogSigmoid, lambda x: -log(1 + exp(-x)) if x > -20 else x,     lambda x: 1 / (1 + exp(x))),
    (Softsign,  lambda x: x / (1 + abs(x)),                         lambda x: (1 + abs(x)) ** -2),
    (Sin,       sin,                                                cos),
    (Square,    lambda x: x**2,                                     lambda x: 2 * x),
    (Celu,      lambda x: x if x > 0 else exp(x) - 1,               lambda x: 1.0 if x > 0 else exp(x)),
    (Relu6,     lambda x: min(max(x, 0.0), 6.0),                    lambda x: float(0 < x <= 6)),
    (HardTanh,  lambda x: min(max(x, -1.0), 1.0),                   lambda x: float(-1 < x <= 1)),
    (HardSigmoid, lambda x: min(max(x / 6 + 0.5, 0.0), 1.0),        lambda x: 1 / 6 if -3 < x <= 3 else 0.0),
    (HardSwish, lambda x: x * min(max(x / 6 + 0.5, 0.0), 1.0),
                lambda x: 0.0 if x <= -3 else 1.0 if x > 3 else x / 3 + 0.5),
    (Silu,      lambda x: x * sigmoid(x),                           lambda x: sigmoid(x) * (1 + x * sigmoid(-x))),
    (Mish,      lambda x: x * tanh(log1p(exp(x))),                  mish_slope),
    (leaky_relu(0.2), lambda x: x if x > 0 else x / 5,              lambda x: 1.0 if x > 0 else 0.2),
    (leaky_relu(-1),  abs,                                          lambda x: 1.0 if x > 0 else -1.0),
    (elu(2.0),  lambda x: x if x > 0 else 2 * (exp(x) - 1),         lambda x: 1.0 if x > 0 else 2 * exp(x)),
    (celu(2.0), lambda x: x if x > 0 else 2 * (exp(x / 2) - 1),     lambda x: 1.0 if x > 0 else exp(x / 2)),
    (gelu(exact=True), lambda x: x * normal(x),
                lambda x: normal(x) + x * exp(-x * x / 2) / sqrt(2 * pi)),
]
# fmt: on
ACTIVATIONS = [net for net, _, _ in TABLE]
every_activation = pytest.mark.parametrize("net", ACTIVATIONS, ids=repr)


def slope_at(net: Layer[Array, Array], x: Array) -> Array:
    """The derivative at every point of `x`."""
    y, pullback = vjp(net.apply, {}, x)
    return pullback(np.ones_like(y))[1]


@pytest.mark.parametrize(("net", "f", "df"), TABLE, ids=[repr(net) for net in ACTIVATIONS])
def test_values_are_those_of_the_formula(
    net: Layer[Array, Array], f: Callable[[float], float], df: Callable[[float], float]
) -> None:
    """The value is what the formula says, worked out with Python's own mathematics."""
    assert net.apply({}, np.array(POINTS)) == pytest.approx([f(x) for x in POINTS], rel=1e-12, abs=1e-13)


@pytest.mark.parametrize(("net", "f", "df"), TABLE, ids=[repr(net) for net in ACTIVATIONS])
def test_derivatives_are_those_of_the_table(
    net: Layer[Array, Array], f: Callable[[float], float], df: Callable[[float], float]
) -> None:
    """The derivative is what a table of derivatives says."""
    assert slope_at(net, np.array(POINTS)) == pytest.approx([df(x) for x in POINTS], rel=1e-12, abs=1e-13)


def test_values_worked_by_hand() -> None:
    """Known: sigmoid(0.5 * 0.4 + 0.3 * 0.7 + 0.2 * 0.2) = 0.6106..., softplus(0) = log 2, selu(1) = 1.0507..."""
    assert Sigmoid.apply({}, np.array([0.0, 0.45])).round(4).tolist() == [0.5, 0.6106]
    assert Softplus.apply({}, np.array([0.0])).tolist() == [log(2)]
    assert Selu.apply({}, np.array([1.0])).round(7).tolist() == [1.050701]


def test_gelu_is_close_to_the_normal_distribution() -> None:
    """The tanh form differs from `x Phi(x)` by less than 5e-4."""
    x = np.linspace(-6, 6, 1201)
    exact = np.array([v * (1 + erf(v / sqrt(2))) / 2 for v in x])
    assert np.max(np.abs(Gelu.apply({}, x) - exact)) < 5e-4


@pytest.mark.parametrize(
    ("net", "slope"),
    [
        (Relu, 0.0), (LeakyRelu, 0.01), (Elu, 1.0), (Selu, ALPHA * SCALE), (Relu6, 0.0), (leaky_relu(3), 3.0),
        (elu(2.0), 2.0), (celu(0.5), 1.0), (Softsign, 1.0),
    ],
    ids=repr,
)  # fmt: skip
def test_at_a_kink_the_derivative_is_the_left_one(net: Layer[Array, Array], slope: float) -> None:
    """At 0 the derivative is the one from the left, for real and for complex numbers."""
    assert slope_at(net, np.array([0.0, -0.0])) == pytest.approx([slope, slope], rel=1e-15)
    assert net.apply.value({}, np.array([1e-30j])).imag == pytest.approx([slope * 1e-30], rel=1e-15)


@pytest.mark.parametrize(
    ("net", "at", "slopes"),
    [
        (Relu6, (0, 6), (0, 1)), (HardTanh, (-1, 1), (0, 1)), (HardSigmoid, (-3, 3), (0, 1 / 6)),
        (HardSwish, (-3, 3), (0, 1.5)),
    ],
    ids=repr,
)  # fmt: skip
def test_at_every_kink_the_derivative_is_the_left_one(
    net: Layer[Array, Array], at: tuple[float, float], slopes: tuple[float, float]
) -> None:
    """Of what has two kinks, at both; and the complex step says the same."""
    assert slope_at(net, np.array(at, np.float64)) == pytest.approx(slopes, rel=1e-15)
    value: Any = net.apply.value
    assert value({}, np.array(at) + 1e-30j).imag * 1e30 == pytest.approx(slopes, rel=1e-15)


@every_activation
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extremes_are_silent(net: Layer[Array, Array], dtype: npt.DTypeLike) -> None:
    """At +-1e4 nothing overflows, and value and derivative are finite; only Exp is infinite on the right."""
    x = np.array([[-1e4, -100.0, -50.0, 0.0, 50.0, 100.0, 1e4]], dtype)
    found = np.concatenate([net.apply({}, x), slope_at(net, x)])
    assert np.isfinite(found).all() or (net == Exp and isinf(found[0, -1]) and np.isfinite(found[:, :5]).all())


def test_small_values_keep_their_digits() -> None:
    """Softplus and Elu do not lose what is far below one."""
    assert Softplus.apply({}, np.array([-50.0])) == pytest.approx([exp(-50)], rel=1e-12)
    assert Elu.apply({}, np.array([-1e-12])) == pytest.approx([-1e-12], rel=1e-10)


@every_activation
@pytest.mark.parametrize("shape", [(5,), (20, 70)])
def test_nan_goes_through(net: Layer[Array, Array], shape: tuple[int, ...]) -> None:
    """NaN in, NaN out, and nothing else is touched by it."""
    x = np.full(shape, 0.5, np.float32)
    x[-1] = np.nan
    assert np.isnan(net.apply({}, x)).tolist() == np.isnan(x).tolist()


@every_activation
def test_a_tuple_is_refused(net: Layer[Array, Array]) -> None:
    """An activation takes one array; the message names it."""
    with pytest.raises(ShapeError, match=f"{repr(net).partition('(')[0]} takes an array .* got a tuple of 2"):
        net.out_shape(((-1, 3), (-1, 4)))


@every_activation
def test_ready_made_values_print_and_pickle(net: Layer[Array, Array]) -> None:
    """An activation prints as its name and comes out of pickle equal."""
    assert (repr(serial(net)), pickle.loads(pickle.dumps(net))) == (f"serial({net!r})", net)


# elementwise ----------------------------------------------------------------------------------------------------------
def cube(x: Array) -> Array:
    """A function of a module, as users write it."""
    y: Array = x * x * x
    return y


def cube_slope(x: Array, y: Array) -> Array:
    """Its derivative."""
    return 3 * x * x


def test_elementwise_takes_a_function_and_its_derivative() -> None:
    """`y = x^3`, `dx = 3 x^2 dy`."""
    y, pullback = vjp(elementwise(cube, cube_slope).apply, {}, np.array([[-1.0, 2.0]]))
    assert (y.tolist(), pullback(np.array([[1.0, 10.0]]))[1].tolist()) == ([[-1.0, 8.0]], [[3.0, 120.0]])


TestLawsOfElementwise = laws(serial(Dense(3), elementwise(cube, cube_slope)), ("B", "D"), kinks=False)


def test_elementwise_prints_compares_and_pickles() -> None:
    """Functions of a module are recorded by name."""
    net = serial(elementwise(cube, cube_slope), Relu)
    assert repr(net) == "serial(elementwise(cube, cube_slope), Relu)"
    assert pickle.loads(pickle.dumps(net)) == net
    assert net != serial(elementwise(cube, np.multiply), Relu)


def test_elementwise_refuses_what_is_no_function() -> None:
    """A layer or a number in the place of a function is a TypeError at construction."""
    with pytest.raises(TypeError, match="f must be a function of arrays, got Layer; compose layers with >>"):
        elementwise(Relu, cube_slope)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="elementwise: df must be a function of arrays, got float"):
        elementwise(cube, 2.0)  # type: ignore[arg-type]


def test_activations_change_no_other_initial_value() -> None:
    """An activation as another child leaves the draws of the others alone."""
    _, plain = serial(Dense(3), Dense(2)).init(Key(0), (-1, 4))
    _, with_tanh = serial(Dense(3), Tanh, Dense(2)).init(Key(0), (-1, 4))
    assert plain == with_tanh


# numbers of their own -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("usual", "made"),
    [
        (LeakyRelu, leaky_relu()), (LeakyRelu, leaky_relu(0.01)), (Elu, elu()), (Celu, celu()), (Gelu, gelu()),
        (Elu, elu(1)), (Celu, celu(alpha=1.0)),
    ],
)  # fmt: skip
def test_the_usual_number_gives_the_ready_made_value(usual: Layer[Array, Array], made: Layer[Array, Array]) -> None:
    """`leaky_relu()` is LeakyRelu: one name in repr, in params and in pickles."""
    assert (made, repr(made), pickle.loads(pickle.dumps(made))) == (usual, repr(usual), usual)


def test_other_numbers_print_and_compare() -> None:
    """As the call that made them; names of children are those of the ready-made ones."""
    net = serial(leaky_relu(0.2), elu(alpha=2.0), gelu(exact=True), LeakyRelu)
    assert repr(net) == "serial(leaky_relu(0.2), elu(alpha=2.0), gelu(exact=True), LeakyRelu)"
    assert leaky_relu(slope=0.2) == leaky_relu(0.2) != LeakyRelu
    assert pickle.loads(pickle.dumps(net)) == net


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: leaky_relu(float("nan")), "leaky_relu: slope must be a finite number, got nan"),
        (lambda: leaky_relu("0.2"), "leaky_relu: slope must be a finite number, got '0.2'"),  # type: ignore[arg-type]
        (lambda: elu(0), "elu: alpha must be a positive finite number, got 0"),
        (lambda: celu(float("inf")), "celu: alpha must be a positive finite number, got inf"),
    ],
)
def test_numbers_are_checked(make: Callable[[], object], message: str) -> None:
    """What is no number, or one that the formula does not take, is a ValueError at construction."""
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("length", [1 << 15, (1 << 15) + 1, (1 << 16) - 1])
def test_relu_of_long_arrays_is_that_of_short_ones(length: int) -> None:
    """They go by lines against a row of zeros; what is left over after the last line does too."""
    x = np.random.default_rng(0).normal(size=length).astype(np.float32)
    x[[0, -1]] = np.nan, np.inf
    pieces = [Relu.apply({}, part) for part in np.array_split(x, 16)]
    np.testing.assert_array_equal(Relu.apply({}, x), np.concatenate(pieces))
