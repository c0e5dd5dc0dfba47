"""Params that do not fit: every path that differs is named, with what came and what was expected."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import Array, Conv, Dense, Flatten, Key, Layer, MaxPool, ParamsError, Relu, ShapeError, astype, serial, sgd
from tests.refusals import refusal

NET = serial(Dense(5), Relu, Dense(2))
OUT, PARAMS = NET.init(Key(0), (-1, 3))
X = np.ones((4, 3), np.float32)
OTHER = "these are not the params of this network: "
INIT = ". To mend it, make them with init"
NAMED = INIT + ", and name layers with .named to keep names when the network changes"


def parts() -> dict[str, Any]:
    """The params, to be spoiled."""
    return PARAMS.to_dict()


def test_the_pair_that_init_returns_is_no_params() -> None:
    """The message says to unpack it."""
    pair: Any = (OUT, PARAMS)
    assert refusal(lambda: NET.apply(pair, X), ParamsError) == (
        "got the pair (shape, params) that init returns; unpack it: out_shape, params = net.init(...)"
    )


def test_the_pair_that_an_objective_returns_is_no_gradient() -> None:
    """The message says to unpack it."""
    pair: Any = (0.5, PARAMS)
    optimizer = sgd(0.1)
    assert refusal(lambda: optimizer.step(pair, optimizer.init(PARAMS), PARAMS), ParamsError) == (
        "grads: got the pair (value, gradients) that value_and_grad gives; unpack it: loss, grads = ..."
    )


def test_a_subtree_without_params_is_none() -> None:
    """A combinator may pass on the spec of a child that has no params."""
    wrapped: Layer[Any, Any] = Layer.of(
        lambda shape: shape, lambda shape: {"f": {}}, lambda params, x: (x, lambda dy: ({}, dy))
    )
    _, params = wrapped.init(0, (2, 3))
    assert wrapped.apply(params, np.ones((2, 3))).shape == (2, 3)


def test_input_and_params_the_wrong_way_round() -> None:
    """What came, and which comes first."""
    wrong: Any = NET.apply
    assert refusal(lambda: wrong(X, PARAMS), ParamsError) == (
        "params must be a nested mapping of arrays, got ndarray; params come before the input, apply(params, x)"
    )


def test_missing_params() -> None:
    """Each with its shape and dtype."""
    assert refusal(lambda: NET.apply({"dense_0": PARAMS["dense_0"]}, X), ParamsError) == (
        f"{OTHER}missing dense_1/w, expected float32 of shape (5, 2); "
        f"missing dense_1/b, expected float32 of shape (2,){NAMED}"
    )


def test_extra_params() -> None:
    """Each with its shape and dtype."""
    tree = parts() | {"dense_2": {"w": X}}
    said = refusal(lambda: NET.apply(tree, X), ParamsError)
    assert said == f"{OTHER}unexpected dense_2/w, float32 of shape (4, 3){NAMED}"


def test_renamed_params() -> None:
    """Both names."""
    tree = parts()
    tree["dense_1"]["bias"] = tree["dense_1"].pop("b")
    assert refusal(lambda: NET.apply(tree, X), ParamsError) == (
        f"{OTHER}missing dense_1/b, expected float32 of shape (2,); "
        f"unexpected dense_1/bias, float32 of shape (2,){NAMED}"
    )


def test_params_of_other_shapes() -> None:
    """What came and what was expected."""
    tree = parts()
    tree["dense_1"] = {"w": np.zeros((5, 3), np.float32), "b": np.zeros(3, np.float32)}
    assert refusal(lambda: NET.apply(tree, X), ParamsError) == (
        f"{OTHER}dense_1/w has shape (5, 3), expected (5, 2); dense_1/b has shape (3,), expected (2,){INIT}"
    )


def test_params_of_several_dtypes() -> None:
    """Those that differ from most, and how to convert them."""
    tree = parts()
    tree["dense_0"]["b"] = np.zeros(5)
    tree["dense_1"]["b"] = np.zeros(2, int)
    assert refusal(lambda: NET.apply(tree, X), ParamsError) == (
        f"{OTHER}dense_0/b has dtype float64, expected float32; dense_1/b has dtype int64, expected float32. "
        f"To mend it, convert them with astype(params, np.float32)"
    )


def test_everything_at_once() -> None:
    """Nothing that is wrong hides behind the first thing."""
    tree = parts()
    tree["dense_0"] = {"w": np.zeros((3, 4), np.float32)}
    tree["dense_1"]["b"] = np.zeros(2)
    tree["more"], tree["none"] = {"w": np.zeros(1, np.float32)}, {}
    assert refusal(lambda: NET.apply(tree, X), ParamsError) == (
        f"{OTHER}missing dense_0/b, expected float32 of shape (5,); unexpected more/w, float32 of shape (1,); "
        f"dense_0/w has shape (3, 4), expected (3, 5); dense_1/b has dtype float64, expected float32; "
        f"unexpected none, an empty subtree{NAMED}"
    )


def test_a_leaf_for_a_subtree() -> None:
    """Missing below, unexpected above."""
    tree = parts() | {"dense_1": X}
    said = refusal(lambda: NET.apply(tree, X), ParamsError)
    assert "missing dense_1/w" in said and "unexpected dense_1, float32 of shape (4, 3)" in said


@pytest.mark.parametrize("key", [1, "", "a/b"])
def test_keys_that_are_no_names(key: Any) -> None:
    """The key is shown."""
    assert refusal(lambda: NET.apply(parts() | {key: X}, X), ParamsError) == (
        f"names in params are non-empty strings without '/', got {key!r} in params"
    )


@pytest.mark.parametrize(
    ("leaf", "said"), [([0.0, 0.0], "list; write np.array(value, np.float32)"), (None, "NoneType"), (0.0, "float; write np.array(value, np.float32)")]
)  # fmt: skip
def test_leaves_that_are_no_arrays(leaf: Any, said: str) -> None:
    """Where and what."""
    tree = parts()
    tree["dense_1"]["b"] = leaf
    assert refusal(lambda: NET.apply(tree, X), ParamsError) == f"dense_1/b must be an array or a mapping, got {said}"


def test_float64_params_are_as_good() -> None:
    """One dtype, whichever."""
    assert NET.apply(astype(PARAMS, np.float64), X).dtype == np.float64


# the input's fault ----------------------------------------------------------------------------------------------------
def test_channels_first_are_recognised() -> None:
    """An image in the order of another library: the channel counts, and how to transpose."""
    net = serial(Conv(4, (3, 3)), Relu)
    _, params = net.init(0, (-1, 8, 8, 3))
    said = refusal(lambda: net.apply(params, np.ones((2, 3, 8, 8), np.float32)), ShapeError)
    assert said.startswith("conv_0 in serial: takes (..., 3), got (2, 3, 8, 8)")
    assert said.endswith("channels come last here, 3 of them: x.transpose(0, 2, 3, 1)")


def test_an_image_without_a_batch_axis_is_recognised() -> None:
    """It needs one."""
    net = serial(Conv(4, (3, 3)), Relu)
    _, params = net.init(0, (-1, 8, 8, 3))
    assert "x[None]" in refusal(lambda: net.apply(params, np.ones((8, 8, 3), np.float32)), ShapeError)


def test_a_nested_layer_is_named_by_its_path() -> None:
    """From the outermost network inwards."""
    net = serial(Dense(3).named("first"), serial(Relu, Dense(2)).named("body"))
    _, params = net.init(0, (-1, 3))
    deeper = serial(Dense(4).named("first"), serial(Relu, Dense(2)).named("body"))
    mixed = deeper.init(0, (-1, 3))[1] | {"body": params["body"]}
    assert refusal(lambda: deeper.apply(mixed, X), ShapeError).startswith(
        "body/dense_0 in serial: takes (..., 3), got (4, 4)"
    )


def test_a_spec_that_decides_about_its_input_tells_nothing() -> None:
    """Then the params are named, as in every other case."""

    def spec(shape: Any) -> Any:
        return {"w": (lambda key, sizes, dtype: np.ones(sizes, dtype), (min(shape[-1], 7),))}

    def rule(params: Any, x: Array) -> Any:
        return x + params["w"], lambda dy: ({"w": dy.sum(0)}, dy)

    net: Layer[Array, Array] = Layer.of(lambda shape: shape, spec, rule)
    _, params = net.init(0, (-1, 3))
    said = refusal(lambda: net.apply(params, np.ones((2, 5), np.float32)), ParamsError)
    assert said == f"{OTHER}w has shape (3,), expected (5,){INIT}"


def test_channels_first_are_recognised_where_a_later_window_fails() -> None:
    """The shape rule refuses the pool; the params tell that the convolution before it got the wrong input."""
    net = serial(Conv(4, (3, 3)), serial(Relu, MaxPool((4, 4), (2, 2))), Flatten, Dense(2))
    _, params = net.init(0, (-1, 8, 8, 5))
    said = refusal(lambda: net.apply(params, np.ones((2, 5, 8, 8), np.float32)), ShapeError)
    assert said == (
        "conv_0 in serial: takes (..., 5), got (2, 5, 8, 8); its w has shape (3, 3, 5, 4): "
        "channels come last here, 5 of them: x.transpose(0, 2, 3, 1)"
    )


def test_where_no_params_were_made_for_another_input_the_shape_rule_has_the_word() -> None:
    """Images that are too small; params of another network."""
    net = serial(Conv(4, (3, 3)), MaxPool((4, 4)), Flatten, Dense(2))
    _, params = net.init(0, (-1, 8, 8, 5))
    for tree in (params, PARAMS, {"conv_0": {"w": {"w": X}}}):
        said = refusal(lambda: net.apply(tree, np.ones((2, 4, 4, 5), np.float32)), ShapeError)  # noqa: B023
        assert said.startswith("max_pool_0 in serial: the window (4, 4) of MaxPool is larger than the image (2, 2)")
