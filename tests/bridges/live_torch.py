"""The bridge to PyTorch. Needs it: `python -m tests.bridges torch`."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch
from torch import nn

from funcnn import (
    Array,
    Dense,
    Dropout,
    DTypeError,
    Embedding,
    FanInSum,
    FanOut,
    Key,
    Layer,
    NotAnalyticError,
    MeanOver,
    ParamsError,
    Shape,
    ShapeError,
    Spec,
    Tanh,
    adam,
    astype,
    fit,
    hvp,
    inference,
    layer,
    serial,
    squared_error,
    value_and_grad,
    vjp,
)
from funcnn.authoring import axes, branches, features, tokens
from funcnn.bridges.torch import derive, derive_loss, from_torch, params_of, to_torch
from funcnn.initializers import glorot_normal, zeros
from funcnn.testing import Case, LawBroken, holds, loss_laws, shapes
from tests.docs.pages import ROOT, blocks

torch.set_num_threads(1)


class Bag(nn.Module):
    """Words, looked up and averaged."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(5, 3)
        self.head = nn.Linear(3, 2)

    def forward(self, ids: Any) -> Any:
        return torch.tanh(self.head(self.words(ids).mean(1)))


class Recurrent(nn.Module):
    """What an LSTM makes of every step."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(2, 3, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.lstm(x)[0]


class Wrong(torch.autograd.Function):
    """A sine whose backward says half a cosine."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        return dy * ctx.saved_tensors[0].cos() / 2


class WronglyActivated(nn.Module):
    """It stands behind what is right."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, x: Any) -> Any:
        return Wrong.apply(self.linear(x))


def five() -> dict[str, tuple[Any, Any, dict[str, Any]]]:
    """Modules, shapes of an input, and what is claimed of them."""
    torch.manual_seed(0)
    smooth = {"kinks": False}
    return {
        "perceptron": (
            nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), shapes("B", ..., 3), smooth | {"analytic": True}
        ),
        "convolution": (
            nn.Sequential(nn.Conv2d(2, 3, 3, stride=2, padding=1), nn.GELU(), nn.AvgPool2d(2), nn.Flatten()),
            ("B", 2, 8, 8), smooth,
        ),
        "recurrent": (Recurrent(), ("B", "T", 2), smooth),
        "transformer": (
            nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, activation="gelu", batch_first=True), ("B", "T", 4), smooth
        ),
        "bag": (Bag(), ("B", "T"), smooth | {"takes": tokens}),
    }  # fmt: skip


SHAPES: Final[dict[str, tuple[int, ...]]] = {
    "perceptron": (4, 3), "convolution": (2, 2, 8, 8), "recurrent": (2, 3, 2), "transformer": (2, 3, 4), "bag": (2, 4)
}  # fmt: skip


# modules --------------------------------------------------------------------------------------------------------------
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
    assert from_torch(nn.LSTM(2, 3, batch_first=True))[0].out_shape((5, -1, 2)) == ((5, -1, 3), ((1, 5, 3),) * 2)
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


# derived rules --------------------------------------------------------------------------------------------------------
def dense(params: Any, x: Any) -> Any:
    """With a bias."""
    return torch.tanh(x @ params["w"] + params["b"])


@layer
def Derived(units: int) -> Layer[Array, Array]:
    """A layer of somebody's own."""

    def spec(shape: Shape) -> Spec:
        return {"w": (glorot_normal, (*axes("Derived", shape)[-1:], units)), "b": (zeros, (units,))}

    return Layer.of(lambda s: (*s[:-1], units), spec, derive(dense))


@derive_loss
def smooth_l1(prediction: Any, target: Any, *, beta: float = 1.0) -> Any:
    """PyTorch's, unreduced."""
    return nn.functional.smooth_l1_loss(prediction, target, reduction="none", beta=beta)


@derive_loss
def log_softmax_loss(logits: Any, labels: Any) -> Any:
    """Of integer labels."""
    return nn.functional.cross_entropy(logits, labels, reduction="none")


TestSmoothL1 = loss_laws(smooth_l1, shapes("B", "D"), target="like", examples=10)
TestCrossEntropy = loss_laws(log_softmax_loss, shapes("B", 4), target="labels", examples=10)


@pytest.mark.law
def test_a_derived_layer_keeps_every_law() -> None:
    """Those for analytic layers among them: PyTorch's gradients of complex numbers are conjugates, ours are not."""
    holds(Derived(3), shapes("B", ..., "D"), kinks=False, analytic=True, examples=5)


