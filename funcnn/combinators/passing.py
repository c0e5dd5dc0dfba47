"""How a part of a network runs, and what is pulled back through it: its shapes and params stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from funcnn.arguments import finite
from funcnn.calculus import Later
from funcnn.combinators.fans import agreed
from funcnn.combinators.nested import leading, zeros_of
from funcnn.cotangents import zeros_like
from funcnn.networks import Child, Combined, Go, Layer, layer
from funcnn.networks.definitions import Definition
from funcnn.pulling import Pulling, pulled
from funcnn.shapes import axes
from funcnn.types import Array, Shape, Tree

A = TypeVar("A")
B = TypeVar("B")
Rule = Callable[..., "tuple[Any, Callable[[Any], Any]]"]


def _passing(
    where: str,
    f: Layer[Any, Any],
    rule: Callable[[Definition], Rule],
    value: Callable[[Definition], Callable[..., Any]] = lambda d: d.value,
    *,
    random: bool | None = None,
    out_shape: Callable[[Shape, Shape], Shape] = lambda shape, out: out,
) -> Layer[Any, Any]:
    """f with another rule: `rule` and `value` of its definition."""

    def build(child: Child) -> Combined:
        def meets(shape: Shape, go: Go) -> Shape:
            return out_shape(shape, go(child, shape))

        d = child.definition
        return Combined(meets, rule(d), value(d), d.takes, random=random)

    return Layer.over((f,), build, where=where, transparent=True)


@layer
def inference(f: Layer[A, B], /) -> Layer[A, B]:
    """A part of a network that runs as in inference, in training passes too: it never gets the key.

    Nothing in it is dropped, and a BatchNorm in it normalizes by its stored statistics: a backbone that is frozen wants
    that. It adds no level.

    Shapes
        x, y, params    those of f
    Errors
        TypeError   f is no layer
    Pullback
        f's, without a key
    Source: Ioffe & Szegedy, Batch Normalization (2015), algorithm 2, for what inference is.

    >>> inference(Dropout(0.5)).apply({}, np.ones(4), rng=1)
    array([1., 1., 1., 1.])
    """

    return _passing("inference", f, lambda d: _keyless(d, d.rule), lambda d: _keyless(d, d.value), random=False)


@layer
def checkpoint(f: Layer[A, B], /) -> Layer[A, B]:
    """A part of a network that is computed again for its pullback: memory for time.

    The forward pass keeps f's input alone, not what lies within; the pullback runs f once more. Value and gradients are
    the same to the last bit. It adds no level.

    Shapes
        x, y, params    those of f
    Errors
        TypeError   f is no layer
    Pullback
        f's, after another forward pass
    Source: Griewank & Walther, Evaluating Derivatives (2008), section 12.1; Chen, Xu, Zhang & Guestrin, Training Deep
    Nets with Sublinear Memory Cost (2016).

    >>> checkpoint(serial(Dense(8), Relu)).out_shape((-1, 3))
    (-1, 8)
    """

    def rule(d: Definition) -> Rule:
        def run(params: Tree, x: Any, *rng: Any) -> tuple[Any, Callable[[Any], Any]]:
            def again(dy: Any, last: bool) -> tuple[Tree, Any]:
                found: tuple[Tree, Any] = pulled(d.rule(params, x, *rng)[1], dy, True)  # of one that is nobody else's
                return found

            return d.value(params, x, *rng), Pulling(again)

        return run

    return _passing("checkpoint", f, rule)


@layer
def stop_gradient(f: Layer[A, B], /) -> Layer[A, B]:
    """A part of a network through which nothing is pulled back: as if it depended on neither its params nor its input.

    Its params stay params, with gradients of 0; `freeze` takes them away. It adds no level.

    Shapes
        x, y, params    those of f
    Errors
        TypeError   f is no layer
    Pullback
        dparams = 0      dx = 0
    Source: Chen & He, Exploring Simple Siamese Representation Learning (2021), section 3.

    >>> y, pullback = vjp(stop_gradient(Square).apply, {}, np.array([3.0]))
    >>> y, pullback(np.ones(1))[1]
    (array([9.]), array([0.]))
    """

    def rule(d: Definition) -> Rule:
        def run(params: Tree, x: Any, *rng: Any) -> tuple[Any, Callable[[Any], Any]]:
            y = d.value(params, x, *rng)

            def pullback(dy: Any) -> tuple[Tree, Any]:
                dtype = leading(dy).dtype
                return zeros_of(params, dtype), Later(lambda: zeros_like(x, dtype))

            return y, pullback

        return run

    return _passing("stop_gradient", f, rule)


@layer
def straight_through(f: Layer[Array, Array], /) -> Layer[Array, Array]:
    """A layer whose value is f's, and whose pullback is that of the identity: for rounding and other steps.

    f may have no derivative worth the name. Its params, if it has any, get gradients of 0. It adds no level.

    Shapes
        x, y    of one shape
        params  those of f
    Errors
        TypeError    f is no layer
        ShapeError   f gives another shape than it takes
    Pullback
        dparams = 0      dx = dy
    Source: Bengio, Léonard & Courville, Estimating or Propagating Gradients Through Stochastic Neurons (2013), section
    4.

    >>> Round = elementwise(np.rint, lambda x, y: 0 * x)
    >>> y, pullback = vjp(straight_through(Round).apply, {}, np.array([0.7]))
    >>> y, pullback(np.ones(1))[1]
    (array([1.]), array([1.]))
    """

    def rule(d: Definition) -> Rule:
        def run(params: Tree, x: Any, *rng: Any) -> tuple[Any, Callable[[Any], Any]]:
            return d.value(params, x, *rng), lambda dy: (zeros_of(params, dy.dtype), dy)

        return run

    def out_shape(shape: Shape, out: Shape) -> Shape:
        axes("straight_through", shape, empty=None)
        return agreed("straight_through takes and gives", (shape, out), "the cotangent of one is that of the other")

    return _passing("straight_through", f, rule, out_shape=out_shape)


@layer
def gradient_reversal(scale: float = 1.0) -> Layer[Array, Array]:
    """The layer that does nothing, but for the gradient, which it turns round: what lies before it learns the opposite.

    Shapes
        x, y    (..., n)        any shape
    Errors
        ValueError   `scale` is not finite
        ShapeError   x is a tuple, or has no axis
    Pullback
        dx = -scale dy
    Source: Ganin & Lempitsky, Unsupervised Domain Adaptation by Backpropagation (2015), equations 9 and 10.

    >>> y, pullback = vjp(gradient_reversal(0.5).apply, {}, np.array([3.0]))
    >>> y, pullback(np.ones(1))[1]
    (array([3.]), array([-0.5]))
    """
    finite("gradient_reversal", scale=scale)

    def out_shape(shape: Shape) -> Shape:
        return axes("gradient_reversal", shape, at_least=1, empty=None)

    return Layer.lift(out_shape, lambda x: (x, lambda dy: dy * -scale), value=lambda x: x)


def _keyless(d: Definition, f: Callable[..., Any]) -> Callable[..., Any]:
    """The rule, or the value, without a key."""

    def run(params: Tree, x: Any) -> Any:
        return f(params, x, None)

    return run if d.random else f
