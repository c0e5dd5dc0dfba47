"""Flattened maps: where PyTorch has channels first in a vector, and we have them last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from funcnn import (
    GRU,
    LSTM,
    BatchNorm,
    Conv,
    ConvTranspose,
    Dense,
    Dropout,
    FanInConcat,
    FanOut,
    Flatten,
    GlobalAvgPool,
    Layer,
    LayerNorm,
    MaxPool,
    ParamsError,
    Relu,
    Reshape,
    Transpose,
    bidirectional,
    inference,
    parallel,
    residual,
    serial,
)
from funcnn.weights import from_state_dict, to_state_dict

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(3, 5, 4, 2))
CONV: dict[str, Any] = {"conv.weight": RNG.normal(size=(3, 2, 2, 2)), "conv.bias": RNG.normal(size=3)}
N = 4 * 3 * 3  # what Conv(3, (2, 2)) makes of an image


def linear(name: str, n: int, units: int) -> dict[str, Any]:
    """A module's arrays."""
    return {f"{name}.weight": RNG.normal(size=(units, n)), f"{name}.bias": RNG.normal(size=units)}


def made(net: Layer[Any, Any], state: dict[str, Any], shape: Any = (-1, 5, 4, 2), **more: Any) -> Any:
    """The params, which go back to the bit."""
    params = from_state_dict(net, shape, state, **more)
    back = to_state_dict(net, shape, params, like=state, **more)
    assert all(np.array_equal(a, state[name]) for name, a in back.items())
    return params


def flat(net: Layer[Any, Any], params: Any, x: Any) -> Any:
    """What comes before `Flatten`, flattened as PyTorch does."""
    h: Any = net.apply({"conv_0": params.sub("conv_0")}, x)
    return h.transpose(0, 3, 1, 2).reshape(len(x), -1)


@pytest.mark.parametrize("between", [(), (Relu,), (Dropout(0.1), Relu), (inference(serial(Relu)),)])
def test_a_dense_behind_flatten(between: Any) -> None:
    """Its rows are put into our order, whatever works on each number alone between."""
    net = serial(Conv(3, (2, 2)), *between, Flatten, *between, Dense(4))
    state = CONV | linear("fc", N, 4)
    params = made(net, state)
    h = flat(serial(Conv(3, (2, 2)), *between), params, IMAGES)
    wanted = h @ state["fc.weight"].T + state["fc.bias"]
    np.testing.assert_allclose(net.apply(params, IMAGES), wanted, rtol=1e-12)


def test_norms_between() -> None:
    """A LayerNorm and a BatchNorm of the vector are in the other order too."""
    net = serial(Conv(3, (2, 2)), Flatten, LayerNorm(), BatchNorm(), Dense(4))
    norms = {f"{a}.{b}": RNG.uniform(0.5, 2, N) for a in ("ln", "bn") for b in ("weight", "bias")}
    norms |= {f"bn.running_{b}": RNG.uniform(0.5, 2, N) for b in ("mean", "var")}
    state = CONV | norms | {"bn.num_batches_tracked": np.array(3)} | linear("fc", N, 4)
    h = flat(serial(Conv(3, (2, 2))), params := made(net, state), IMAGES)
    h = (h - h.mean(1, keepdims=True)) / np.sqrt(h.var(1, keepdims=True) + 1e-5)
    h = h * norms["ln.weight"] + norms["ln.bias"]
    h = (h - norms["bn.running_mean"]) / np.sqrt(norms["bn.running_var"] + 1e-5) * norms["bn.weight"] + norms["bn.bias"]
    wanted = h @ state["fc.weight"].T + state["fc.bias"]
    np.testing.assert_allclose(net.apply(params, IMAGES), wanted, rtol=1e-10)


