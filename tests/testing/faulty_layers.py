"""Layers with faults to plant, and what they are made of."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from funcnn import Key, Layer, Shape, Spec, glorot_uniform, layer
from funcnn.authoring import axes, leaves
from funcnn.initializers import ones, zeros
from funcnn.networks import EMPTY

Rule = Callable[[Mapping[str, Any], Any], tuple[Any, Callable[[Any], Any]]]


def affine(rule: Rule, *, units: int = 3, init: Any = glorot_uniform) -> Layer[Any, Any]:
    """y = x w + b, with another rule."""
    return Layer.of(
        lambda shape: (*axes("affine", shape, at_least=1)[:-1], units),
        lambda shape: {"w": (init, (axes("affine", shape)[-1], units)), "b": (zeros, (units,))},
        rule,
    )


def right(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The rule without a fault."""
    w, b = leaves(p, "w", "b")

    def pullback(dy: Any) -> Any:
        rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
        return {"w": rows.T @ drows, "b": drows.sum(0)}, dy @ w.T

    return x @ w + b, pullback


def with_gradients(change: Callable[..., Any]) -> Rule:
    """The right rule, its cotangents passed through `change(dw, db, dx, dy, x, p)`, which gives all three."""

    def rule(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
        y, back = right(p, x)

        def pullback(dy: Any) -> Any:
            g, dx = back(dy)
            dw, db, dx = change(g["w"], g["b"], dx, dy, x, p)
            return {"w": dw, "b": db}, dx

        return y, pullback

    return rule


def matrix(shape: Shape) -> Shape:
    """The shape rule of what keeps the shape of a matrix."""
    return axes("mutant", shape, exactly=2)


def pointwise(f: Callable[[Any], Any], df: Callable[[Any, Any], Any]) -> Layer[Any, Any]:
    """A layer without params: `f` of x, and its pullback `df(x, dy)`."""
    return Layer.lift(matrix, lambda x: (f(x), lambda dy: df(x, dy)))


def counting() -> Layer[Any, Any]:
    """Remembers how often it was called."""
    calls = itertools.count()
    return pointwise(lambda x: x + x.dtype.type(1e-3 * next(calls)), lambda x, dy: dy * 1)


def accumulating() -> Layer[Any, Any]:
    """Adds the gradients of every call to those of the last."""

    def rule(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
        y, back = right(p, x)
        total: dict[str, Any] = {}

        def pullback(dy: Any) -> Any:
            g, dx = back(dy)
            for name in g:
                total[name] = total.get(name, 0) + g[name]
            return {name: np.array(a) for name, a in total.items()}, dx

        return y, pullback

    return affine(rule)


@layer
def Keyless(f: Layer[Any, Any]) -> Layer[Any, Any]:
    """Runs a layer as in inference, even in training."""

    def rule(x: Any) -> tuple[Any, Callable[[Any], Any]]:
        y, back = f.apply.rule({}, x, None)
        return y, lambda dy: back(dy)[1]

    return Layer.lift(f.init.out_shape, rule)


def caching() -> Layer[Any, Any]:
    """Keeps what the pullback needs in one place for all passes."""
    kept: dict[str, Any] = {}

    def rule(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
        y, kept["back"] = right(p, x)
        return y, lambda dy: kept["back"](dy)

    return affine(rule)


def reusing() -> Layer[Any, Any]:
    """Writes every gradient into one array, which it returns each time."""

    def rule(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
        y, back = right(p, x)
        room: dict[str, Any] = {}

        def pullback(dy: Any) -> Any:
            g, dx = back(dy)
            for name in g:
                if name in room and room[name].flags.writeable:
                    room[name][...] = g[name]
                else:
                    room[name] = g[name]
            return dict(room), dx

        return y, pullback

    return affine(rule)


def scratch() -> Layer[Any, Any]:
    """Hands out the memory that it works in."""
    room: dict[Any, Any] = {}

    def f(x: Any) -> Any:
        y = room.setdefault((x.shape, x.dtype), np.empty_like(x, order="C"))
        return np.multiply(x, 2, out=y)

    return pointwise(f, lambda x, dy: dy * 2)


def writing(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Works in the memory of its input."""
    x *= 2
    return right(p, x)


def writing_cotangents(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Doubles the cotangent and halves it again, in place, where it may."""
    y, back = right(p, x)

    def pullback(dy: Any) -> Any:
        if dy.flags.writeable:
            dy += 1
            return back(dy - 1)
        return back(dy)

    return y, pullback


def in_float16(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Loses digits on the way, where numbers are real."""
    y, back = right(p, x)
    return (y.astype(np.float16).astype(y.dtype) if y.dtype.kind == "f" else y), back


def doubled_bias() -> Layer[Any, Any]:
    """Two biases whose gradients are one array."""

    def rule(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
        def pullback(dy: Any) -> Any:
            db = dy.reshape(-1, dy.shape[-1]).sum(0)
            return {"a": db, "b": db}, dy * 1

        return x + p["a"] + p["b"], pullback

    return Layer.of(lambda shape: shape, lambda shape: {n: (zeros, axes("doubled", shape)[-1:]) for n in "ab"}, rule)


def dropout(*, stale: bool = False, unkeyed: bool = False, scale: float = 2.0) -> Layer[Any, Any]:
    """Drops a half; the mask of the pullback is another one, or comes from nowhere."""
    unseeded = np.random.default_rng()

    def rule(p: Mapping[str, Any], x: Any, rng: Key | None) -> tuple[Any, Callable[[Any], Any]]:
        if rng is None:
            return x * 1, lambda dy: (EMPTY, dy * 1)
        source = unseeded if unkeyed else rng.generator()
        mask = (source.random(x.shape) < 0.5) * scale
        used = (rng.fold("again").generator().random(x.shape) < 0.5) * scale if stale else mask
        return x * mask.astype(x.dtype), lambda dy: (EMPTY, dy * used.astype(dy.dtype))

    return Layer.of(lambda shape: shape, lambda shape: EMPTY, rule)


def moving_average(*, pad: int) -> Layer[Any, Any]:
    """The mean of three neighbours; the pullback pads by `pad`, where 1 is right."""

    def f(x: Any) -> Any:
        wide = np.pad(x, ((0, 0), (1, 1)))
        return (wide[:, :-2] + wide[:, 1:-1] + wide[:, 2:]) / 3

    def df(x: Any, dy: Any) -> Any:
        wide = np.pad(dy, ((0, 0), (pad, 2 - pad)))
        return (wide[:, :-2] + wide[:, 1:-1] + wide[:, 2:]) / 3

    return pointwise(f, df)


def residual_sum(*, shortcut: float) -> Layer[Any, Any]:
    """x + tanh x; the pullback counts the shortcut `shortcut` times."""
    return pointwise(lambda x: x + np.tanh(x), lambda x, dy: dy * (1 - np.tanh(x) ** 2) + shortcut * dy)


def softmax_without_shift(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Overflows."""
    e = np.exp(x)
    y = e / e.sum(-1, keepdims=True)
    return y, lambda dy: y * (dy - (dy * y).sum(-1, keepdims=True))


def ordered_by_name() -> Layer[Any, Any]:
    """Takes its params in the order of the dict, not by name."""

    def rule(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
        first, second = p.values()

        def pullback(dy: Any) -> Any:
            grads = [a.reshape(-1, a.shape[-1]).sum(0) for a in (dy * x, dy)]
            return dict(zip(p, grads, strict=True)), dy * first

        return x * first + second, pullback

    def spec(shape: Shape) -> Spec:
        features = axes("ordered", shape)[-1:]
        return {"scale": (ones, features), "bias": (zeros, features)}

    return Layer.of(lambda shape: shape, spec, rule)


@layer
def Fickle() -> Layer[Any, Any]:
    """Another layer at every construction."""
    by = float(next(_made))
    return pointwise(lambda x: x * by, lambda x, dy: dy)


_made = itertools.count(1)


def positions(f: Callable[[Any], Any]) -> Layer[Any, Any]:
    """Every place along axis 1 times its number."""

    def places(x: Any) -> Any:
        return np.arange(1.0, x.shape[1] + 1).astype(x.dtype).reshape(1, -1, *[1] * (x.ndim - 2))

    return Layer.lift(lambda shape: shape, lambda x: (f(x) * places(x), lambda dy: dy * places(x)))


def only_four(units: int = 3) -> Layer[Any, Any]:
    """A shape rule that takes everything, and a rule that takes four features."""

    def rule(p: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
        w = p["w"]
        return x @ w, lambda dy: ({"w": x.reshape(-1, 4).T @ dy.reshape(-1, units)}, dy @ w.T)

    return Layer.of(lambda shape: (*shape[:-1], units), lambda shape: {"w": (glorot_uniform, (4, units))}, rule)


PLAIN: Final = affine(right)
"""What most mutants are made of, without a fault."""


def unkeyed(key: Key, shape: tuple[int, ...], dtype: Any) -> Any:
    """An initializer that knows no key."""
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


def unseeded(key: Key, shape: tuple[int, ...], dtype: Any) -> Any:
    """An initializer that gives other numbers every time."""
    return np.random.default_rng().standard_normal(shape).astype(dtype)


def running_sum(*, forgets: bool) -> Layer[Any, Any]:
    """The sum of the steps so far, `y_t = x_1 + ... + x_t`."""

    def step(params: Mapping[str, Any], x: Any, memory: Any) -> tuple[Any, Any]:
        del params
        y = np.cumsum(x, 1) if memory is None or forgets else memory + np.cumsum(x, 1)
        return y, y[:, -1:]

    def rule(params: Mapping[str, Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
        del params
        return np.cumsum(x, 1), lambda dy: (EMPTY, np.ascontiguousarray(np.cumsum(dy[:, ::-1], 1)[:, ::-1]))

    return Layer.of(lambda shape: axes("running_sum", shape, exactly=3), lambda shape: EMPTY, rule, step=step)
