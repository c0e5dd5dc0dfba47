"""Every kind of derivative of networks of every analytic layer, beside JAX's, which takes them by tracing.

`PYTHONPATH=. python -m tests.peers.derivatives` runs JAX and keeps what it finds, in float64, in
`recorded/calculus.npz`: of every network and every kind one vector of numbers.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias
from zlib import crc32

import numpy as np

from funcnn import (
    Array,
    Key,
    Layer,
    Params,
    ggn_vp,
    hvp,
    input_gradient,
    jacobian,
    jvp,
    linearize,
    second_tangent,
    squared_error,
    tangent,
    value_and_grad,
    vjp,
)
from funcnn.nested import arrays
from tests.catalogue import NAMESPACE
from tests.peers.case import HERE, numbers
from tests.peers.jax_networks import NETWORKS, Network

FILE: Final = HERE / "recorded" / "calculus.npz"
Tree: TypeAlias = "Mapping[str, Any]"


def layer_of(network: Network) -> Layer[Any, Any]:
    """Ours."""
    made: Layer[Any, Any] = eval(network.source, dict(NAMESPACE))
    return made


def params_of(network: Network) -> Params:
    """Numbers by path; variances are positive."""
    _, params = layer_of(network).init(Key(0), network.x.shape, dtype=np.float64)
    for path in params.paths():
        drawn = numbers(*params.at(path).shape, seed=crc32(path.encode())) / 2
        params = params.set(path, abs(drawn) + 0.5 if path.endswith("var") else drawn)
    return params


def direction(params: Tree, paths: tuple[str, ...]) -> dict[str, Array]:
    """Numbers like the params, by path."""
    return {path: numbers(*params[path].shape, seed=crc32(path.encode()) + 1) for path in paths}


def like(x: Array, seed: int) -> Array:
    """Numbers like these."""
    return numbers(*x.shape, seed=seed)


# what is compared, with us and with JAX: functions of (network, its params) and of (jax, f, params by path, x) ----------
def _target(y: Any) -> Array:
    return numbers(*y.shape, seed=5)


def _own(network: Network) -> tuple[Layer[Any, Any], Params, dict[str, Any], Params]:
    """The network, its params, the key, and a direction of the params."""
    params = params_of(network)
    d = params
    for path, a in direction({path: params.at(path) for path in params.paths()}, params.paths()).items():
        d = d.set(path, a)
    return layer_of(network), params, {"rng": Key(0)} if network.training else {}, d


def ours(network: Network, kind: str) -> Array:
    """What we find."""
    f, params, key, d = _own(network)
    x, v = network.x, like(network.x, 1)
    if kind in ("hvp", "ggn_vp"):
        objective = value_and_grad(squared_error, f.apply)
        product = hvp if kind == "hvp" else ggn_vp
        options: dict[str, Any] = key or {"rng": None}
        return flat(product(objective, params, d, x, _target(f.apply(params, x)), **options).to_dict())
    if kind == "jvp":
        return flat(jvp(f.apply, (params, x), (d, v), **key))
    if kind == "linearize":
        y, along = linearize(f.apply, params, x, **key)
        return flat((y, along(d, v), along(None, v), along(d, None)))
    if kind == "jacobian":
        return flat(tuple(jacobian(f.apply, params, x, mode=mode, **key) for mode in ("forward", "reverse")))
    made: Layer[Any, Any] = LAYERS[kind](f)
    y, pullback = vjp(made.apply, params, x if kind == "input_gradient" else (x, v), **key)
    grads, dx = pullback(tuple(like(a, i) for i, a in enumerate(y)) if isinstance(y, tuple) else like(y, 0))
    return flat((y, grads.to_dict(), dx))


LAYERS: Final[dict[str, Callable[[Any], Any]]] = {
    "tangent": tangent, "second_tangent": second_tangent, "input_gradient": input_gradient,
}  # fmt: skip
KINDS: Final = ("hvp", "ggn_vp", "jvp", "linearize", "jacobian", *LAYERS)


def flat(tree: Any) -> Array:
    """All numbers, one after the other; of dicts in the order of their paths."""
    return np.concatenate([np.ravel(a) for a in arrays(_sorted(tree))])


def _sorted(tree: Any) -> Any:
    if isinstance(tree, tuple):
        return tuple(map(_sorted, tree))
    return {k: _sorted(tree[k]) for k in sorted(tree)} if isinstance(tree, Mapping) else np.asarray(tree)


def theirs(network: Network, kind: str) -> Array:
    """What JAX finds."""
    jax: Any = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    params = params_of(network)
    p = {path: jax.numpy.asarray(params.at(path)) for path in params.paths()}
    d = {path: jax.numpy.asarray(a) for path, a in direction(p, params.paths()).items()}
    x, v = jax.numpy.asarray(network.x), jax.numpy.asarray(like(network.x, 1))

    def f(p: Any, x: Any) -> Any:
        return network.peer(jax, p, x)

    def loss(p: Any) -> Any:
        y = f(p, x)
        return ((y - _target(y)) ** 2).mean()

    if kind == "hvp":
        return flat(nested(jax.jvp(jax.grad(loss), (p,), (d,))[1]))
    if kind == "ggn_vp":
        y, along = jax.jvp(lambda p: f(p, x), (p,), (d,))
        return flat(nested(jax.vjp(lambda p: f(p, x), p)[1](2 * along / y.size)[0]))
    if kind == "jvp":
        return flat(jax.jvp(f, (p, x), (d, v)))
    if kind == "linearize":
        y, along = jax.linearize(f, p, x)
        none, still = {path: 0 * a for path, a in p.items()}, 0 * x
        return flat((y, along(d, v), along(none, v), along(d, still)))
    if kind == "jacobian":
        return flat((jax.jacfwd(f, 1)(p, x), jax.jacrev(f, 1)(p, x)))

    def first(p: Any, x: Any, v: Any) -> Any:
        return jax.jvp(lambda x: f(p, x), (x,), (v,))

    def second(p: Any, x: Any, v: Any) -> Any:
        (u, u_v), (_, u_vv) = jax.jvp(lambda x: first(p, x, v), (x,), (v,))
        return u, u_v, u_vv

    if kind == "input_gradient":
        y, pullback = jax.vjp(lambda p, x: jax.grad(lambda x: f(p, x).sum())(x), p, x)
        grads, dx = pullback(like(y, 0))
        return flat((y, nested(grads), dx))
    y, pullback = jax.vjp(first if kind == "tangent" else second, p, x, v)
    grads, *dx = pullback(tuple(jax.numpy.asarray(like(a, i)) for i, a in enumerate(y)))
    return flat((y, nested(grads), tuple(dx)))


def nested(by_path: Tree) -> dict[str, Any]:
    """Paths as levels."""
    found: dict[str, Any] = {}
    for path, a in by_path.items():
        *levels, name = path.split("/")
        at = found
        for level in levels:
            at = at.setdefault(level, {})
        at[name] = np.asarray(a)
    return found


def distance(found: Array, wanted: Array) -> float:
    """The largest difference, of the largest entry."""
    assert found.shape == wanted.shape, f"{found.shape} and {wanted.shape}"
    return float(abs(found - wanted).max() / abs(wanted).max())


def main() -> None:
    """Record."""
    found: dict[str, Array] = {}
    for name, network in NETWORKS.items():
        far: list[str] = []
        for kind in KINDS:
            found[f"{name}|{kind}"] = wanted = theirs(network, kind)
            far.append(f"{kind} {distance(ours(network, kind), wanted):.0e}")
        print(f"{name:24} {', '.join(far)}", flush=True)
    np.savez_compressed(FILE, allow_pickle=False, **found)


if __name__ == "__main__":
    main()
