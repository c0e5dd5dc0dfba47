"""Modules of PyTorch as layers of ours. Needs PyTorch: `python -m tests.bridges torch`."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from funcnn import (
    Array,
    Dense,
    DTypeError,
    Layer,
    ParamsError,
    ShapeError,
    adam,
    astype,
    fit,
    inference,
    squared_error,
    vjp,
)
from funcnn.authoring import branches, features
from funcnn.bridges.torch import derive, from_torch, params_of
from funcnn.initializers import glorot_normal
from funcnn.testing import Case, LawBroken, holds
from tests.bridges.torch_modules import SHAPES, WronglyActivated, five

torch.set_num_threads(1)


@pytest.mark.law
@pytest.mark.parametrize("name", five())
def test_five_modules_keep_the_laws(name: str) -> None:
    """In both dtypes."""
    module, shape, claims = five()[name]
    net: Layer[Any, Any] = from_torch(module, takes=claims.pop("takes", features))[0]
    holds(net, shape, examples=5, **claims)


@pytest.mark.law
def test_a_wrong_backward_is_convicted_by_name() -> None:
    """The message names the law and the module."""
    net: Layer[Any, Any] = from_torch(WronglyActivated())[0]
    with pytest.raises(LawBroken, match="true_pullback") as caught:
        holds(net, ("B", 3), only=["true_pullback"])
    assert "WronglyActivated" in str(caught.value)


@pytest.mark.parametrize("name", five())
def test_gradients_are_pytorchs(name: str) -> None:
    """To the last bits, by every parameter and the input, under PyTorch's names."""
    module, _, claims = five()[name]
    net: Layer[Any, Any]
    net, params = from_torch(module, takes=claims.get("takes", features))
    case = Case(net, SHAPES[name], dtype="float32")
    assert {path.replace("/", ".") for path in params.paths()} == {path for path, _ in module.named_parameters()}
    y, back = vjp(net.apply, params, case.x)
    dparams, dx = back(np.ones_like(y))
    x = torch.tensor(np.array(case.x), requires_grad=name != "bag")
    out = module.eval()(x)
    np.testing.assert_array_equal(y, out.detach().numpy())
    out.sum().backward()
    for path, p in module.named_parameters():
        np.testing.assert_allclose(dparams.at(path.replace(".", "/")), p.grad.numpy(), rtol=1e-5, atol=1e-6)
    assert name == "bag" or np.allclose(dx, x.grad.numpy(), rtol=1e-5, atol=1e-6)


def test_shapes_are_known_as_far_as_they_can_be() -> None:
    """Batches and times that are not known stay so; nested tuples out."""
    modules = five()
    assert from_torch(modules["perceptron"][0])[0].out_shape((-1, 7, 3)) == (-1, 7, 2)
    assert from_torch(modules["convolution"][0])[0].out_shape((-1, 2, 8, 8)) == (-1, 12)
    lstm: Layer[Any, Any] = from_torch(nn.LSTM(2, 3, batch_first=True))[0]
    assert lstm.out_shape((5, -1, 2)) == ((5, -1, 3), ((1, 5, 3),) * 2)
    with pytest.raises(ShapeError, match=r"Sequential does not take \(2, 4\): mat1 and mat2"):
        from_torch(modules["perceptron"][0])[0].out_shape((2, 4))


def test_a_wrapped_module_is_data() -> None:
    """It prints in a line, pickles and compares by what is in it; what happens to the module changes nothing."""
    module = five()["perceptron"][0]
    net, params = from_torch(module)
    assert repr(net).startswith("TorchModule(Sequential(") and "\n" not in repr(net)
    again = from_torch(module)[0]
    assert pickle.loads(pickle.dumps(net)) == copy.deepcopy(net) == net == again
    x = np.ones((2, 3), np.float32)
    before = net.apply(params, x)
    with torch.no_grad():
        module[0].weight.zero_()
    assert np.array_equal(net.apply(params, x), before) and params_of(module) != params
    assert net.init(5, (-1, 3))[1] == params and from_torch(module)[0] != net
    assert module.training


