"""Initial values depend on the key and the path alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array,
    Conv,
    Dense,
    Dropout,
    DTypeError,
    Flatten,
    FuncnnError,
    Key,
    Layer,
    NonFiniteError,
    Params,
    ParamsError,
    Relu,
    ShapeError,
    Tanh,
    parallel,
    serial,
)
from tests.refusals import refusal


def constant(value: Any) -> Any:
    """An initializer that gives whatever is to be tried."""
    return lambda key, shape, dtype: value


def test_init_gives_the_shape_and_the_params() -> None:
    """-1 stands for what is not known."""
    out_shape, params = serial(Dense(512), Relu, Dense(10)).init(Key(0), (-1, 784))
    assert out_shape == (-1, 10)
    assert params.paths() == ("dense_0/b", "dense_0/w", "dense_1/b", "dense_1/w")


def test_the_same_seed_gives_the_same_bits() -> None:
    """As an int, a NumPy int or a key; another seed gives others."""
    net = serial(Dense(5), Dense(2))
    params = net.init(0, (-1, 3))[1]
    assert params == net.init(0, (-1, 3))[1] == net.init(Key(0), (4, 3))[1]
    assert params == net.init(np.int64(0), (-1, 3))[1]  # type: ignore[call-overload]
    assert params != net.init(1, (-1, 3))[1]


def test_a_generator_is_drawn_from_once() -> None:
    """Whatever the size of the network."""
    first, second = np.random.default_rng(0), np.random.default_rng(0)
    params = serial(Dense(5), Dense(2)).init(first, (-1, 3))[1]
    assert params == serial(Dense(5), Dense(2)).init(Key(second), (-1, 3))[1]
    assert first.random() == second.random()


@pytest.mark.parametrize(
    ("rng", "said"),
    [
        (None, "rng must be a Key or an int seed, got None; write Key(0)"),
        (0.5, "rng must be a Key or an int seed, got float; write Key(0)"),
        (np.random.RandomState(0), "rng must be a Key or an int seed, got RandomState; write Key(0)"),
    ],
)
def test_other_rngs_are_refused(rng: Any, said: str) -> None:
    """The message says what to write."""
    assert refusal(lambda: Dense(2).init(rng, (-1, 3)), TypeError) == said


def test_siblings_change_no_initial_value() -> None:
    """An activation or dropout as another child leaves every leaf as it is."""
    plain = serial(Dense(5), Dense(2)).init(0, (-1, 3))[1]
    assert serial(Dense(5), Tanh, Dropout(0.5), Dense(2)).init(0, (-1, 3))[1] == plain
    assert serial(Relu, Dense(5), Dense(2), Relu).init(0, (-1, 3))[1] == plain
    pair = parallel(Dense(5), Dense(2)).init(0, ((-1, 3), (-1, 3)))[1]
    assert parallel(Dense(5), Relu, Dense(2)).init(0, ((-1, 3), (-1, 4), (-1, 3)))[1] == pair


def test_a_leaf_depends_on_its_path() -> None:
    """Two layers alike begin differently, and a named one is where its name is."""
    params = serial(Dense(3), Dense(3)).init(0, (-1, 3))[1]
    assert not np.array_equal(params.at("dense_0/w"), params.at("dense_1/w"))
    named = serial(Dense(3).named("dense_1"), Relu).init(0, (-1, 3))[1]
    assert np.array_equal(named.at("dense_1/w"), params.at("dense_1/w"))


def test_init_and_training_draw_from_different_keys() -> None:
    """What a rule draws from the key is not what an initializer drew from the same seed."""
    drawn: list[Key] = []

    def remember(key: Key, shape: tuple[int, ...], dtype: Any) -> Array:
        drawn.append(key)
        return np.zeros(shape, dtype)

    Dense(2, W_init=remember).init(0, (-1, 3))
    assert drawn == [Key(0).fold("init").fold("w")]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_what_is_asked_for(dtype: Any) -> None:
    """Once, for all leaves."""
    params = serial(Dense(2), Dense(2)).init(0, (-1, 3), dtype=dtype)[1]
    assert {params.at(path).dtype for path in params.paths()} == {np.dtype(dtype)}


def test_other_dtypes_are_refused() -> None:
    """Params are floating-point."""
    assert refusal(lambda: Dense(2).init(0, (-1, 3), dtype=int), DTypeError) == (
        "params are floating-point, got dtype int64; write np.float32 or np.float64"
    )


def test_what_initializers_return_is_copied() -> None:
    """And stays theirs."""
    mine = np.ones((3, 2), np.float32)
    params = Dense(2, W_init=constant(mine)).init(0, (-1, 3))[1]
    mine[:] = 0
    assert mine.flags.writeable and params.at("w").all()


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        (np.ones(3), ShapeError, "dense_0 in serial: the initializer of w returned shape (3,), expected (3, 2)"),
        (
            np.ones((3, 2)) * 1j,
            DTypeError,
            "dense_0 in serial: the initializer of w returned complex128, expected float32",
        ),
        (np.full((3, 2), "0"), DTypeError, "dense_0 in serial: the initializer of w returned <U1, expected float32"),
        (
            np.ones((3, 2)),
            DTypeError,
            "dense_0 in serial: the initializer of w returned float64, expected float32; write .astype(dtype)",
        ),
        (
            np.ones((3, 2), int),
            DTypeError,
            "dense_0 in serial: the initializer of w returned int64, expected float32; write .astype(dtype)",
        ),
        (
            [[1.0, 2.0]] * 3,
            ParamsError,
            "dense_0 in serial: the initializer of w returned list, expected float32 of shape (3, 2); "
            "write np.asarray(..., dtype)",
        ),
        (
            None,
            ParamsError,
            "dense_0 in serial: the initializer of w returned NoneType, expected float32 of shape (3, 2); "
            "write np.asarray(..., dtype)",
        ),
        (
            np.ma.masked_array(np.ones((3, 2), np.float32)),
            ParamsError,
            "dense_0 in serial: the initializer of w returned MaskedArray, expected float32 of shape (3, 2); "
            "write np.asarray(..., dtype)",
        ),
        (
            np.array([[1, 1], [1, np.nan], [1, 1]], np.float32),
            NonFiniteError,
            "dense_0 in serial: the initializer of w returned NaN, first at index 1, 1",
        ),
    ],
)
def test_initializers_are_checked(value: Any, kind: type[FuncnnError], said: str) -> None:
    """The path, what came and what was expected."""
    assert refusal(lambda: serial(Dense(2, W_init=constant(value))).init(0, (-1, 3)), kind) == said


def test_an_initializer_that_fails_is_named() -> None:
    """By a note on its own exception."""
    wrong: Any = np.zeros
    with pytest.raises(TypeError) as caught:
        serial(Dense(2, W_init=wrong)).init(0, (-1, 3))
    assert caught.value.__notes__ == ["in dense_0/w"]


def test_an_initializer_that_is_no_function_is_refused() -> None:
    """With its path and what it should be."""
    wrong: Any = 0.1
    assert refusal(lambda: serial(Dense(2, W_init=wrong)).init(0, (-1, 3)), TypeError) == (
        "the initializer of dense_0/w must be a function, (key, shape, dtype) -> array, got 0.1"
    )


@pytest.mark.parametrize("leaf", [3, (np.zeros, 3), (np.zeros, (3,), "w")])
def test_a_leaf_of_a_spec_is_an_initializer_with_a_shape(leaf: Any) -> None:
    """And the shape is a tuple."""
    odd: Layer[Array, Array] = Layer.of(
        lambda shape: shape, lambda shape: {"w": leaf}, lambda params, x: (x, lambda dy: ({}, dy))
    )
    said = refusal(lambda: serial(odd).init(0, (-1, 3)), TypeError)
    assert said.startswith("the spec of layer_0/w must be (initializer, shape), with a tuple of sizes, got ")


def test_sizes_that_params_need_must_be_known() -> None:
    """The leaf, its shape and the network's input."""
    assert refusal(lambda: serial(Dense(2)).init(0, (3, -1)), ShapeError) == (
        "dense_0 in serial: w has shape (?, 2) where the network gets (3, ?); "
        "give the sizes it depends on, only others may be -1"
    )