def test_two_heads() -> None:
    """Each branch gets the flattened map."""
    net = serial(Conv(3, (2, 2)), Flatten, FanOut(2), parallel(Dense(4), serial(Relu, Dense(2))))
    state = CONV | linear("policy", N, 4) | linear("value", N, 2)
    h = flat(serial(Conv(3, (2, 2))), params := made(net, state), IMAGES)
    policy, value = net.apply(params, IMAGES)
    np.testing.assert_allclose(policy, h @ state["policy.weight"].T + state["policy.bias"], rtol=1e-12)
    wanted = np.maximum(h, 0) @ state["value.weight"].T + state["value.bias"]
    np.testing.assert_allclose(value, wanted, rtol=1e-12)


def test_images_that_are_flattened_at_once() -> None:
    """PyTorch's images have channels first, ours last; of one channel they are the same vector."""
    for channels in (2, 1):
        net, x = serial(Flatten, Dense(4)), RNG.normal(size=(3, 5, 4, channels))
        state = linear("fc", 20 * channels, 4)
        params = made(net, state, x.shape)
        wanted = x.transpose(0, 3, 1, 2).reshape(3, -1) @ state["fc.weight"].T + state["fc.bias"]
        np.testing.assert_allclose(net.apply(params, x), wanted, rtol=1e-12)


def test_what_is_no_map_stays_in_its_order() -> None:
    """Sequences with features last; maps of one pixel; maps that the network has turned itself."""
    lstm = serial(LSTM(3), Flatten, Dense(2))
    state: dict[str, Any] = {
        "l.weight_ih_l0": RNG.normal(size=(12, 4)), "l.weight_hh_l0": RNG.normal(size=(12, 3)),
        "l.bias_ih_l0": RNG.normal(size=12), "l.bias_hh_l0": RNG.normal(size=12), **linear("fc", 15, 2),
    }  # fmt: skip
    assert np.array_equal(made(lstm, state, (-1, 5, 4)).at("dense_0/w"), state["fc.weight"].T)
    pooled = serial(Conv(3, (2, 2)), MaxPool((4, 3)), Flatten, Dense(2))
    state = CONV | linear("fc", 3, 2)
    assert np.array_equal(made(pooled, state).at("dense_0/w"), state["fc.weight"].T)
    averaged = serial(Conv(3, (2, 2)), GlobalAvgPool, Dense(2))
    assert np.array_equal(made(averaged, state).at("dense_0/w"), state["fc.weight"].T)
    turned = serial(Conv(3, (2, 2)), Transpose((0, 3, 1, 2)), Flatten, Dense(2))
    state = CONV | linear("fc", N, 2)
    assert np.array_equal(made(turned, state).at("dense_0/w"), state["fc.weight"].T)


def test_a_vector_that_becomes_a_map() -> None:
    """The columns of the Dense in front of `Reshape`, and a norm between, are put into our order."""
    net = serial(Dense(12), BatchNorm(), Relu, Reshape((2, 2, 3)), ConvTranspose(1, (1, 1)))
    bn = {f"bn.{b}": RNG.uniform(0.5, 2, 12) for b in ("weight", "bias", "running_mean", "running_var")}
    up = {"up.weight": RNG.normal(size=(3, 1, 1, 1)), "up.bias": np.zeros(1)}
    state = linear("fc", 5, 12) | bn | {"bn.num_batches_tracked": np.array(0)} | up
    params = made(net, state, (-1, 5))
    x = RNG.normal(size=(2, 5))
    h = x @ state["fc.weight"].T + state["fc.bias"]
    h = (h - bn["bn.running_mean"]) / np.sqrt(bn["bn.running_var"] + 1e-5) * bn["bn.weight"] + bn["bn.bias"]
    maps = np.maximum(h, 0).reshape(2, 3, 2, 2)
    wanted = np.einsum("nchw,co->nhwo", maps, up["up.weight"][:, :, 0, 0])
    np.testing.assert_allclose(net.apply(params, x), wanted, rtol=1e-12)


def test_there_and_back_inside() -> None:
    """A map that is flattened and made a map again is the same map: nothing is reordered."""
    net = serial(Conv(3, (2, 2)), Flatten, Relu, Reshape((4, 3, 3)), Conv(2, (1, 1)))
    made(net, CONV | {"b.weight": RNG.normal(size=(2, 3, 1, 1)), "b.bias": np.zeros(2)})


