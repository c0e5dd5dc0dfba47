"""What stax promises of every layer: `init` says the shape of what `apply` gives, and numbers stay finite."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

from funcnn import Array, Key, Layer, Params, stax
from tests.peers.case import shape_of

RNG = np.random.default_rng(5)


def inputs(shape: Any) -> Any:
    """Numbers of a shape; a list of shapes is a tuple of arrays."""
    if isinstance(shape, list):
        return tuple(map(inputs, shape))
    return RNG.normal(size=shape).astype(np.float32)


def finite(y: Any) -> bool:
    """Every number of an array, or of a tuple of arrays."""
    return all(map(finite, y)) if isinstance(y, tuple) else bool(np.isfinite(y).all())


def promised(net: Layer[Any, Any], shape: Any) -> Any:
    """The params and an output whose shape `init` has said; apply takes a key as stax passes one."""
    init_fun, apply_fun = net
    out_shape, params = init_fun(Key(0), shape)
    y = apply_fun(params, inputs(shape), rng=Key(1))
    assert shape_of(y) == out_shape
    assert finite(y)
    return y


CONVOLUTIONS: list[Any] = list(product([2, 3], [(1, 1), (2, 3)], ["SAME", "VALID"], [None, (2, 1)], [(2, 10, 11, 1)]))
TRANSPOSED: list[Any] = list(
    product([2, 3], [(1, 1), (2, 3), (3, 3)], ["SAME", "VALID"], [None, (2, 1), (2, 2)], [(2, 10, 11, 1)])
)
SERIES: list[Any] = list(product([2, 3], [(1,), (2,), (3,)], ["SAME", "VALID"], [None, (1,), (2,)], [(2, 10, 1)]))
POOLS: list[Any] = list(product([(1, 1), (2, 3)], ["SAME", "VALID"], [None, (2, 1)], [(2, 5, 6, 4)]))


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), [2, 3]])
@pytest.mark.parametrize("make", [stax.glorot, stax.randn, stax.glorot_normal, stax.normal])
def test_initializers_take_a_key_and_a_shape(make: Any, shape: Any) -> None:
    """Lists are shapes too."""
    drawn = make()(Key(0), shape)
    assert drawn.shape == tuple(shape) and drawn.dtype == np.float32 and np.isfinite(drawn).all()


def test_normal_values_of_any_shape() -> None:
    """A vector too, which has no inputs and outputs."""
    assert stax.randn()(Key(0), (5,)).shape == (5,)


@pytest.mark.parametrize("shape", [(2, 3), (3, 4), (2, 3, 4)])
@pytest.mark.parametrize("out_dim", [3, 4])
def test_dense(out_dim: int, shape: tuple[int, ...]) -> None:
    """With the width by name, too."""
    assert promised(stax.Dense(out_dim), shape).shape == promised(stax.Dense(out_dim=out_dim), shape).shape


@pytest.mark.parametrize("channels, size, padding, strides, shape", CONVOLUTIONS)
def test_convolutions(channels: int, size: Any, padding: str, strides: Any, shape: Any) -> None:
    """Of images with channels last."""
    promised(stax.Conv(channels, size, strides=strides, padding=padding), shape)


@pytest.mark.parametrize("channels, size, padding, strides, shape", TRANSPOSED)
def test_transposed_convolutions(channels: int, size: Any, padding: str, strides: Any, shape: Any) -> None:
    """Of images with channels last."""
    promised(stax.ConvTranspose(channels, size, strides=strides, padding=padding), shape)


@pytest.mark.parametrize("channels, size, padding, strides, shape", SERIES)
def test_transposed_convolutions_of_sequences(
    channels: int, size: Any, padding: str, strides: Any, shape: Any
) -> None:
    """With channels last."""
    promised(stax.Conv1DTranspose(channels, size, strides=strides, padding=padding), shape)


NONLINEAR = ("Tanh", "Relu", "Exp", "LogSoftmax", "Softmax", "Softplus", "Sigmoid", "Elu", "LeakyRelu", "Selu", "Gelu")


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4)])
@pytest.mark.parametrize("name", NONLINEAR)
def test_activations(name: str, shape: tuple[int, ...]) -> None:
    """They keep the shape."""
    assert promised(getattr(stax, name), shape).shape == shape


@pytest.mark.parametrize("size, padding, strides, shape", POOLS)
@pytest.mark.parametrize("spec", [None, "NHWC", "NCHW", "WHNC", "WHCN"])
@pytest.mark.parametrize("name", ["MaxPool", "SumPool", "AvgPool"])
def test_pools(name: str, spec: str | None, size: Any, padding: str, strides: Any, shape: Any) -> None:
    """Of any order of axes; what `spec` says does what moving the axes there and back does."""
    pool = getattr(stax, name)
    n, h, w, c = shape
    sizes = {"N": n, "H": h, "W": w, "C": c}
    given = shape if spec is None else tuple(sizes[letter] for letter in spec)
    promised(pool(size, strides=strides, padding=padding, spec=spec), given)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4)])
def test_flatten(shape: tuple[int, ...]) -> None:
    """All but the first axis."""
    assert promised(stax.Flatten, shape).shape == (2, int(np.prod(shape[1:])))


@pytest.mark.parametrize("shape", [(2, 5, 1, 3), (2, 5)])
def test_batch_norm_keeps_the_shape(shape: tuple[int, ...]) -> None:
    """Of images and of rows."""
    promised(stax.BatchNorm(axis=tuple(range(len(shape) - 1))), shape)


@pytest.mark.parametrize("layers", [(stax.Conv(3, (2, 2)),), (stax.Conv(3, (2, 2)), stax.Flatten, stax.Dense(4))])
def test_serial(layers: tuple[Layer[Array, Array], ...]) -> None:
    """One layer, and three."""
    promised(stax.serial(*layers), (2, 5, 6, 1))


@pytest.mark.parametrize("shape, rate", [((3, 4), 0.9), ((2, 5, 6, 1), 0.9), ((2, 5, 4), 0.5)])
def test_dropout(shape: tuple[int, ...], rate: float) -> None:
    """In both modes."""
    promised(stax.Dropout(rate), shape)
    promised(stax.Dropout(rate, mode="test"), shape)


@pytest.mark.parametrize("shape", [(3, 4), (2, 5, 6, 1)])
def test_fan_in_sum(shape: tuple[int, ...]) -> None:
    """Of two shapes in a list."""
    assert promised(stax.FanInSum, [shape, shape]).shape == shape


@pytest.mark.parametrize(
    "shapes, axis",
    [
        ([(2, 3), (2, 1)], 1), ([(2, 3), (2, 1)], -1), ([(1, 2, 4), (1, 1, 4)], 1), ([(2, 3), (2, 4), (2, 1)], -1),
    ],
)
def test_fan_in_concat(shapes: list[tuple[int, ...]], axis: int) -> None:
    """Along any axis but the batch."""
    promised(stax.FanInConcat(axis), shapes)


def test_parallel_and_fan_out() -> None:
    """The usual three."""
    net = stax.serial(stax.FanOut(2), stax.parallel(stax.Dense(3), stax.Identity), stax.FanInConcat())
    assert promised(net, (2, 5)).shape == (2, 8)


def test_shape_dependent() -> None:
    """A bottleneck of half the width, and back."""

    def bottleneck(shape: Any) -> Layer[Array, Array]:
        return stax.serial(stax.Dense(shape[-1] // 2), stax.Relu, stax.Dense(shape[-1]))

    net = stax.shape_dependent(bottleneck)
    assert promised(net, (2, 6)).shape == (2, 6)
    residual = stax.serial(stax.FanOut(2), stax.parallel(net, stax.Identity), stax.FanInSum)
    assert promised(residual, (2, 6)).shape == (2, 6)


def specs() -> Iterator[tuple[str, str, str]]:
    """A few orders of the axes of images."""
    yield from product(["NHWC", "NCHW", "CHWN"], ["HWIO", "OIHW", "WOHI"], ["NHWC", "NCHW"])


@pytest.mark.parametrize("numbers", list(specs()))
@pytest.mark.parametrize("name", ["GeneralConv", "GeneralConvTranspose"])
def test_general_convolutions(name: str, numbers: tuple[str, str, str]) -> None:
    """The same output as channels last, with axes moved; weights of the shape that the spec says."""
    lhs, rhs, out = numbers
    sizes = {"N": 2, "H": 7, "W": 6, "C": 3}
    size = {"H": 3, "W": 2, "I": 3, "O": 4}
    inside = [c for c in rhs if c not in "IO"]
    strides = {"H": 2, "W": 1}
    net = getattr(stax, name)(
        numbers, 4, [size[c] for c in inside], [strides[c] for c in inside], "same", stax.randn(1.0), stax.randn(1.0)
    )
    _, params = net.init(Key(0), [sizes[c] for c in lhs])
    assert params.at("w").shape == tuple(size[c] for c in rhs)
    x = RNG.normal(size=[sizes[c] for c in lhs]).astype(np.float32)
    plain = getattr(stax, name)(("NHWC", "HWIO", "NHWC"), 4, (3, 2), (2, 1), "SAME")
    turned = Params({"w": moved(params.at("w"), rhs, "HWIO"), "b": params.at("b")})
    wanted = plain.apply(turned, moved(x, lhs, "NHWC"))
    np.testing.assert_allclose(moved(net.apply(params, x), out, "NHWC"), wanted, rtol=1e-5, atol=1e-5)


def moved(x: Array, spec: str, to: str) -> Array:
    """The axes of an array in another order."""
    return np.ascontiguousarray(x.transpose([spec.index(c) for c in to]))
