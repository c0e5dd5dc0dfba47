"""A layer several times in a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from funcnn.arguments import counted
from funcnn.calculus import Later, force
from funcnn.combinators.fans import agreed
from funcnn.combinators.nested import summed
from funcnn.keys import Key
from funcnn.networks import Child, Combined, Go, Layer, layer, serial
from funcnn.pulling import Pulling
from funcnn.types import Shape, Tree

A = TypeVar("A")


@layer
def repeat(f: Layer[A, A], n: int, /, *, shared: bool = False) -> Layer[A, A]:
    """A layer n times in a row, with weights of its own each time, or with `shared=True` always the same.

    Without `shared` it is `serial(f, ..., f)`. With it, f is drawn once, and its gradients are added up over the n
    times; a random layer gets another key each time.

    Shapes
        x       what f takes
        params  n subtrees, `dense_0`, `dense_1`, ...; if shared, one of f's name
        y       what f gives; if shared, it is of the shape of x
    Errors
        TypeError    f is no layer
        ValueError   `n` is less than one
        ShapeError   shared weights that give another shape than they take; or from f
    Pullback, if shared
        dx = f's pullback of f's pullback ... of dy      dparams = the sum of those of all times
    Source: Dehghani, Gouws, Vinyals, Uszkoreit & Kaiser, Universal Transformers (2019), section 2, for shared ones.

    >>> repeat(serial(Dense(8), Tanh), 3).init(Key(0), (-1, 8))[1].paths()[::2]
    ('serial_0/dense_0/b', 'serial_1/dense_0/b', 'serial_2/dense_0/b')
    >>> repeat(serial(Dense(8), Tanh), 3, shared=True).init(Key(0), (-1, 8))[1].paths()
    ('serial_0/dense_0/b', 'serial_0/dense_0/w')
    """
    times = counted("repeat", n=n)
    if not shared:
        made: Layer[A, A] = serial(*[f] * times)
        return made

    def build(child: Child) -> Combined:
        def meets(shape: Shape, go: Go) -> Shape:
            for _ in range(times):  # each of them costs
                shape = _kept(shape, go(child, shape))
            return shape

        def value(params: Tree, x: Any, rng: Key | None = None) -> Any:
            for i in range(times):
                x = child.value(params, x, None if rng is None else rng.fold(i))
            return x

        def rule(params: Tree, x: Any, rng: Key | None = None) -> tuple[Any, Callable[[Any], Any]]:
            backs: list[Pulling] = []
            for i in range(times):
                x, back = child.pull(params, x, None if rng is None else rng.fold(i))
                backs.append(back)

            def run(dy: Any, last: bool) -> tuple[Tree, Any]:
                if not params:
                    return {}, Later(lambda: _back(backs[:], dy, None, False))
                total: dict[str, Any] = {}
                dx = _back(backs if last else backs[:], dy, total, last)
                return child.grads(total), dx

            return x, Pulling(run)

        return Combined(meets, rule, value, child.takes)

    return Layer.over((f,), build, where="repeat")


def _back(backs: list[Pulling], dy: Any, total: dict[str, Any] | None, last: bool) -> Any:
    """The cotangent of the input, which is left for later where it can be; gradients are added to the total. Empties
    the list.
    """
    while backs:
        gradients, dy = backs.pop().run(force(dy), last)
        if total is not None:
            summed(total, gradients)
    return force(dy) if total is None else dy


def _kept(shape: Shape, out: Shape) -> Shape:
    """What f gives, which f must take again."""
    if any(isinstance(d, tuple) for d in (*shape, *out)):
        parts, outs = (tuple(d if isinstance(d, tuple) else (d,) for d in s) for s in (shape, out))
        if len(parts) == len(outs):
            return tuple(_kept(a, b) for a, b in zip(parts, outs, strict=True))
    return agreed("repeat with shared weights takes and gives", (shape, out), "what f gives it must take again")