def test_a_layer_that_takes_no_such_shape_is_named() -> None:
    """By its path, at `init` and `out_shape` alike."""
    net = serial(Flatten, serial(Conv(2, (3, 3))).named("body"))
    said = refusal(lambda: net.init(0, (-1, 4)), ShapeError)
    assert said.startswith("body/conv_0 in serial: Conv takes")
    assert said == refusal(lambda: net.out_shape((-1, 4)), ShapeError)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((3, 0), "Dense: dimension 1 of the shape (3, 0) is 0; only axes before the last may be empty"),
        ((3, -2), "dimension 1 of the shape (3, -2) is -2; sizes are integers, -1 for one that is not known yet"),
        ((3, 2.0), "dimension 1 of the shape (3, 2.0) is 2.0; sizes are integers, -1 for one that is not known yet"),
        ((3, True), "dimension 1 of the shape (3, True) is True; sizes are integers, -1 for one that is not known yet"),
        ((3, None), "dimension 1 of the shape (3, None) is None; sizes are integers, -1 for one that is not known yet"),
        (3, "a shape is a tuple of sizes, got int 3; write (3,)"),
    ],
)
def test_sizes_are_checked(shape: Any, said: str) -> None:
    """The dimension and its index."""
    assert refusal(lambda: Dense(2).init(0, shape), ShapeError) == said
    assert refusal(lambda: Dense(2).out_shape(shape), ShapeError) == said


def test_a_network_without_params_has_empty_ones() -> None:
    """And draws nothing."""
    assert serial(Relu, Tanh).init(0, (-1, 3)) == ((-1, 3), Params({}))