@pytest.mark.parametrize(
    "tail",
    [
        serial(residual(Dense(N)), Dense(2)),
        serial(FanOut(2), parallel(Relu, Relu), FanInConcat(), Dense(2)),
        serial(Reshape((2, N // 2)), LSTM(3)),
    ],
)
def test_what_cannot_be_followed_is_refused(tail: Any) -> None:
    """Rather than guessed."""
    net = serial(Conv(3, (2, 2)), Flatten, tail)
    with pytest.raises(ParamsError, match="cannot be followed; (say of which map|reorder its arrays)"):
        from_state_dict(net, (-1, 5, 4, 2), CONV)


def test_sizes_that_are_open() -> None:
    """Time may stay open, and pixels behind which no leaf depends on them."""
    net = serial(Conv(3, (2, 2)), Relu, GlobalAvgPool, Dense(2))
    state = CONV | linear("fc", 3, 2)
    assert made(net, state, (-1, -1, -1, 2)) == made(net, state)
    made(serial(Conv(3, (2, 2)), Flatten), CONV, (-1, -1, -1, 2))
    made(serial(Conv(3, (2, 2)), Flatten, Relu), CONV, (-1, -1, 4, 2))


@pytest.mark.parametrize(
    ("around", "path"), [(lambda f: f, "gru_0"), (bidirectional, "bidirectional_0/forward")], ids=["alone", "both ways"]
)
def test_layers_along_sequences_may_be_said_to_take_none(around: Callable[[Any], Any], path: str) -> None:
    """Rows of an image that a recurrent layer goes along: its arrays are reordered by hand, or not at all."""
    net = serial(Conv(3, (2, 2)), Reshape((4, 9)), around(GRU(2)))
    params = net.init(0, (-1, 5, 4, 2), dtype=np.float64)[1]
    with pytest.raises(ParamsError, match=rf"{path} takes .* reorder its arrays by hand, .*={{'{path}': \(\)}}"):
        to_state_dict(net, (-1, 5, 4, 2), params)
    said: dict[str, tuple[int, ...]] = {leaf.removesuffix("/u"): () for leaf in params.paths() if leaf.endswith("/u")}
    state = to_state_dict(net, (-1, 5, 4, 2), params, flattened=said)
    assert made(net, state, flattened=said) == params
    with pytest.raises(ParamsError, match=f"flattened has '{path}'; the layers that may stand there are none"):
        made(net, state, flattened={path: (3, 3)})


def test_people_may_say_it() -> None:
    """Of which map the features are, or that they are of none."""
    net = serial(Conv(3, (2, 2)), Flatten, Dense(2))
    state = CONV | linear("fc", N, 2)
    usual = made(net, state)
    assert made(net, state, flattened={"dense_0": (4, 3, 3)}) == usual
    assert np.array_equal(made(net, state, flattened={"dense_0": ()}).at("dense_0/w"), state["fc.weight"].T)
    wrong: list[tuple[Any, str]] = [
        ({"dense_0": (4, 3, 2)}, r"dense_0 has 36 features, which no map of shape \(4, 3, 2\) has"),
        ({"dense_0": (-4, -3, 3)}, "which no map of shape"),
        ({"dense_0": 36}, r"flattened\['dense_0'\] is a tuple of sizes, \(7, 7, 64\), got 36"),
        ({"dense_0": [3, 3, 4]}, r"is a tuple of sizes, \(7, 7, 64\), got \[3, 3, 4\]"),
        ({"conv_0": (4, 3, 3)}, "flattened has 'conv_0'; the layers that may stand there are 'dense_0'"),
        ([4, 3, 3], "flattened is a mapping of layers to shapes of maps"),
    ]
    for flattened, said in wrong:
        with pytest.raises(ParamsError, match=said):
            from_state_dict(net, (-1, 5, 4, 2), state, flattened=flattened)
