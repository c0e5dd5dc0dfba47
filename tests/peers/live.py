"""What a peer makes of a case. Needs the peer."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.peers.case import Case, Found, converted, cotangent, flat, params_of, settled


def theirs(case: Case, dtype: Any) -> Found:
    """Value and gradients of the peer's function."""
    params = params_of(case, dtype)
    leaves = {path: np.array(params.at(path)) for path in params.paths()}
    run = _torch if case.library == "torch" else _jax
    return settled(case, run(case, leaves, converted(case.x, dtype)))


def _torch(case: Case, leaves: Found, x: Any) -> Found:
    torch: Any = importlib.import_module("torch")

    def tensor(a: Any) -> Any:
        return torch.tensor(a, requires_grad=a.dtype.kind == "f")

    p = {path: tensor(a) for path, a in leaves.items()}
    given = _mapped(tensor, x)
    y: dict[str, Any] = dict(flat("y", case.peer(torch, p, given)))
    found: Found = {name: a.detach().numpy() for name, a in y.items()}
    sources: dict[str, Any] = {f"d {path}": a for path, a in p.items()} | dict(flat("dx", given))
    wanted = {name: a for name, a in sources.items() if a.requires_grad}
    seeds = [torch.tensor(cotangent(name, a)) for name, a in found.items()]
    grads = torch.autograd.grad(list(y.values()), list(wanted.values()), seeds, allow_unused=True)
    for (name, a), g in zip(wanted.items(), grads, strict=True):
        found[name] = np.zeros(tuple(a.shape), a.detach().numpy().dtype) if g is None else g.numpy()
    return found


def _jax(case: Case, leaves: Found, x: Any) -> Found:
    jax: Any = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    given = dict(flat("x", x))
    floats = {name: jax.numpy.asarray(a) for name, a in given.items() if a.dtype.kind == "f"}

    def run(p: Any, some: Any) -> Any:
        return dict(flat("y", case.peer(jax, p, _rebuilt(x, "x", {**given, **some}))))

    y, pullback = jax.vjp(run, {path: jax.numpy.asarray(a) for path, a in leaves.items()}, floats)
    found = {name: np.asarray(a) for name, a in y.items()}
    dp, dx = pullback({name: jax.numpy.asarray(cotangent(name, a)) for name, a in found.items()})
    found |= {f"d {path}": np.asarray(a) for path, a in dp.items()}
    return found | {f"d{name}": np.asarray(a) for name, a in dx.items()}


def _mapped(f: Callable[[Any], Any], x: Any) -> Any:
    return tuple(_mapped(f, part) for part in x) if isinstance(x, tuple) else f(x)


def _rebuilt(x: Any, name: str, arrays: dict[str, Any]) -> Any:
    if isinstance(x, tuple):
        return tuple(_rebuilt(part, f"{name}.{i}", arrays) for i, part in enumerate(x))
    return arrays[name]
