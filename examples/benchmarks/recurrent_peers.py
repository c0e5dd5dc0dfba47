"""PyTorch and JAX along time: the same networks, with the same params.

    python examples/benchmarks/recurrent_peers.py

Prints for every workload of `recurrent.py`, in float64, how far the losses and gradients of the peers are from ours.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from jax_peer import training_step
from works import Work

from funcnn import value_and_grad
from funcnn.networks.surgery import children_of

Step = Callable[[], object]


class Recurrent(NamedTuple):
    """What there is to know of a network of one recurrent layer and a Dense on its last state."""

    kind: str  # LSTM or GRU
    directions: tuple[dict[str, Any], ...]  # w, u, b of each
    dense: dict[str, Any]
    x: Any
    mask: Any  # None, or which steps are real
    target: Any


def read(work: Work) -> Recurrent | None:
    """The network of this workload; None where it is no such network."""
    (name, first), *rest = children_of(work.net).items()
    record: Any = first.init.record
    both_ways = record is not None and record.name == "bidirectional"
    if both_ways:
        record = record.args[0].init.record
    if record is None or record.name not in ("LSTM", "GRU"):
        return None
    _, params = work.net.init(0, work.shape, dtype=work.dtype)
    tree: Any = params.to_dict()
    ways = (tree[name]["forward"], tree[name]["backward"]) if both_ways else (tree[name],)
    data, target = work.data()
    x, mask = data if isinstance(data, tuple) else (data, None)
    return Recurrent(record.name, ways, tree[rest[0][0]], x, mask, target)


def recurrent_entries(net: Recurrent, work: Work) -> Iterator[tuple[str, Callable[[Work], Step]]]:
    """The peers that are installed; PyTorch with its own and with its fused Adam, and compiled."""
    if importlib.util.find_spec("torch"):
        yield "torch", lambda work: _torch_step(net, work)
        if work.training:
            yield "torch fused", lambda work: _torch_step(net, work, fused=True)
        yield "torch.compile", lambda work: _torch_step(net, work, fused=True, compiled=True)
    if importlib.util.find_spec("jax"):
        yield "jax.jit", lambda work: _jax_step(net, work)


def torch_network(net: Recurrent) -> tuple[Any, Any, Any]:
    """A module, its inputs and its targets. Sequences of several lengths are packed."""
    torch: Any = importlib.import_module("torch")
    nn: Any = torch.nn
    features, units = net.directions[0]["w"].shape[0], net.directions[0]["u"].shape[0]
    layer = getattr(nn, net.kind)(features, units, batch_first=True, bidirectional=len(net.directions) > 1)
    dense = nn.Linear(*net.dense["w"].shape)

    class Network(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.dense = layer, dense

        def forward(self, x: Any) -> Any:
            _, state = self.layer(x)
            h = state[0] if net.kind == "LSTM" else state
            return self.dense(h[0] if len(h) == 1 else torch.cat((h[0], h[1]), 1))

    for end, p in zip(("", "_reverse"), net.directions, strict=False):
        half = len(p["b"]) // 2
        values = {"weight_ih": p["w"].T, "weight_hh": p["u"].T, "bias_ih": p["b"][:half], "bias_hh": p["b"][half:]}
        for name, value in values.items():
            setattr(layer, f"{name}_l0{end}", nn.Parameter(torch.tensor(value)))
    layer.flatten_parameters()
    dense.weight, dense.bias = nn.Parameter(torch.tensor(net.dense["w"].T)), nn.Parameter(torch.tensor(net.dense["b"]))
    x = torch.from_numpy(net.x)
    if net.mask is not None:
        lengths = torch.from_numpy(net.mask.sum(1))
        x = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    return Network(), x, torch.from_numpy(net.target)


def _torch_step(net: Recurrent, work: Work, fused: bool = False, compiled: bool = False) -> Step:
    torch: Any = importlib.import_module("torch")
    module, x, target = torch_network(net)
    apply = torch.compile(module) if compiled else module
    if not work.training:

        def forward() -> None:
            with torch.inference_mode():
                apply(x)

        return forward
    optimizer: Any = work.optimizer
    adam = torch.optim.Adam(module.parameters(), *optimizer.init.record.args, fused=fused)

    def step() -> None:
        adam.zero_grad()
        torch.nn.functional.cross_entropy(apply(x), target).backward()
        adam.step()

    return step


def jax_apply(net: Recurrent) -> Callable[[Any, Any], Any]:
    """`(params, x) -> logits`; params are those of the directions, then those of the Dense."""
    jax: Any = importlib.import_module("jax")
    jnp: Any = jax.numpy
    mask = None if net.mask is None else jnp.asarray(net.mask.T[..., None])
    sigmoid = jax.nn.sigmoid

    def lstm(state: Any, zx: Any, u: Any, b: Any) -> Any:
        i, f, g, o = jnp.split(zx + state[0] @ u + b, 4, -1)
        c = sigmoid(f) * state[1] + sigmoid(i) * jnp.tanh(g)
        return sigmoid(o) * jnp.tanh(c), c

    def gru(state: Any, zx: Any, u: Any, b: Any) -> Any:
        (xr, xz, xn), (hr, hz, hn) = jnp.split(zx, 3, -1), jnp.split(state[0] @ u + b, 3, -1)
        z = sigmoid(xz + hz)
        return ((1 - z) * jnp.tanh(xn + sigmoid(xr + hr) * hn) + z * state[0],)

    cell, states = (lstm, 2) if net.kind == "LSTM" else (gru, 1)

    def last(p: Any, x: Any, reverse: bool) -> Any:
        half = len(p["b"]) // 2
        zx = jnp.swapaxes(x @ p["w"] + p["b"][:half], 0, 1)

        def step(state: Any, now: Any) -> Any:
            new = cell(state, now[0], p["u"], p["b"][half:])
            if mask is not None:
                new = tuple(jnp.where(now[1], a, b) for a, b in zip(new, state, strict=True))
            return new, None

        start = (jnp.zeros((x.shape[0], p["u"].shape[0]), x.dtype),) * states
        return jax.lax.scan(step, start, (zx, mask), reverse=reverse)[0][0]

    def apply(params: Any, x: Any) -> Any:
        *directions, dense = params
        h = jnp.concatenate([last(p, x, i > 0) for i, p in enumerate(directions)], -1)
        return h @ dense["w"] + dense["b"]

    return apply


def jax_loss(net: Recurrent) -> Callable[[Any, Any], Any]:
    """Cross-entropy, of params and inputs."""
    jax: Any = importlib.import_module("jax")
    apply, target = jax_apply(net), net.target[:, None]
    return lambda params, x: -jax.numpy.take_along_axis(jax.nn.log_softmax(apply(params, x)), target, 1).mean()


def _jax_step(net: Recurrent, work: Work) -> Step:
    jax: Any = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", work.dtype().itemsize == 8)
    x = jax.numpy.asarray(net.x)
    params = jax.tree.map(jax.numpy.asarray, [*net.directions, net.dense])
    if not work.training:
        forward = jax.jit(jax_apply(net))
        return lambda: jax.block_until_ready(forward(params, x))
    return training_step(work, jax_loss(net), params, x)


def differences(work: Work) -> dict[str, float]:
    """How far the gradients of the peers are from ours, as a part of the largest entry, and their losses."""
    work = work._replace(dtype=np.float64)
    net = read(work)
    assert net is not None
    _, params = work.net.init(0, work.shape, dtype=work.dtype)
    loss, grads = value_and_grad(work.loss, work.net.apply)(params, *work.data())
    (_, tree), (_, dense) = sorted(grads.to_dict().items(), key=lambda item: item[0].startswith("dense"))
    ways: Any = [tree] if len(net.directions) == 1 else [tree["forward"], tree["backward"]]
    ours = [np.asarray(p[k]) for p in (*ways, dense) for k in sorted(p)]
    found: dict[str, tuple[Any, list[Any]]] = {}
    if importlib.util.find_spec("torch"):
        torch: Any = importlib.import_module("torch")
        module, x, target = torch_network(net)
        theirs = torch.nn.functional.cross_entropy(module(x), target)
        theirs.backward()
        by: dict[str, Any] = {name: p.grad.numpy() for name, p in module.named_parameters()}
        gradients: list[Any] = []
        for end in ("", "_reverse")[: len(net.directions)]:
            ih, hh = (f"layer.{{}}_{kind}_l0{end}" for kind in ("ih", "hh"))
            b = np.concatenate([by[ih.format("bias")], by[hh.format("bias")]])
            gradients += [b, by[hh.format("weight")].T, by[ih.format("weight")].T]
        found["torch"] = theirs.item(), [*gradients, by["dense.bias"], by["dense.weight"].T]
    if importlib.util.find_spec("jax"):
        jax: Any = importlib.import_module("jax")
        jax.config.update("jax_enable_x64", True)
        value, tree = jax.value_and_grad(jax_loss(net))([*net.directions, net.dense], net.x)
        found["jax"] = float(value), [np.asarray(p[k]) for p in tree for k in sorted(p)]
    return {
        name: max(abs(value - loss), *(abs(a - b).max() / abs(a).max() for a, b in zip(ours, theirs, strict=True)))
        for name, (value, theirs) in found.items()
    }


if __name__ == "__main__":
    import recurrent

    for name, make in (recurrent.FIRST | recurrent.SECOND).items():
        print(f"{name:34s}", *(f"{peer} {value:.1e}" for peer, value in differences(make()).items()))
