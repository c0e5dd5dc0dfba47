"""Derivatives along a direction: `jvp`, and `linearize`, which gives them as a function."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from funcnn.cotangents import cotangent_like, described, read_only
from funcnn.derivatives.objectives import checked_apply
from funcnn.derivatives.stepping import analytic, derivative, moved, unit
from funcnn.errors import FuncnnError, ParamsError, ShapeError
from funcnn.keys import Rng, as_key
from funcnn.networks import Apply
from funcnn.params import plain_tree
from funcnn.shapes import display
from funcnn.types import Tree, is_array, is_mapping, is_tuple

X = TypeVar("X")
Y = TypeVar("Y")


def jvp(
    apply: Apply[X, Y],
    args: tuple[Tree, X],
    tangents: tuple[Tree | None, X | None],
    *,
    rng: Rng | None = None,
) -> tuple[Y, Y]:
    """The value at `(params, x)`, and its derivative along `(dparams, dx)`: `d/ds f(params + s dparams, x + s dx)`.

    One complex step of the rules, exact to rounding, in the dtype of the params, for the price of a forward pass in
    complex numbers. A direction that is None does not move; leaves that dparams leaves out do not either. Tokens and
    masks have no derivative, whatever stands for them. At a kink the derivative is that of the piece the rule takes.
    It is that of the values: what a pullback says on purpose instead, as in `stop_gradient`, is not in it.

    Shapes
        args       params, and x as the network takes it
        tangents   trees and arrays of the same shapes, or None
        value      y, and dy like it
    Errors
        as for calling `apply`, and
        ShapeError         a direction has another shape than what it moves
        ParamsError        dparams has a leaf that params have not
        NotAnalyticError   a layer that is not the library's own loses imaginary parts; by its path
        TypeError          `apply` is none
    Source: Griewank & Walther, Evaluating Derivatives (2008), section 3.1; the signature is that of `jax.jvp`.

    >>> net = serial(Dense(3), Tanh)
    >>> _, params = net.init(0, (-1, 2))
    >>> x, v = np.ones((1, 2), np.float32), np.array([[1.0, 0.0]], np.float32)
    >>> y, dy = jvp(net.apply, (params, x), (None, v))
    >>> bool(np.allclose(dy, (1 - y**2) * params.at("dense_0/w")[0], rtol=1e-5))
    True
    """
    if not is_tuple(args) or len(args) != 2 or not is_tuple(tangents) or len(tangents) != 2:
        raise TypeError("jvp takes the pairs (params, x) and (dparams, dx); None for what does not move")
    checked_apply("jvp", apply)
    y, along = linearize(apply, *args, rng=rng)
    return y, along(*tangents)


def linearize(
    apply: Apply[X, Y], params: Tree, x: X, *, rng: Rng | None = None
) -> tuple[Y, Callable[[Tree | None, X | None], Y]]:
    """The value at `(params, x)`, and the linear map `(dparams, dx) -> dy` that `f` is near it.

    `jvp` with the point held, for many directions.

    Shapes and errors as for `jvp`; those of directions come from the map.

    Source: Griewank & Walther, Evaluating Derivatives (2008), section 3.1; the name is that of `jax.linearize`.

    >>> net = Dense(3)
    >>> _, params = net.init(0, (-1, 2))
    >>> y, along = linearize(net.apply, params, np.ones((1, 2), np.float32))
    >>> along({"b": np.ones(3, np.float32)}, None)
    array([[1., 1., 1.]], dtype=float32)
    """
    checked_apply("linearize", apply)
    key = key_of(apply, rng)
    with at_network(apply):
        tree, inner = apply.door.enter(params, x)
        y: Any = apply.value(tree, inner, *key)

    def along(dparams: Tree | None, dx: X | None) -> Any:
        with at_network(apply):
            analytic(apply.definition, tree, inner, key)
            d = None if dparams is None else direction(tree, dparams)
            v = None if dx is None else cotangent_like(inner, dx, "the direction of x")
            by = unit(d, v)
            return read_only(derivative(apply.value(moved(tree, d, by), moved(inner, v, by), *key), y, by))

    return read_only(y), along


@contextmanager
def at_network(apply: Apply[Any, Any]) -> Generator[None]:
    """Errors from inside tell which network they are about."""
    try:
        yield
    except FuncnnError as error:
        error.seen_in(apply.definition.name)
        raise


def key_of(apply: Apply[Any, Any], rng: Rng | None) -> tuple[Any, ...]:
    """The key as a rule takes it: not at all, where it takes none."""
    return (None if rng is None else as_key(rng),) if apply.random else ()


def direction(params: Any, dparams: Tree) -> Any:
    """A direction of params as a whole tree in their dtypes: what is left out does not move.

    Errors
        ParamsError   it is no tree, or has a leaf that the params have not
        ShapeError    a leaf has another shape
    """
    given = cast(object, dparams)
    if given is None or is_array(given):
        raise ParamsError(
            f"a direction of params is a tree like them or a part of it, got {described(given)}; "
            "write tree_map(np.ones_like, params), or params themselves"
        )
    return _direction(params, plain_tree(dparams), ())


def _direction(params: Any, given: Any, at: tuple[str, ...]) -> Any:
    if extra := [name for name in given if name not in params]:
        raise ParamsError(
            f"a direction is a tree like the params or a part of it, whose names are {', '.join(params)}; "
            f"got {', '.join(extra)}",
            path=at,
        )
    out: dict[str, Any] = {}
    for name, leaf in params.items():
        value: Any = given.get(name)
        if is_mapping(leaf):
            out[name] = _direction(leaf, {} if value is None else value, (*at, name))
        elif value is None:
            out[name] = leaf * 0
        elif isinstance(value, dict) or value.shape != leaf.shape:
            got = "a subtree" if isinstance(value, dict) else display(value.shape)
            raise ShapeError(f"the direction of {name} must have its shape, {display(leaf.shape)}, got {got}", path=at)
        else:
            out[name] = value.astype(leaf.dtype, copy=False)
    return out
