"""The sixth corpus of what is right and odd: params, pairs, combinators, losses, initializers and penalties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from funcnn import Key, Layer, Shape, ShapeError, differentiable, loss
from funcnn.authoring import Child, Combined, force, leaves
from funcnn.initializers import constant, ones, zeros
from funcnn.testing import nested, pair
from funcnn.testing.trials.of_combinators import combinator_trials
from funcnn.testing.trials.of_losses import loss_trials
from funcnn.testing.trials.of_parts import initializer_trials, penalty_trials
from tests.testing.second_acquittals import Right, Tried, of, with_params


# params ---------------------------------------------------------------------------------------------------------------
def normalized(params: Any, x: Any) -> Any:
    """x / sqrt(b + g x^2), of b and g from 0 up."""
    b, g = leaves(params, "b", "g")
    r = 1 / np.sqrt(b + (x * x) @ g.T)
    n = x.shape[-1]

    def pullback(dy: Any) -> Any:
        dq = -0.5 * dy * x * r**3
        dg = dq.reshape(-1, n).T @ (x * x).reshape(-1, n)
        return {"b": dq.reshape(-1, n).sum(0), "g": dg}, dy * r + 2 * x * (dq @ g)

    return x * r, pullback


def tied_forward(x: Any, w: Any) -> Any:
    """An autoencoder of one matrix."""
    h = np.tanh(x @ w)
    return h @ w.T, (x, w, h)


def tied_backward(dout: Any, cache: Any) -> Any:
    """Its pullback."""
    x, w, h = cache
    da = (dout @ w) * (1 - h * h)
    return da @ w.T, dout.T @ h + x.T @ da


def standard_forward(x: Any, w: Any) -> Any:
    """Weights that are standardized."""
    d = w - w.mean(0)
    s = np.sqrt((d * d).mean(0) + 1e-5)
    return x @ (d / s), (x, d / s, s)


def standard_backward(dout: Any, cache: Any) -> Any:
    """Its pullback."""
    x, u, s = cache
    du = x.T @ dout
    return dout @ u.T, (du - du.mean(0) - u * (du * u).mean(0)) / s


def Mixture(f: Layer[Any, Any], g: Layer[Any, Any]) -> Layer[Any, Any]:
    """Two layers by a softmax of logits of its own."""

    def build(a: Child, b: Child) -> Combined:
        def meets(shape: Shape, go: Any) -> Any:
            go(b, shape)
            return go(a, shape)

        def rule(params: Any, x: Any, rng: Any = None) -> Any:
            (own,) = leaves(params, "own")
            s = np.exp(own - own.max())
            s = s / s.sum()
            one, two = (None, None) if rng is None else rng.split(2)
            (u, back_u), (v, back_v) = a.pull(params, x, one), b.pull(params, x, two)

            def pullback(dy: Any) -> Any:
                (da, dx), (db, dz) = back_u(dy * s[0]), back_v(dy * s[1])
                ds = np.stack([(dy * u).sum(), (dy * v).sum()]).astype(own.dtype)
                return {"own": s * (ds - (ds * s).sum()), **a.grads(da), **b.grads(db)}, force(dx) + force(dz)

            return s[0] * u + s[1] * v, pullback

        return Combined(meets, rule, own=lambda shape: {"own": (zeros, (2,))})

    return Layer.over((f, g), build, where="Mixture")


# other parts ----------------------------------------------------------------------------------------------------------
@loss
def of_probabilities(y: Any, t: Any) -> Any:
    """Of numbers from 0 to 1, and no others."""
    if y.shape != t.shape or not y.size:
        raise ShapeError("these do not fit")
    if ((y < 0) | (y > 1)).any():
        raise ValueError("probabilities lie from 0 to 1")
    return (y - t) ** 2, lambda d: (2 * d * (y - t), -2 * d * (y - t))


def one_in_ten(key: Key, shape: Any, dtype: Any) -> Any:
    """Of variance 1/10."""
    rng = key.generator()
    drawn = rng.standard_normal(shape)
    return np.where(rng.random(shape) < 0.9, 0, drawn).astype(dtype)


def _flat(params: Any) -> dict[str, Any]:
    return {path: np.asarray(a) for path, a in nested.leaves(params)}


def of_every_leaf(size: Callable[[Any], float], slope: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The sum over all leaves, and its pullback, by leaf."""

    def rule(params: Any) -> Any:
        flat = _flat(params)
        return (
            float(sum(size(w) for w in flat.values())),
            lambda d: ({path: (d * slope(w)).astype(w.dtype) for path, w in flat.items()},),
        )

    return rule


def scale_blind(w: Any) -> float:
    """The square of the sum of sizes by the sum of squares, about the number of weights that count."""
    return float(np.abs(w).sum() ** 2 / (w * w).sum()) if w.any() else 0.0


def scale_blind_slope(w: Any) -> Any:
    """Its derivative."""
    if not w.any():
        return np.zeros_like(w)
    share = np.abs(w).sum() / (w * w).sum()
    return 2 * np.sign(w) * share - 2 * w * share**2


def ridge_rule(params: Any) -> Any:
    """The sum of squares."""
    return of_every_leaf(lambda w: float((w * w).sum()), lambda w: 2 * w)(params)


ridge = differentiable(ridge_rule)


def penalty(rule: Any) -> Tried:
    """The trials of a penalty."""
    return lambda: penalty_trials(rule)


RIGHT_PARTS: Final[tuple[Right, ...]] = (
    Right("params from 0 up", with_params(
        lambda n: {"b": (ones, (n,)), "g": (constant(0.1), (n, n))}, normalized, "B", ..., "D")),
    Right("an autoencoder of one matrix", of(pair(tied_forward, tied_backward), ("B", "D"), ("D", 3))),
    Right("weights that are standardized", of(pair(standard_forward, standard_backward), ("B", "D"), ("D", 3))),
    Right("a softmax of its own params", lambda: combinator_trials(Mixture, ("B", ..., "D"))),
    Right("a loss that looks at its domain", lambda: loss_trials(of_probabilities, ("B", "D"), domain=(0.0, 1.0))),
    Right("one of ten numbers", lambda: initializer_trials(one_in_ten, variance=lambda n, m: 0.1)),
    Right("what does not see the scale", penalty(differentiable(of_every_leaf(scale_blind, scale_blind_slope)))),
    Right("what draws to whole numbers", penalty(differentiable(of_every_leaf(
        lambda w: float((np.sin(np.pi * w) ** 2).sum()), lambda w: np.pi * np.sin(2 * np.pi * w))))),
    Right("a rule under its own name", penalty(ridge)),
)  # fmt: skip
