"""Four losses with derivatives inside, with us and in JAX, as `docs/derivatives.md` shows them: values and gradients.

`PYTHONPATH=. python -m tests.peers.recipes` runs JAX and keeps what it finds in `recorded/recipes.npz`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn import (
    Array,
    Dense,
    Gradients,
    Key,
    Layer,
    Params,
    Tanh,
    Terms,
    hvp,
    input_gradient,
    jvp,
    loss,
    second_tangent,
    serial,
    squared_error,
    tree_map,
    value_and_grad,
    vjp,
)
from tests.peers.case import HERE, numbers

FILE: Final = HERE / "recorded" / "recipes.npz"
RATE: Final = 0.1

net: Layer[Array, Array] = serial(Dense(6), Tanh, Dense(1))


def net_in_jax(jnp: Any, p: Mapping[str, Any], x: Any) -> Any:
    """The same."""
    h = jnp.tanh(x @ p["dense_0/w"] + p["dense_0/b"])
    return h @ p["dense_1/w"] + p["dense_1/b"]


# Wasserstein critics with a gradient penalty (Gulrajani et al. 2017, algorithm 1) ------------------------------------
@loss
def signed(score: Array, sign: Array) -> Terms[Array]:
    """`s y`: the scores of what is made, less those of what is real."""
    return sign * score, lambda d: (sign * d, score * d)


@loss
def unit_slope(gradient: Array, target: Array) -> Terms[Array]:
    """`(|g| - 1)^2` for every row."""
    size = np.sqrt((gradient * gradient).sum(-1))
    return (size - target) ** 2, lambda d: ((2 * (size - target) / size * d)[:, None] * gradient, 0 * target)


def gradient_penalty(params: Params, real: Array, made: Array, mixed: Array) -> tuple[float, Gradients]:
    """The loss of the critic, and its gradients."""
    sign = np.repeat([[2.0], [-2.0]], len(real), axis=0)  # the mean is over both halves
    a, grads = value_and_grad(signed, net.apply)(params, np.concatenate([made, real]), sign)
    b, more = value_and_grad(unit_slope, input_gradient(net).apply)(params, mixed, np.ones(len(mixed)))
    return a + 10 * b, tree_map(lambda g, h: g + 10 * h, grads, more)


def gradient_penalty_in_jax(jax: Any, p: Any, real: Any, made: Any, mixed: Any) -> Any:
    """The same."""
    def score(p: Any, x: Any) -> Any:
        return net_in_jax(jax.numpy, p, x)

    def objective(p: Any) -> Any:
        slopes = jax.grad(lambda x: score(p, x).sum())(mixed)
        size = jax.numpy.sqrt((slopes**2).sum(-1))
        return score(p, made).mean() - score(p, real).mean() + 10 * ((size - 1) ** 2).mean()

    return jax.value_and_grad(objective)(p)


# A Lagrangian network (Cranmer et al. 2020): accelerations out of L(q, q') --------------------------------------------
def lagrangian(params: Params, q: Array, qt: Array, qtt: Array) -> tuple[float, Gradients]:
    """The squared error of the accelerations, and its gradients: `M a + C q' = L_q` holds for all params."""
    (n, d), x = q.shape, np.concatenate([q, qt], 1)
    ends = [jvp(input_gradient(net).apply, (params, x), (None, np.tile(e, (n, 1)))) for e in np.eye(2 * d)]
    slope, hessian = ends[0][0], np.stack([h for _, h in ends], 2)
    m, c = hessian[:, d:, d:], hessian[:, d:, :d]
    found = np.linalg.solve(m, slope[:, :d, None] - c @ qt[..., None])[..., 0]
    pull = np.linalg.solve(m, (2 * (found - qtt) / qtt.size)[..., None])[..., 0]
    w, v = np.concatenate([0 * pull, pull], 1), np.concatenate([qt, found], 1)
    along = np.concatenate([w + v, w, v, np.concatenate([pull, 0 * pull], 1)])  # w^T H v by three squares
    (u, _, _), back = vjp(second_tangent(net).apply, params, (np.tile(x, (4, 1)), along))
    first, second = (np.repeat(np.array(s)[:, None], n, 0) for s in ([0.0, 0, 0, 1], [-0.5, 0.5, 0.5, 0]))
    return float(((found - qtt) ** 2).mean()), back((0 * u, first, second))[0]


def lagrangian_in_jax(jax: Any, p: Any, q: Any, qt: Any, qtt: Any) -> Any:
    """The same."""
    def energy(p: Any, q: Any, qt: Any) -> Any:
        return net_in_jax(jax.numpy, p, jax.numpy.concatenate([q, qt])[None])[0, 0]

    def acceleration(p: Any, q: Any, qt: Any) -> Any:
        m = jax.hessian(energy, 2)(p, q, qt)
        c = jax.jacfwd(jax.grad(energy, 2), 1)(p, q, qt)
        return jax.numpy.linalg.solve(m, jax.grad(energy, 1)(p, q, qt) - c @ qt)

    def objective(p: Any) -> Any:
        return ((jax.vmap(acceleration, (None, 0, 0))(p, q, qt) - qtt) ** 2).mean()

    return jax.value_and_grad(objective)(p)


# One step of MAML (Finn et al. 2017, algorithm 1) ---------------------------------------------------------------------
def meta_step(params: Params, x: Array, y: Array, x_new: Array, y_new: Array) -> tuple[float, Gradients]:
    """The loss behind a step of gradient descent, and its gradients: `g - rate H g`."""
    objective = value_and_grad(squared_error, net.apply)
    _, inner = objective(params, x, y)
    value, outer = objective(tree_map(lambda p, g: p - RATE * g, params, inner), x_new, y_new)
    through = hvp(objective, params, outer, x, y)
    return value, tree_map(lambda g, h: g - RATE * h, outer, through)


def meta_step_in_jax(jax: Any, p: Any, x: Any, y: Any, x_new: Any, y_new: Any) -> Any:
    """The same."""
    def error(p: Any, x: Any, y: Any) -> Any:
        return ((net_in_jax(jax.numpy, p, x) - y) ** 2).mean()

    def objective(p: Any) -> Any:
        grads = jax.grad(error)(p, x, y)
        return error({name: p[name] - RATE * grads[name] for name in p}, x_new, y_new)

    return jax.value_and_grad(objective)(p)


# The heat equation u_t = u_xx, points (x, t), with values on the border (Raissi et al. 2019, section 2) ---------------
def heat(params: Params, points: Array, border: Array, wanted: Array) -> tuple[float, Gradients]:
    """The squared residual and the squared error on the border, and the gradients of their sum."""
    n, along = len(points), np.repeat(np.eye(2), len(points), axis=0)  # the points twice: along x, along t
    (u, u_v, u_vv), back = vjp(second_tangent(net).apply, params, (np.tile(points, (2, 1)), along))
    off = u_v[n:] - u_vv[:n]
    d, none = 2 * off / n, 0 * off
    grads, _ = back((0 * u, np.concatenate([none, d]), np.concatenate([-d, none])))
    value, more = value_and_grad(squared_error, net.apply)(params, border, wanted)
    return float((off**2).mean()) + value, tree_map(np.add, grads, more)


def heat_in_jax(jax: Any, p: Any, points: Any, border: Any, wanted: Any) -> Any:
    """The same."""
    def u(p: Any, x: Any, t: Any) -> Any:
        return net_in_jax(jax.numpy, p, jax.numpy.stack([x, t])[None])[0, 0]

    def residual(p: Any, x: Any, t: Any) -> Any:
        return jax.grad(u, 2)(p, x, t) - jax.grad(jax.grad(u, 1), 1)(p, x, t)

    def objective(p: Any) -> Any:
        off = jax.vmap(residual, (None, 0, 0))(p, points[:, 0], points[:, 1])
        return (off**2).mean() + ((net_in_jax(jax.numpy, p, border) - wanted) ** 2).mean()

    return jax.value_and_grad(objective)(p)


class Recipe(NamedTuple):
    """With us, in JAX, and the data of both."""

    ours: Callable[..., tuple[float, Gradients]]
    jax: Callable[..., Any]
    data: tuple[Array, ...]


def some(columns: int, seed: int) -> Array:
    """Eight rows."""
    return numbers(8, columns, seed=seed)


RECIPES: Final = {
    "gradient penalty": Recipe(gradient_penalty, gradient_penalty_in_jax, tuple(some(4, i) for i in range(3))),
    "lagrangian": Recipe(lagrangian, lagrangian_in_jax, tuple(some(2, i) for i in range(3))),
    "meta step": Recipe(meta_step, meta_step_in_jax, (some(4, 0), some(1, 1), some(4, 2), some(1, 3))),
    "heat": Recipe(heat, heat_in_jax, (some(2, 0), some(2, 1), some(1, 2))),
}


def params_of(recipe: Recipe) -> Params:
    """Numbers in the place of params."""
    _, params = net.init(Key(0), (-1, 4 if recipe.ours is not heat else 2), dtype=np.float64)
    for i, path in enumerate(params.paths()):
        params = params.set(path, numbers(*params.at(path).shape, seed=i))
    return params


def ours(name: str) -> Array:
    """The value, and the gradients by path."""
    recipe = RECIPES[name]
    value, grads = recipe.ours(params_of(recipe), *recipe.data)
    return np.concatenate([[value], *[grads.at(path).ravel() for path in sorted(grads.paths())]])


def theirs(name: str) -> Array:
    """The same of JAX."""
    jax: Any = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    recipe = RECIPES[name]
    params = params_of(recipe)
    p = {path: jax.numpy.asarray(params.at(path)) for path in params.paths()}
    value, grads = recipe.jax(jax, p, *map(jax.numpy.asarray, recipe.data))
    return np.concatenate([[value], *[np.ravel(grads[path]) for path in sorted(grads)]])


def main() -> None:
    """Record."""
    found = {name: theirs(name) for name in RECIPES}
    for name, wanted in found.items():
        print(f"{name:18} {abs(ours(name) - wanted).max() / abs(wanted).max():.0e}")
    np.savez_compressed(FILE, allow_pickle=False, **found)


if __name__ == "__main__":
    main()