def test_second_derivatives_go_through() -> None:
    """hvp by complex numbers, as of our own layer, to 1e-12."""
    ours = serial(Dense(3), Tanh)
    _, params = ours.init(0, (-1, 2), dtype=np.float64)
    x, y = np.random.default_rng(0).normal(size=(4, 2)), np.ones((4, 3))
    inner = params.sub("dense_0")
    wanted = hvp(value_and_grad(squared_error, ours.apply), params, params, x, y).sub("dense_0")
    found = hvp(value_and_grad(squared_error, Derived(3).apply), inner, inner, x, y)
    for name in ("w", "b"):
        np.testing.assert_allclose(found.at(name), wanted.at(name), rtol=1e-12)


def test_the_key_is_a_generator() -> None:
    """Of PyTorch's, seeded; its own goes on where it was."""

    def noisy(p: Any, x: Any, rng: Any) -> Any:
        return x if rng is None else x + torch.randn(x.shape, generator=rng)

    net: Layer[Any, Any] = Layer.of(lambda s: s, lambda s: {}, derive(noisy))
    x, state = np.ones((2, 3), np.float32), torch.random.get_rng_state()
    one, again, other = (net.apply({}, x, rng=Key(i)) for i in (1, 1, 2))
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    assert torch.equal(state, torch.random.get_rng_state()) and np.array_equal(net.apply({}, x), x)


def test_the_switches_of_pytorch_stay() -> None:
    """Without gradients, and in inference mode, the pullback is there all the same, and the switch as it was."""
    _, params = Derived(2).init(0, (-1, 3))
    x = np.ones((1, 3), np.float32)
    wanted = vjp(Derived(2).apply, params, x)[1](np.ones((1, 2)))[0].at("w")
    for switch in (torch.no_grad, torch.inference_mode):
        with switch():
            before = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
            y, back = vjp(Derived(2).apply, params, x)
            assert np.array_equal(back(np.ones_like(y))[0].at("w"), wanted)
            assert before == (torch.is_grad_enabled(), torch.is_inference_mode_enabled())


def test_zero_rows_constants_and_threads() -> None:
    """An empty batch; a value that depends on nothing; eight threads; a wrapped module in eight threads."""
    _, params = Derived(2).init(0, (-1, 3))
    y, back = vjp(Derived(2).apply, params, np.zeros((0, 3), np.float32))
    assert y.shape == (0, 2) and not back(y)[0].at("w").any()
    constant: Layer[Any, Any] = Layer.of(lambda s: s, lambda s: {}, derive(lambda p, x: torch.ones(x.shape)))
    y, back = vjp(constant.apply, {}, np.zeros((2, 3), np.float32))
    assert not back(y)[1].any()
    dropping, start = from_torch(nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5)))

    def one(i: int) -> Any:
        x = np.full((4, 3), i, np.float32)
        return Derived(2).apply(params, x), dropping.apply(start, x, rng=i), dropping.apply(start, x)

    with ThreadPoolExecutor(8) as pool:
        for i, found in enumerate(pool.map(one, range(60))):
            for a, b in zip(found, one(i), strict=True):
                np.testing.assert_array_equal(a, b)


def test_python_floats_are_named() -> None:
    """And NumPy's arrays."""
    net: Layer[Any, Any] = Layer.of(lambda s: s, lambda s: {}, derive(lambda p, x: 0.5))
    with pytest.raises(DTypeError, match="<lambda> returned a float; it must return tensors of PyTorch"):
        net.apply({}, np.ones((1, 2)))


# the other way --------------------------------------------------------------------------------------------------------
net: Final = serial(Dense(4), Tanh, Dropout(0.5), Dense(2))


def double() -> tuple[Any, Any]:
    """A module in float64, and its params."""
    _, params = net.init(0, (-1, 3), dtype=np.float64)
    return to_torch(net, params), params