def test_a_wrapped_module_trains_in_front_of_ours() -> None:
    """By fit, with Dropout of PyTorch's drawn by our key: the same seed, the same run; its generator goes on alone."""
    module = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Dropout(0.1))
    net = from_torch(module)[0] >> Dense(1)
    x = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    y = x[:, :1] * x[:, 1:]
    state = torch.random.get_rng_state()

    def run() -> Any:
        start = net.init(0, (-1, 2))[1]
        *_, (last, _) = fit(squared_error, net.apply, adam(1e-2), start, (x, y), epochs=40, batch_size=16, rng=1)
        return last.params

    learnt = run()
    assert learnt == run() and torch.equal(state, torch.random.get_rng_state())
    assert squared_error(net.apply(learnt, x), y) < 0.3 * float(np.mean(y**2))
    assert learnt.sub("torch_module_0").paths() == ("0/bias", "0/weight")


def test_modes_are_ours() -> None:
    """Inference is deterministic, a key makes a training pass, and the same key the same one."""
    net, params = from_torch(nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5)))
    x = np.ones((4, 3), np.float32)
    plain, one, again, other = (net.apply(params, x, rng=rng) for rng in (None, 1, 1, 2))
    assert np.array_equal(one, again) and not np.array_equal(one, other) and not np.array_equal(one, plain)
    holds(net, ("B", 3), examples=5, only=["true_pullback", "pure", "fresh_key", "linear_pullback"][:2])
    assert not from_torch(nn.Linear(3, 2))[0].apply.random
    assert not from_torch(nn.LSTM(3, 2))[0].apply.random and from_torch(nn.LSTM(3, 2, 2, dropout=0.5))[0].apply.random


def test_running_statistics_are_used_and_not_kept() -> None:
    """Inference with those there are; a training pass is refused by name, with the two ways out."""
    norm = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    norm[1].running_mean.fill_(2.0)
    net, params = from_torch(norm)
    x = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    np.testing.assert_allclose(net.apply(params, x), norm.eval()(torch.tensor(x)).detach().numpy(), rtol=1e-6)
    assert "1/running_mean" not in params.paths()
    with pytest.raises(ParamsError, match=r"BatchNorm1d '1' keeps running statistics.*take inference\(net\)"):
        net.apply(params, x, rng=0)
    assert np.array_equal(inference(net).apply(params, x, rng=0), net.apply(params, x))
    holds(inference(from_torch(nn.BatchNorm1d(3))[0]), ("B", 3), only=["true_pullback", "dtype_kept"], examples=5)
    free = from_torch(nn.BatchNorm1d(3, track_running_stats=False))[0]
    holds(free, (4, 3), mixes_batch=True, examples=3, only=["true_pullback", "independent_rows"])


def test_what_has_state_is_refused_by_name() -> None:
    """Buffers that change in place, and those that are set anew."""

    class Counts(nn.Module):
        calls: Any

        def __init__(self, in_place: bool) -> None:
            super().__init__()
            self.in_place = in_place
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x: Any) -> Any:
            if self.in_place:
                self.calls += 1
            else:
                self.calls = self.calls + 1
            return x * 2

    for in_place in (True, False):
        net, params = from_torch(Counts(in_place))
        with pytest.raises(ParamsError, match="Counts changes its buffer 'calls' in a pass; a layer has no state"):
            net.apply(params, np.ones((1, 2)))


def test_frozen_parameters_and_buffers_are_constants() -> None:
    """What PyTorch would not train is not in the params; in float64 they are computed in float64."""
    module = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    module[0].requires_grad_(False)
    net, params = from_torch(module)
    assert params.paths() == ("1/bias", "1/weight")
    wide = astype(params, np.float64)
    y = net.apply(wide, np.ones((2, 3)))
    assert y.dtype == np.float64
    np.testing.assert_allclose(y, module(torch.ones(2, 3)).detach().numpy(), rtol=1e-5)


