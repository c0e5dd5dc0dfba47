"""Rules and losses that PyTorch derives. Needs it: `python -m tests.bridges torch`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import pytest
import torch
from torch import nn

from funcnn import DTypeError, Key, Layer, vjp
from funcnn.bridges.torch import derive, derive_loss, from_torch
from funcnn.testing import holds, loss_laws, shapes
from tests.bridges.derived_layers import dense_by, second_derivatives_are_ours

torch.set_num_threads(1)


def dense(params: Any, x: Any) -> Any:
    """With a bias."""
    return torch.tanh(x @ params["w"] + params["b"])


Derived: Final = dense_by(derive(dense))


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
    """By complex numbers, as of our own layers."""
    second_derivatives_are_ours(Derived(3))


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
