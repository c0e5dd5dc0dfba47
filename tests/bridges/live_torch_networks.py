"""Networks of ours as modules of PyTorch. Needs it: `python -m tests.bridges torch`."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch

from funcnn import (
    Dense,
    Dropout,
    DTypeError,
    Embedding,
    FanInSum,
    FanOut,
    MeanOver,
    NotAnalyticError,
    ShapeError,
    Tanh,
    serial,
)
from funcnn.bridges.torch import from_torch, params_of, to_torch
from funcnn.testing import holds
from tests.bridges.derived_layers import program_of_the_page_runs

torch.set_num_threads(1)


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
    program_of_the_page_runs("torch", tmp_path)
