"""The door of a network: what it takes, and what it says about the rest."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from funcnn import (
    Array, Dense, DTypeError, FanOut, Flatten, Identity, Key, Layer, Params, Relu, ShapeError, Tanh, Tree, astype,
    parallel, serial, vjp,
)  # fmt: skip
from funcnn.authoring import tokens
from funcnn.params.packing import pack
from tests.refusals import refusal

NET = serial(Dense(5), Relu, Dense(2))
_, PARAMS = NET.init(Key(0), (-1, 3))
X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
Y = NET.apply(PARAMS, X)
FEATURES = "dtype {}, features are real numbers; "


class Sparse:
    """What SciPy's sparse matrices have."""

    def toarray(self) -> Array:
        """The dense array."""
        return X


def apply(x: Any, params: Any = PARAMS) -> Array:
    """Whatever comes, as from an untyped program."""
    return NET.apply(params, x)


# features -------------------------------------------------------------------------------------------------------------
LAYOUTS: dict[str, Any] = {
    "Fortran order": np.asfortranarray(X),
    "strided": np.repeat(np.repeat(X, 2, axis=0), 3, axis=1)[::2, ::3],
    "negative strides": X[::-1, ::-1].copy()[::-1, ::-1],
    "swapped bytes": X.astype(">f4"),
    "unaligned": np.frombuffer(b"\0" + X.tobytes(), np.float32, offset=1).reshape(X.shape),
    "a list": X.tolist(),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_never_change_a_result(layout: str) -> None:
    """Value and gradients are those of the contiguous native copy, bit for bit; the input is untouched."""
    same = LAYOUTS[layout]
    (y, pullback), (_, wanted) = vjp(NET.apply, PARAMS, same), vjp(NET.apply, PARAMS, X)
    assert np.array_equal(apply(same), Y) and np.array_equal(y, Y)
    assert pullback(Y)[0] == wanted(Y)[0] and np.array_equal(pullback(Y)[1], wanted(Y)[1])
    assert np.array_equal(same, X)


def test_read_only_input_is_welcome() -> None:
    """A memory map of a file, for one."""
    x = X.copy()
    x.setflags(write=False)
    assert np.array_equal(apply(x), Y)


def test_memory_maps_are_welcome(tmp_path: Path) -> None:
    """What comes out is a plain array."""
    np.save(tmp_path / "x.npy", X)
    y = apply(np.load(tmp_path / "x.npy", mmap_mode="r"))
    assert type(y) is np.ndarray and np.array_equal(y, Y)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.bool_, np.float64, np.float16, np.longdouble])
def test_features_are_converted_to_the_dtype_of_the_params(dtype: Any) -> None:
    """Once: never a float64 result from float32 params, nor dx in another dtype."""
    x: Any = np.ones((2, 3), dtype)
    y, pullback = vjp(NET.apply, PARAMS, x)
    assert {y.dtype, apply(x).dtype, pullback(y)[1].dtype} == {np.dtype(np.float32)}
    assert np.array_equal(y, apply(np.ones((2, 3), np.float32)))


def test_float64_params_compute_in_float64() -> None:
    """Whatever the features."""
    assert apply(X, astype(PARAMS, np.float64)).dtype == np.float64


def test_without_params_features_keep_their_dtype() -> None:
    """Other than floating-point ones, which become float32."""
    assert Tanh.apply({}, np.ones(2)).dtype == np.float64
    loose: Any = Tanh.apply
    assert loose({}, np.ones(2, int)).dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tokens_in_front_do_not_decide_the_dtype(dtype: Any) -> None:
    """Nor do masks: the first floating-point input of a tuple does, where there are no params."""
    looked_up = Layer.lift(
        lambda shape: (2,), lambda x: (x[2][x[0]], lambda dy: (x[0] * 0, x[1] * 0, x[2] * 0)),
        takes=lambda out: {0: "tokens", 1: "mask", 2: "features"},
    )  # fmt: skip
    y = looked_up.apply({}, (np.array([1, 0]), np.array([True]), np.array([0.1, 0.2], dtype)))
    assert y.dtype == dtype


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (X * 1j, FEATURES.format("complex64") + "take its .real and .imag apart"),
        (X.astype(object), FEATURES.format("object") + "make it numbers with .astype(np.float32)"),
        (X.astype(str), FEATURES.format("<U32") + "text that stands for categories is made integers: "
             "number them with np.unique(x, return_inverse=True); numbers in it are read by .astype(np.float32)"),
        (np.zeros((4, 3), "M8[s]"), FEATURES.format("datetime64[s]") + "count from a moment, (x - x.min()) / np.timedelta64(1, 's')"),
        (np.zeros((4, 3), [("a", "f4")]), FEATURES.format("[('a', '<f4')]") + "take the fields by name, x[name], or "
         "join them with numpy.lib.recfunctions.structured_to_unstructured"),
    ],
    ids=["complex", "object", "text", "dates", "structured"],
)  # fmt: skip
def test_other_dtypes_are_refused(x: Any, said: str) -> None:
    """The dtype and the fix."""
    assert refusal(lambda: apply(x), DTypeError) == f"the input has {said}"


@pytest.mark.parametrize(
    ("x", "said"),
    [
        ([[1.0, 2.0, 3.0], [1.0]], "is ragged: its rows have different lengths; pad them to one"),
        (np.ma.masked_array(X), "is a masked array; say what stands for the missing values with .filled(value)"),
        (Sparse(), "is sparse (Sparse); make it dense with .toarray()"),
    ],
    ids=["ragged", "masked", "sparse"],
)
def test_other_containers_are_refused(x: Any, said: str) -> None:
    """What it is and the fix."""
    assert refusal(lambda: apply(x), DTypeError) == f"the input {said}"