def test_gradcheck_passes() -> None:
    """PyTorch's own, by the input and by every parameter; called backward twice."""
    module, _ = double()
    module.eval()
    x = torch.randn(3, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(module, x)
    names = list(module.state_dict())

    def of_parameters(*values: Any) -> Any:
        return torch.func.functional_call(module, dict(zip(names, values, strict=True)), x.detach())

    assert torch.autograd.gradcheck(of_parameters, tuple(module.parameters()))
    y = module(x).sum()
    y.backward(retain_graph=True)
    first = x.grad.clone()
    y.backward()
    torch.testing.assert_close(x.grad, 2 * first)


def test_an_optimizer_of_pytorchs_trains_it() -> None:
    """Adam, dropout in training; then the state travels, and the params come back to us."""
    torch.manual_seed(0)
    _, params = net.init(0, (-1, 3))
    module = to_torch(net, params)
    x = torch.randn(64, 3)
    y = x[:, :2] * 2 - 1
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
    before = float(((module.eval()(x) - y) ** 2).mean().detach())
    for _ in range(200):
        optimizer.zero_grad()
        ((module.train()(x) - y) ** 2).mean().backward()
        optimizer.step()
    after = float(((module.eval()(x) - y) ** 2).mean().detach())
    assert after < before / 4
    learnt = params_of(module)
    assert learnt.paths() == params.paths() and learnt != params
    np.testing.assert_array_equal(net.apply(learnt, x.numpy()), module(x).detach().numpy())
    other = to_torch(net, params)
    other.load_state_dict(module.state_dict())
    assert params_of(other) == params_of(copy.deepcopy(module)) == learnt
    assert params_of(pickle.loads(pickle.dumps(module))) == learnt


def test_a_step_between_forward_and_backward_changes_no_gradient() -> None:
    """The pullback has its own copies, as PyTorch's has versions."""
    module, _ = double()
    module.eval()
    x = torch.ones(2, 3, dtype=torch.double)
    names = [name for name, _ in module.named_parameters()]
    wanted = torch.autograd.grad(module(x).sum(), list(module.parameters()))
    y = module(x).sum()
    with torch.no_grad():
        for p in module.parameters():
            p.mul_(3)
    for name, a, b in zip(names, torch.autograd.grad(y, list(module.parameters())), wanted, strict=True):
        torch.testing.assert_close(a, b, msg=name)


def test_training_passes_draw_from_pytorchs_generator() -> None:
    """The same seed, the same mask."""
    module, _ = double()
    x = torch.ones(8, 3, dtype=torch.double)
    found: list[Any] = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(module.train()(x))
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])
    assert torch.equal(module.eval()(x), module(x))


def test_tokens_tuples_and_several_inputs() -> None:
    """Tokens have no gradient; tuples come out nested; several inputs are called one after the other."""
    words = serial(Embedding(5, 3), MeanOver(1))
    module = to_torch(words, words.init(0, (-1, 4))[1])
    module(torch.tensor([[1, 2, 3, 0]])).sum().backward()
    assert not module.get_parameter("embedding_0.w").grad[4].any()
    a, b = torch.ones(2, 3, requires_grad=True), torch.ones(2, 3)
    out = to_torch(serial(FanInSum, FanOut(2)), {})(a, b)
    assert isinstance(out, tuple) and len(out) == 2
    (out[0] + 2 * out[1]).sum().backward()
    assert a.grad.tolist() == [[3.0] * 3] * 2


def test_what_to_torch_refuses() -> None:
    """Wrong shapes by our words, names that modules have, second derivatives, other devices, no layers."""
    module, params = double()
    with pytest.raises(ShapeError, match=r"dense_0 in serial: takes \(\.\.\., 3\)"):
        module(torch.ones(2, 4, dtype=torch.double))
    half = serial(Dense(2).named("half"))
    with pytest.raises(ValueError, match="a part named 'half'; name the layer with .named"):
        to_torch(half, half.init(0, (-1, 2))[1])
    with pytest.raises(TypeError, match="to_torch takes a network and its params, got 3"):
        to_torch(3, {})  # type: ignore[arg-type]
    with pytest.raises(DTypeError, match=r"computes on the CPU, got a tensor on meta; write .cpu\(\)"):
        module(torch.ones(2, 3, device="meta"))
    for given in (np.ones((2, 3)), 1.0, None):
        with pytest.raises(TypeError, match=r"takes tensors, got .*; write torch.as_tensor\(x\)"):
            module(given)
    x = torch.ones(2, 3, dtype=torch.double, requires_grad=True)
    with pytest.raises(NotAnalyticError, match="create_graph=True"):
        torch.autograd.grad(module(x).sum(), x, create_graph=True)
    with pytest.raises(DTypeError, match="float16"):
        module.half()(torch.ones(2, 3))
    del params


def test_there_and_back() -> None:
    """A network of ours as a module as a layer of ours keeps laws."""
    own = serial(Dense(2), Tanh)
    back, params = from_torch(to_torch(own, own.init(0, (-1, 3))[1]))
    assert params.paths() == ("dense_0/b", "dense_0/w")
    holds(back, ("B", 3), only=["true_pullback", "value_of_rule", "pure"], examples=5)


def test_the_program_of_the_page_runs(tmp_path: Path) -> None:
    """That for this library in docs/bridges.md, as printed."""
    (text,) = [text for text in blocks(ROOT / "docs" / "bridges.md", "py") if "funcnn.bridges.torch" in text]
    (tmp_path / "program.py").write_text(text, encoding="utf-8")
    there = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-W", "error", "program.py"], cwd=tmp_path, check=True, env=there)
