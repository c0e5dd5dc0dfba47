"""PyTorch and JAX on networks of convolutions, residual ones too: who takes part, and whether they compute the same.

    python examples/benchmarks/residual_peers.py
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from reading import named
from residual_jax import jax_loss, jax_step
from residual_reading import read
from residual_torch import module, torch_step
from works import Work

from funcnn import value_and_grad
from funcnn.networks.surgery import children_of

Step = Callable[[], object]


def convolutional(work: Work) -> bool:
    """Is this one of the networks that are read here?"""
    return any(read(layer)[0] == "GlobalAvgPool" for layer in children_of(work.net).values())


def residual_entries(work: Work) -> Iterator[tuple[str, Callable[[Work], Step]]]:
    """The peers that are installed."""
    if importlib.util.find_spec("torch"):
        adam = named(work.optimizer) == "adam"
        yield "torch", torch_step
        if work.training:
            yield "torch fused", partial(torch_step, fused=True)
        if len(work.shape) > 3:
            yield "torch channels_last", partial(torch_step, fused=adam, last=True)
        yield "torch.compile", partial(torch_step, fused=adam, compiled=True)
        if len(work.shape) > 3:
            yield "torch.compile last", partial(torch_step, fused=adam, last=True, compiled=True)
    if importlib.util.find_spec("jax"):
        yield "jax.jit", jax_step


def differences(work: Work) -> dict[str, tuple[float, float]]:
    """For each peer: how far its loss, and the sum of the squares of its gradients, are from ours, relatively."""
    torch: Any = importlib.import_module("torch")
    jax: Any = importlib.import_module("jax")
    x, y = work.data()
    params = work.net.init(0, work.shape)[1]
    rng: Any = {"rng": 0} if work.net.definition.random else {}
    ours, grads = value_and_grad(work.loss, work.net.apply)(params, x, y, **rng)
    squares = sum(float((np.asarray(grads.at(p), np.float64) ** 2).sum()) for p in grads.paths())

    net = module(work.net, params.to_dict(), work.shape)
    loss = torch.nn.functional.cross_entropy(net(torch.tensor(x).movedim(-1, 1)), torch.tensor(y))
    loss.backward()
    theirs = loss.item(), sum((p.grad.double() ** 2).sum().item() for p in net.parameters())
    f, start, _ = jax_loss(work)
    value, tree = jax.value_and_grad(f)(start)
    jaxs = float(value), sum(float((np.asarray(g, np.float64) ** 2).sum()) for g in jax.tree.leaves(tree))
    return {name: (abs(v / ours - 1), abs(s / squares - 1)) for name, (v, s) in (("torch", theirs), ("jax", jaxs))}


if __name__ == "__main__":
    from residual import FIRST, SECOND

    for title, make in (FIRST | SECOND).items():
        for peer, (value, gradients) in differences(make()).items():
            print(f"{title:32s} {peer:6s} loss {value:.1e}  gradients {gradients:.1e}", flush=True)
