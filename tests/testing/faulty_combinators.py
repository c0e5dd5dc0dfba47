"""Combinators with planted faults: in what a child is given, asked, and heard of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from funcnn import Dense, Dropout, Key, Layer, ShapeError
from funcnn.authoring import Child, Combined, force, same
from funcnn.errors import locate
from funcnn.initializers import ones
from funcnn.testing import nested

Go = Callable[[Any, Any], Any]


def two(
    f: Layer[Any, Any],
    g: Layer[Any, Any],
    *,
    swapped: bool = False,
    names: tuple[int, int] = (0, 1),
    key: Callable[[Key | None, int], Key | None] = lambda rng, i: rng,
    meets: Callable[[Go, Any, Any, Any], Any] = lambda go, a, b, shape: (go(a, shape), go(b, shape))[0],
    add: bool = True,
    past: bool = False,
) -> Layer[Any, Any]:
    """`f(x) + 2 g(x)`, with something wrong.

    swapped   each is given the other's params, and the gradients go back the same way
    names     under whose name the gradients land
    key       what each is given for a key
    meets     the shape rule
    add       the cotangents of x add
    past      children are called past their names
    """

    def build(a: Child, b: Child) -> Combined:
        children = (a, b)
        given = (b, a) if swapped else children

        def pull(i: int, params: Any, x: Any, rng: Key | None) -> Any:
            child, whose = children[i], given[i]
            sub = params.get(whose.name, {})
            if past or swapped or child.random:
                mine = key(None if rng is None else rng.fold(child.name), i)
                try:
                    return child.definition.rule(sub, x, *((mine,) if child.random else ()))
                except Exception as error:
                    locate(error, "" if past else child.name)
                    raise
            return child.pull(params, x, rng)

        def pulled(i: int, back: Any, dy: Any) -> Any:
            try:
                return back(dy)
            except Exception as error:
                locate(error, children[i].name if not past and (swapped or children[i].random) else "")
                raise

        def rule(params: Any, x: Any, rng: Key | None = None) -> Any:
            (y, back_a), (z, back_b) = pull(0, params, x, rng), pull(1, params, x, rng)

            def pullback(dy: Any) -> Any:
                (da, dx), (db, dz) = pulled(0, back_a, dy), pulled(1, back_b, 2 * dy)
                grads: dict[str, Any] = {}
                for i, g in zip(names, (da, db), strict=True):
                    if g:
                        grads[given[i].name] = g
                return grads, force(dx) + force(dz) if add else force(dx)

            return y + 2 * z, pullback

        return Combined(lambda shape, go: meets(go, a, b, shape), rule)

    return Layer.over((f, g), build, where="two")


def twice(f: Layer[Any, Any], *, add: bool) -> Layer[Any, Any]:
    """`f(f(x))` with one set of params, whose gradients add; or the last one stays."""

    def build(child: Child) -> Combined:
        def rule(params: Any, x: Any, rng: Key | None = None) -> Any:
            h, first = child.pull(params, x, rng)
            y, second = child.pull(params, h, rng)

            def pullback(dy: Any) -> Any:
                one, dh = second(dy)
                other, dx = first(force(dh))
                total = nested.mapped(np.add, one, other) if add else other
                return child.grads(total), dx

            return y, pullback

        def meets(shape: Any, go: Any) -> Any:
            out = go(child, shape)
            if len(out) != len(shape) or not all(map(same, out, shape)):
                raise ShapeError("what it gives it must take again")
            return out

        return Combined(meets, rule)

    return Layer.over((f,), build, where="twice")


def scaled(f: Layer[Any, Any], *, read: bool = True, gradient: float = 1.0) -> Layer[Any, Any]:
    """`s f(x)` with a factor of its own, which the rule does not read, or whose gradient is wrong."""

    def build(child: Child) -> Combined:
        def rule(params: Any, x: Any, rng: Key | None = None) -> Any:
            s = params["s"] if read else params["s"] * 0 + 1
            h, back = child.pull(params, x, rng)

            def pullback(dy: Any) -> Any:
                dparams, dx = back(s * dy)
                ds = np.asarray((dy * h).sum() * gradient if read else 0 * h.sum(), h.dtype)
                return {"s": ds, **child.grads(dparams)}, dx

            return s * h, pullback

        return Combined(lambda shape, go: go(child, shape), rule, own=lambda shape: {"s": (ones, ())})

    return Layer.over((f,), build, where="scaled")


def alike(**how: Any) -> Layer[Any, Any]:
    """Of two dense layers."""
    return two(Dense(3).named("left"), Dense(3).named("right"), **how)


def drawing(**how: Any) -> Layer[Any, Any]:
    """Of two layers that draw."""
    return two(Dropout(0.5).named("left"), Dropout(0.25).named("right"), **how)


def constant_for_one(rng: Key | None, i: int) -> Key | None:
    """The second child draws the same in every pass."""
    return Key(3) if rng is not None and i else rng


def drawing_always(rng: Key | None, i: int) -> Key | None:
    """A key at inference, for the second child."""
    return Key(3) if rng is None and i else rng


def one_for_both() -> Layer[Any, Any]:
    """One key for two children that draw."""
    kept: list[Key | None] = [None, None]

    def first(rng: Key | None, i: int) -> Key | None:
        kept[0] = rng if not i else kept[0]
        return kept[0] if rng is not None else None

    return drawing(key=first)


def after(f: Layer[Any, Any], g: Layer[Any, Any], *, asked: Callable[[Go, Any, Any, Any], Any]) -> Layer[Any, Any]:
    """`g(f(x))`, with a shape rule of its own."""

    def build(a: Child, b: Child) -> Combined:
        def rule(params: Any, x: Any, rng: Key | None = None) -> Any:
            h, first = a.pull(params, x, rng)
            y, second = b.pull(params, h, rng)

            def pullback(dy: Any) -> Any:
                db, dh = second(dy)
                da, dx = first(force(dh))
                return {**a.grads(da), **b.grads(db)}, dx

            return y, pullback

        return Combined(lambda shape, go: asked(go, a, b, shape), rule)

    return Layer.over((f, g), build, where="after")


def second_unasked(go: Go, a: Any, b: Any, shape: Any) -> Any:
    """What the first gives is what comes out."""
    return go(a, shape)


def second_before(go: Go, a: Any, b: Any, shape: Any) -> Any:
    """The second is asked for what the first takes."""
    go(b, shape)
    return go(a, shape)


def in_order(go: Go, a: Any, b: Any, shape: Any) -> Any:
    """As it should be."""
    return go(b, go(a, shape))