def test_tokens_stay_integers() -> None:
    """And are refused as anything else."""
    look: Layer[Any, Array] = Layer.lift(lambda shape: shape, lambda x: (x * 0.5, lambda dy: dy), takes=tokens)
    assert look.apply({}, np.array([3], ">i2")).tolist() == [1.5]
    assert refusal(lambda: look.apply({}, X), DTypeError) == (
        "the input has dtype float32, but tokens are integers: .astype(np.int64)"
    )


def test_an_item_of_a_tuple_is_named() -> None:
    """By its place."""
    add: Layer[Any, Array] = Layer.lift(
        lambda shape: shape[0],  # type: ignore[arg-type, return-value]
        lambda x: (x[0] + x[1], lambda dy: (dy, dy)),
    )
    assert refusal(lambda: add.apply({}, (X, X * 1j)), DTypeError).startswith("item 1 of the input has dtype complex64")


# shapes ---------------------------------------------------------------------------------------------------------------
def test_an_input_of_another_width_names_the_layer() -> None:
    """Its path, both shapes and what to do."""
    assert refusal(lambda: apply(np.ones((4, 9))), ShapeError) == (
        "dense_0 in serial: takes (..., 3), got (4, 9); its w has shape (3, 5): "
        "give such an input, or init again with the shape you have"
    )


def test_a_layer_alone_is_named_too() -> None:
    """Without a path."""
    _, params = Dense(2).init(0, (-1, 3))
    assert refusal(lambda: Dense(2).apply(params, np.ones((4, 9), np.float32)), ShapeError).startswith(
        "dense takes (..., 3)"
    )


def test_a_batch_of_nothing_gives_nothing() -> None:
    """Of the right shape and dtype; the gradients are zero."""
    y, pullback = vjp(NET.apply, PARAMS, X[:0])
    dparams, dx = pullback(y)
    assert (y.shape, y.dtype, apply(X[:0]).shape, dx.shape) == ((0, 2), np.dtype(np.float32), (0, 2), (0, 3))
    assert not any(dparams.at(path).any() for path in dparams.paths())


def test_other_axes_are_not_empty() -> None:
    """But where the layer says so: a sequence may have no steps, an image has pixels, and an example features."""
    assert apply(np.ones((4, 0, 3))).shape == (4, 0, 2)
    net = serial(Flatten, Dense(2))
    assert refusal(lambda: net.apply(net.init(0, (-1, 3))[1], np.ones((4, 0, 3))), ShapeError) == (
        "flatten_0 in serial: Flatten: dimension 1 of the shape (4, 0, 3) is 0; only the leading (batch) axis may be empty"
    )


def test_a_tuple_for_an_array_is_refused() -> None:
    """With the shapes."""
    assert refusal(lambda: apply((X, X)), ShapeError) == (
        "dense_0 in serial: Dense takes an array of at least 1 axis, got a tuple of 2: ((4, 3), (4, 3))"
    )


def test_more_shapes_than_are_remembered() -> None:
    """They are planned again."""
    net = serial(Dense(1))
    _, params = net.init(0, (-1, 2))
    assert [net.apply(params, np.ones((n, 2), np.float32)).shape for n in range(150)] == [(n, 1) for n in range(150)]


# params ---------------------------------------------------------------------------------------------------------------
def parts() -> dict[str, dict[str, Any]]:
    """The params, the user's own."""
    return PARAMS.to_dict()


def test_any_mapping_is_welcome() -> None:
    """A dict, Params in a dict, swapped bytes, Fortran order."""
    swapped: Tree = {
        name: {leaf: np.asfortranarray(a.astype(">f4")) for leaf, a in sub.items()} for name, sub in parts().items()
    }
    mixed: Tree = {"dense_0": PARAMS.sub("dense_0"), "dense_1": parts()["dense_1"]}
    assert np.array_equal(apply(X, swapped), Y) and np.array_equal(apply(X, mixed), Y)
    y, pullback = vjp(NET.apply, swapped, X)
    assert pullback(y)[0] == vjp(NET.apply, PARAMS, X)[1](y)[0]


def test_packed_and_plain_params_give_the_same() -> None:
    """Values and gradients."""
    plain = Params(PARAMS)
    y, pullback = vjp(NET.apply, plain, X)
    assert np.array_equal(y, Y) and pullback(y)[0] == vjp(NET.apply, pack(plain), X)[1](y)[0]


def test_threads_share_params_and_networks() -> None:
    """Also before anything was planned, and before packed params made their leaves."""
    for _ in range(20):
        net = serial(Dense(5), Relu, Dense(2))
        _, params = net.init(Key(0), (-1, 3))
        found: list[Array] = []
        started = threading.Barrier(4)

        def run(net: Any = net, params: Params = params, found: list[Array] = found, started: Any = started) -> None:
            started.wait()
            y, pullback = vjp(net.apply, params, X)
            found.append(np.concatenate([y.ravel(), pullback(y)[1].ravel()]))

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 4 and all(np.array_equal(a, found[0]) for a in found)


@pytest.mark.parametrize(
    "net", [Dense(3), Identity, Flatten, serial(Dense(3), Relu), serial(FanOut(2), parallel(Dense(2), Identity))], ids=repr
)
def test_what_goes_out_is_read_only(net: Layer[Any, Any]) -> None:
    """From apply as from vjp, whatever the last layer is; the input stays its owner's."""
    x = np.ones((2, 3), np.float32)
    _, params = net.init(0, x.shape)
    for y in (net.apply(params, x), vjp(net.apply, params, x)[0]):
        for item in y if isinstance(y, tuple) else (y,):
            with pytest.raises(ValueError, match="read-only"):
                item[0] = 1
    assert x.flags.writeable
