"""Params that are constants of the network, and back."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar, cast

import numpy as np

from funcnn.calculus import Later, force
from funcnn.combinators.ensembles import Members
from funcnn.combinators.nested import leading
from funcnn.combinators.reparametrizing import Tied, alike
from funcnn.errors import ParamsError
from funcnn.networks import Child, Combined, Go, Layer, layer
from funcnn.networks.children import definition_of
from funcnn.networks.definitions import Definition
from funcnn.networks.pair import layer_of
from funcnn.networks.rebuilding import Path, rebuilt, remade
from funcnn.params import Params, as_params, plain_tree, trees
from funcnn.params.grafting import pruned, subtree_at
from funcnn.params.partitioning import parted
from funcnn.params.trees import Plain
from funcnn.pulling import Pulling, pulled
from funcnn.types import Array, Shape, Tree, Where

A = TypeVar("A")
B = TypeVar("B")


@layer
def freeze(net: Layer[A, B], params: Tree, where: Where = "**") -> Layer[A, B]:
    """A network in which the leaves of `params` that `where` chooses are constants: they are not among its params.

    So no optimizer moves them, no penalty counts them, no gradient of them is computed; and of layers that are frozen
    whole, and lie before all others, nothing is pulled back at all. `thaw` puts them back. Frozen is what people call
    params; a BatchNorm of frozen params still normalizes by the batch in a training pass, unless it is in `inference`.
    Constants take the dtype of the params that are left, or of the input; before tokens alone they keep their own.

    Shapes
        x, y    those of the network
        params  the network's, without those that are frozen
    Errors
        TypeError     `net` is no layer
        ParamsError   `where` chooses no leaf, or the network has no such params
        ShapeError    a frozen leaf has another shape than the network wants for this input
    Pullback
        the network's, restricted to the params that are left
    Source: Yosinski, Clune, Bengio & Lipson, How transferable are features in deep neural networks? (2014), section 2.

    >>> net = serial(Dense(4), Relu, Dense(2).named("head"))
    >>> _, params = net.init(Key(0), (-1, 3))
    >>> freeze(net, params, "dense_0/**").init(Key(1), (-1, 3))[1].paths()
    ('head/b', 'head/w')
    """
    fixed = chosen(params, where)
    paths = ["/".join(path) for path, _ in trees.flatten(fixed)]

    def left(wanted: Any) -> Any:
        for path in paths:
            leaf = subtree_at(fixed, path, caller="freeze")
            alike("freeze", path, subtree_at(wanted, path, caller="freeze"), (None, leaf.shape), "the frozen leaf")
            wanted = pruned(wanted, path)
        return wanted

    def build(child: Child) -> Combined:
        def meets(shape: Shape, go: Go) -> Shape:
            return go(child, shape)

        @functools.lru_cache(4)
        def inside(dtype: np.dtype[Any] | None) -> Definition:
            return _frozen(child.definition, converted(fixed, dtype) if dtype else fixed)

        def for_these(params: Tree, x: Any) -> Definition:
            like: Any = next((leaf for _, leaf in trees.flatten(params)), leading(x))
            return inside(like.real.dtype if like.dtype.kind in "fc" else None)  # complex in a derivative

        def value(params: Tree, x: Any, *rng: Any) -> Any:
            return for_these(params, x).value(params, x, *rng)

        def rule(params: Tree, x: Any, *rng: Any) -> tuple[Any, Callable[[Any], Any]]:
            pair: tuple[Any, Callable[[Any], Any]] = for_these(params, x).rule(params, x, *rng)
            return pair

        return Combined(meets, rule, value, child.definition.takes, params=left)

    return Layer.over((net,), build, where="freeze", transparent=True)


def thaw(net: Layer[A, B], params: Tree) -> tuple[Layer[A, B], Params]:
    """The network without `freeze`, and its params with what was frozen: `net, params = thaw(net, params)`.

    Frozen leaves keep their values, and take the dtype of the others.

    Errors
        TypeError     `net` is no layer
        ParamsError   params that are tied were frozen with different values, and can be one no longer

    >>> net = serial(Dense(4), Relu, Dense(2).named("head"))
    >>> _, params = net.init(Key(0), (-1, 3))
    >>> frozen = freeze(net, params, "dense_0/**")
    >>> thaw(frozen, partition(params, "head/**")[0]) == (net, params)
    True
    """
    found: list[tuple[Path, Plain]] = []

    def f(path: Path, d: Definition) -> Definition:
        if isinstance(d.params, Members):  # what its members had in common, each has from now on
            n = d.params.n
            found[:] = [(at, _copies(fixed, n) if at[: len(path)] == path else fixed) for at, fixed in found]
        if isinstance(d.params, Tied):
            found[:] = _tied(found, path, d.params)
        if d.record is None or d.record.make is not freeze:
            return d
        call = d.record.bound().arguments
        found.append((path, chosen(call["params"], call["where"])))
        (child,) = d.children.values()
        return child

    thawed = rebuilt(definition_of(net, where="thaw"), f, made=False)
    out = as_params(params, "thaw(net, params)")
    dtype = next((leaf.dtype for _, leaf in trees.flatten(plain_tree(out))), None)
    for path, fixed in found:
        tree: Tree = _nested(path, converted(fixed, dtype) if dtype else fixed)
        out = out | tree
    return (cast("Layer[A, B]", layer_of(thawed)) if found else net), out


def _tied(found: list[tuple[Path, Plain]], path: Path, ties: Tied) -> list[tuple[Path, Plain]]:
    """What was frozen without what stands elsewhere, for a `tie` at this path."""
    whole: Plain = {}
    for at, fixed in found:
        whole = trees.merged(whole, _nested(at, fixed))
    leaves = {"/".join(p): leaf for p, leaf in trees.flatten(whole)}
    for target, (root, turned) in ties.sources.items():
        here, there = ("/".join((*path, p)) for p in (target, root))
        for leaf in [p for p in leaves if f"{p}/".startswith(f"{here}/")]:
            stands = leaves[there + leaf.removeprefix(here)]
            if not np.array_equal(leaves[leaf], stands.T if turned else stands, equal_nan=True):
                raise ParamsError(
                    f"thaw: {target!r} is tied to {root!r}, but they were frozen with different values; freeze them "
                    f"with the same, or freeze what is tied, freeze(tie(net, ...), params)"
                )
            whole = pruned(whole, leaf)
    return [((), whole)] if whole else []


def _nested(path: Path, tree: Plain) -> Plain:
    for name in reversed(path):
        tree = {name: tree}
    return tree


def _copies(tree: Plain, n: int) -> Plain:
    """Every leaf n times, in front."""

    def copied(leaf: Array) -> Array:
        return np.stack([leaf] * n)

    return trees.mapped(copied, tree)


def chosen(params: Tree, where: Where) -> Plain:
    """The leaves that are frozen."""
    return plain_tree(parted(params, where, caller="freeze")[0])


def _frozen(d: Definition, fixed: Plain) -> Definition:
    """The layer with these leaves held fast, every one in the layer it belongs to.

    The combinators around those then see for whom nothing is left to pull back.
    """
    if not fixed:
        return d
    own = fixed
    if d.children and d.remade and not d.transparent:  # under a transparent layer params may be others, or tied
        own = {name: leaf for name, leaf in fixed.items() if name not in d.children or not isinstance(leaf, dict)}
        d = remade(d, [_frozen(child, _below(fixed, name)) for name, child in d.children.items()])
    return _holding(d, own) if own else d


def _below(fixed: Plain, name: str) -> Plain:
    found = fixed.get(name, {})
    return found if isinstance(found, dict) else {}


def _holding(d: Definition, fixed: Plain) -> Definition:
    """The layer, whose rule finds these leaves among its params, and gives no gradients of them."""
    paths = ["/".join(path) for path, _ in trees.flatten(fixed)]

    def whole(params: Any) -> Plain:
        return trees.merged(params, fixed) if params else fixed

    def value(params: Tree, x: Any, *rng: Any) -> Any:
        return d.value(whole(params), x, *rng)

    def rule(params: Tree, x: Any, *rng: Any) -> tuple[Any, Callable[[Any], Any]]:
        y, back = d.rule(whole(params), x, *rng)

        def run(dy: Any, last: bool) -> tuple[Tree, Any]:
            if not params:  # only dx could be wanted
                return {}, Later(lambda: force(back(dy)[1]))
            gradients, dx = pulled(back, dy, last)
            for path in paths:
                gradients = pruned(gradients, path)
            return gradients, dx

        return y, Pulling(run)

    return replace(d, rule=rule, value=value)


def converted(tree: Plain, dtype: Any) -> Plain:
    """The leaves in this dtype, read-only: what rules get is nobody's to change."""

    def convert(leaf: Any) -> Any:
        new = leaf.astype(dtype, copy=False)
        new.setflags(write=False)
        return new

    return trees.mapped(convert, tree)