def test_in_place_writes_reach_nothing() -> None:
    """Into the input PyTorch may write, for it is a copy; into a parameter it refuses."""
    net, params = from_torch(nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 2), nn.ReLU(inplace=True)))
    x = np.array([[-1.0, 2.0, -3.0]], np.float32)
    y, back = vjp(net.apply, params, x)
    assert x.tolist() == [[-1.0, 2.0, -3.0]] and back(np.ones_like(y))[1][0, 0] == 0

    def writes(p: Any, x: Any) -> Any:
        p["w"][:] = 0
        return x * p["w"]

    def squares(p: Any, x: Any) -> Any:
        ids, z = x
        ids[:] = 0
        return z.mul_(p["w"]).mul_(2)

    made: Layer[Any, Any] = Layer.of(lambda s: s, lambda s: {"w": (glorot_normal, (3,))}, derive(writes))
    _, start = made.init(0, (-1, 3))
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad") as caught:
        made.apply(start, x)
    assert "in writes, a function of tensors of PyTorch" in caught.value.__notes__
    both: Layer[tuple[Any, Array], Array] = Layer.of(
        lambda s: branches("squares", s)[1], lambda s: {"w": (glorot_normal, (3,))}, derive(squares),
        takes=lambda out: {0: "tokens", 1: "features"},
    )  # fmt: skip
    ids = np.array([[1, 2, 3]])
    kept = {path: start.at(path).copy() for path in start.paths()}
    z, pullback = vjp(both.apply, start, (ids, x))
    np.testing.assert_allclose(pullback(np.ones_like(z))[0].at("w"), 2 * x[0])
    assert ids.tolist() == [[1, 2, 3]] and all(np.array_equal(start.at(path), a) for path, a in kept.items())


def test_what_modules_are_refused() -> None:
    """No module, half precision, mixed dtypes, lazy modules, lists that come out: each is named."""
    with pytest.raises(TypeError, match="from_torch takes a torch.nn.Module, got 3"):
        from_torch(3)  # type: ignore[arg-type]
    with pytest.raises(DTypeError, match=r"weight of Linear is bfloat16.*take module.float\(\)"):
        from_torch(nn.Linear(2, 2).bfloat16())
    with pytest.raises(DTypeError, match="the params are of float32 and float64"):
        from_torch(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2).double()))
    with pytest.raises(ParamsError, match="weight of LazyLinear has no shape yet; call the module once"):
        from_torch(nn.LazyLinear(3))

    class Lists(nn.Module):
        def forward(self, x: Any) -> Any:
            return [x, x]

    with pytest.raises(DTypeError, match="Lists returned a list; it must return tensors of PyTorch, or a tuple of the"):
        from_torch(Lists())[0].apply({}, np.ones((1, 2)))
    net, params = from_torch(nn.Linear(2, 2))
    with pytest.raises(ParamsError):
        net.apply(astype(params, np.float64).set("bias", np.zeros(2)) | {"more": np.zeros(2)}, np.ones((1, 2)))


def test_several_inputs() -> None:
    """A tuple is what forward takes, one after the other."""
    net, params = from_torch(nn.Bilinear(2, 3, 4))
    assert net.out_shape(((-1, 2), (-1, 3))) == (-1, 4)
    holds(net, (("B", 2), ("B", 3)), only=["true_pullback", "declared_shape"], examples=5)
    attention: Layer[Any, Any] = from_torch(nn.MultiheadAttention(4, 2, batch_first=True))[0]
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    y, weights = attention.apply(attention.init(0, ((2, 3, 4),) * 3, dtype=np.float64)[1], (x, x, x))
    assert y.shape == (2, 3, 4) and weights.shape == (2, 3, 3)
