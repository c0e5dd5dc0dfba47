"""PyTorch and JAX over tokens: who takes part, and whether they compute the same.

    python examples/benchmarks/transformer_peers.py

Prints for every workload of `transformers.py` how far the losses and gradients of the peers are from ours.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from transformer_jax import jax_loss, jax_passes, jax_step, jax_writing
from transformer_reading import READ, pieces
from transformer_torch import network, torch_loss, torch_passes, torch_step, torch_writing
from transformers import Passes, Writing
from works import Work

from funcnn import decoder, value_and_grad, vjp
from funcnn.networks.surgery import children_of

Step = Callable[[], object]


def over_tokens(work: Work) -> bool:
    """Is this one of the networks that are read here?"""
    return next(iter(children_of(work.net).values())).init.record.name in READ  # type: ignore[union-attr]


def token_entries(work: Work) -> Iterator[tuple[str, Callable[[Work], Step]]]:
    """The peers that are installed; PyTorch with its own and with its fused Adam, and compiled."""
    kind = type(work)
    if importlib.util.find_spec("torch"):
        if isinstance(work, Passes):
            yield "torch", torch_passes
            yield "torch.compile", partial(torch_passes, compiled=True)
        elif isinstance(work, Writing):
            yield "torch", torch_writing
            yield "torch.compile", partial(torch_writing, compiled=True)
        else:
            yield "torch", torch_step
            if work.training:
                yield "torch fused", partial(torch_step, fused=True)
            yield "torch.compile", partial(torch_step, fused=True, compiled=True)
    if importlib.util.find_spec("jax"):
        yield "jax.jit", {Passes: jax_passes, Writing: jax_writing}.get(kind, jax_step)


def our_passes(work: Work) -> Step:
    """Value and pullback."""
    x, dy = work.data()
    _, params = work.net.init(0, work.shape, dtype=work.dtype)
    key: Any = {"rng": 0} if work.net.definition.random else {}
    return lambda: vjp(work.net.apply, params, x, **key)[1](dy)


def our_writing(work: Work) -> Step:
    """As many tokens as there are to be, one after the other."""
    _, params = work.net.init(0, work.shape, dtype=work.dtype)
    step = decoder(work.net)

    def written() -> list[int]:
        tokens, memory = [1], None
        for _ in range(work.shape[1]):
            logits, memory = step(params, np.array([tokens[-1:]]), memory)
            tokens.append(int(logits[0, -1].argmax()))
        return tokens

    return written


OURS: dict[type[Work], Callable[[Work], Step]] = {Passes: our_passes, Writing: our_writing}
"""What is measured of this library where it is no training step and no forward pass."""


def differences(work: Work) -> dict[str, float]:
    """How far the loss of each peer is from ours, or any of its gradients, as a part of the largest entry. Of texts: how
    many tokens differ."""
    if isinstance(work, Writing):
        written: Any = our_writing(work)()
        texts: dict[str, Any] = {"torch": torch_writing(work)(), "jax": jax_writing(work)()}
        return {name: sum(a != b for a, b in zip(written, text, strict=True)) for name, text in texts.items()}
    torch: Any = importlib.import_module("torch")
    jax: Any = importlib.import_module("jax")
    x, y = work.data()
    params = work.net.init(0, work.shape, dtype=work.dtype)[1]
    key: Any = {"rng": 0} if work.net.definition.random else {}
    loss, grads = value_and_grad(work.loss, work.net.apply)(params, x, y, **key)
    gradients = [piece.params for piece in pieces(work, grads)]
    ours = [np.asarray(p[name]) for p in gradients for name in p]

    net = network(work)
    theirs = torch_loss(work)(net(torch.from_numpy(x)), torch.from_numpy(y))
    theirs.backward()
    leaves = [p.grad.numpy() for p in net.parameters()]
    value, tree = jax.value_and_grad(jax_loss(work))([piece.params for piece in pieces(work)], x)
    found: dict[str, tuple[float, list[Any]]] = {
        "torch": (theirs.item(), leaves),
        "jax": (float(value), [np.asarray(b[name]) for a, b in zip(gradients, tree, strict=True) for name in a]),
    }
    return {name: _far(float(loss), ours, *other) for name, other in found.items()}


def _far(loss: float, ours: list[Any], value: float, theirs: list[Any]) -> float:
    """The params come in the same order; PyTorch's matrices are transposed."""
    worst, largest = abs(value / loss - 1), max(float(np.abs(a).max()) for a in ours)
    for a, b in zip(ours, theirs, strict=True):
        away = min(float(np.abs(a - c).max()) for c in (b, b.T) if c.shape == a.shape)
        worst = max(worst, away / largest)
    return worst


if __name__ == "__main__":
    from transformers import FIRST, SECOND

    for title, make in (FIRST | SECOND).items():
        print(f"{title:46s}", *(f"{peer} {far:.1e}" for peer, far in differences(make()).items()), flush=True)
