"""Networks over other trees of params than their own: `tie` is that, and whatever people make of `reparam`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, TypeVar, Union

import numpy as np

from funcnn.calculus import Later, force
from funcnn.combinators.nested import summed
from funcnn.errors import ParamsError, ShapeError, brief
from funcnn.networks import Child, Combined, Go, Layer, layer
from funcnn.networks.definitions import Spec
from funcnn.networks.surgery import promised
from funcnn.params.grafting import grafted, pruned, subtree_at
from funcnn.pulling import Pulling, pulled
from funcnn.shapes import display, same
from funcnn.types import Shape, Tree, is_mapping

A = TypeVar("A")
B = TypeVar("B")


@layer
def reparam(
    net: Layer[A, B], spec: Callable[[Spec], Spec], inner: Callable[[Tree], Tree], outer: Callable[[Tree], Tree]
) -> Layer[A, B]:
    """A network over another tree of params: what it computes from `inner(params)`.

    `spec` says, out of the params that the network wants, which are wanted instead; `inner` makes the network's params
    of those, by a linear map or another; and `outer` is the transpose of its derivative, from the network's gradients
    to gradients of ours. It adds no level: names are those of the network.

    Shapes
        x, y    those of the network
        params  `spec` of the network's
    Errors
        TypeError     `net` is no layer
        ParamsError   `outer` gives other gradients than those of the params that `spec` says
        ShapeError    from the network
    Pullback
        dparams = outer(the network's gradients)      dx = the network's
    Source: Griewank & Walther, Evaluating Derivatives (2008), section 3.2 (the chain rule).

    >>> def doubled(tree: Tree) -> Tree:
    ...     return {**tree, "w": 2 * tree["w"]}
    >>> net = reparam(Dense(1), lambda spec: spec, doubled, doubled)
    >>> net.apply({"w": np.array([[3.0]]), "b": np.array([1.0])}, np.array([[1.0]]))
    array([[7.]])
    """

    return promised(_over_other("reparam", net, spec, inner, lambda gradients, params: outer(gradients)))


def _over_other(
    where: str, net: Any, spec: Callable[[Any], Any], inner: Callable[[Any], Any], outer: Callable[[Any, Any], Any]
) -> Layer[Any, Any]:
    def build(child: Child) -> Combined:
        definition = child.definition

        def meets(shape: Shape, go: Go) -> Shape:
            return go(child, shape)

        def value(params: Tree, x: Any, *rng: Any) -> Any:
            return definition.value(inner(params), x, *rng)

        def rule(params: Tree, x: Any, *rng: Any) -> tuple[Any, Callable[[Any], Any]]:
            y, back = definition.rule(inner(params), x, *rng)

            def run(dy: Any, last: bool) -> tuple[Tree, Any]:
                if not params:  # only dx could be wanted
                    return {}, Later(lambda: force(back(dy)[1]))
                gradients, dx = pulled(back, dy, last)
                return outer(gradients, params), dx

            return y, Pulling(run)

        return Combined(meets, rule, value, definition.takes, params=spec)

    return Layer.over((net,), build, where=where, transparent=True)


class transposed(NamedTuple):  # a function in all but name  # noqa: N801
    """For `tie`: the transpose of the leaf at a path.

    >>> tie(serial(Embedding(9, 4), Dense(9).named("head")), {"head/w": transposed("embedding_0/w")})
    tie(serial(Embedding(9, 4), Dense(9).named('head')), {'head/w': transposed('embedding_0/w')})
    """

    path: str

    def __repr__(self) -> str:
        return f"transposed({self.path!r})"


Ties: TypeAlias = "Mapping[str, Union[str, transposed]]"


@layer
def tie(net: Layer[A, B], ties: Ties, /) -> Layer[A, B]:
    """A network in which some params are others: `tie(net, {"head/w": transposed("embedding_0/w")})`.

    Left are the paths that leave the params, right what stands in their place: the path of a leaf, or of a whole
    subtree, or the transpose of a leaf. It adds no level, and no other initial value changes.

    Shapes
        x, y    those of the network
        params  the network's, without those that are tied
    Errors
        TypeError     `net` is no layer, or `ties` is no mapping of paths to paths
        ValueError    there is no tie, a path is tied to itself, or lies within another that is tied
        ParamsError   the network has no such params
        ShapeError    what stands in the place of params has another shape
    Pullback
        the cotangents of a leaf are added up over all the places that it stands in
    Source: Press & Wolf, Using the Output Embedding to Improve Language Models (2017), section 3; Inan, Khosravi &
    Socher, Tying Word Vectors and Word Classifiers (2017).

    >>> net = tie(serial(Embedding(9, 4), Dense(9).named("head")), {"head/w": transposed("embedding_0/w")})
    >>> net.init(Key(0), (-1, 5))[1].paths()
    ('embedding_0/w', 'head/b')
    """
    sources = sources_of_ties(ties)

    def inner(params: Any) -> Any:
        return _untied(params, sources)

    def outer(gradients: Any, params: Any) -> Any:
        left = gradients
        for path, (root, turned) in sources.items():
            mine, rooted = subtree_at(gradients, path, caller="tie"), subtree_at(left, root, caller="tie")
            if turned:  # its own axes: gradients of every example have one more in front
                rank = subtree_at(params, root, caller="tie").ndim
                mine = np.moveaxis(mine, range(-rank, 0), range(-1, -rank - 1, -1))
            total = summed(summed({}, rooted), mine) if is_mapping(rooted) else rooted + mine
            left = grafted(pruned(left, path), root, total)
        return left

    return _over_other("tie", net, Tied(sources), inner, outer)


@dataclass(frozen=True, slots=True)
class Tied:
    """From the spec of the network to that without what is tied. By it a walk knows a `tie`.

    sources   for every path that is tied: the one that stands in its place, and whether it is turned
    """

    sources: Mapping[str, tuple[str, bool]]

    def __call__(self, wanted: Any) -> Any:
        for path, (root, turned) in self.sources.items():
            mine = subtree_at(wanted, path, caller="tie")
            stands = _turned_spec(subtree_at(wanted, root, caller="tie"), root, turned)
            alike("tie", path, mine, stands, f"{root!r} turned" if turned else repr(root))
        for path in self.sources:
            wanted = pruned(wanted, path)
        return wanted


def untied(params: Tree, ties: Ties) -> Tree:
    """The params of the network within, of those that `tie` leaves.

    >>> from funcnn.combinators.reparametrizing import untied
    >>> untied({"a": {"w": np.ones((1, 2))}}, {"b/w": transposed("a/w")})["b"]["w"].shape
    (2, 1)
    """
    found: Tree = _untied(params, sources_of_ties(ties))
    return found


def _untied(params: Any, sources: Mapping[str, tuple[str, bool]]) -> Any:
    full = params
    for path, (root, turned) in sources.items():
        stands = subtree_at(params, root, caller="tie")
        full = grafted(full, path, stands.T if turned else stands)
    return full


def sources_of_ties(ties: Any) -> dict[str, tuple[str, bool]]:
    """For every path that is tied: the one that stays in its place, and whether it is turned."""
    if not is_mapping(ties):
        raise TypeError(f"tie takes a mapping of paths to paths, {{'head/w': 'dense_0/w'}}, got {brief(ties)}")
    given: dict[str, tuple[str, bool]] = {}
    for path, source in ties.items():
        root = source.path if isinstance(source, transposed) else source
        if not isinstance(path, str) or not isinstance(root, str):
            raise TypeError(f"tie takes paths, strings like 'dense_0/w', got {brief(path)}: {brief(source)}")
        given[path] = root, isinstance(source, transposed)
    if not given:
        raise ValueError("tie: there is nothing to tie, the mapping is empty")
    found: dict[str, tuple[str, bool]] = {}
    for path, (root, turned) in given.items():
        for _ in given:
            if root not in given:
                break
            root, again = given[root]
            turned = turned != again
        if root in given or f"{root}/".startswith(f"{path}/") or f"{path}/".startswith(f"{root}/"):
            raise ValueError(_circle(path, given))
        found[path] = root, turned
    for path in found:
        for other in (*found, *(root for root, _ in found.values())):
            if other != path and f"{other}/".startswith(f"{path}/"):
                raise ValueError(f"tie: {other!r} lies within {path!r}, which is tied")
    return found


def _circle(path: str, given: dict[str, tuple[str, bool]]) -> str:
    """What is wrong where a path does not come to one that stays in its place."""
    way = [path]
    while way[-1] in given and given[way[-1]][0] not in way:
        way.append(given[way[-1]][0])
    if way[-1] not in given:
        inner, outer = sorted((path, way[-1]), key=len, reverse=True)
        return f"tie: {path!r} is tied to itself, for {inner!r} lies within {outer!r}; tie it to a path elsewhere"
    back = given[way[-1]][0]
    circle = [*way[way.index(back) :], back]
    shown = " -> ".join(map(repr, circle))
    return f"tie: {back!r} is tied to itself, {shown}; leave one of these out, whose params stay"


def _turned_spec(spec: Any, root: str, turned: bool) -> Any:
    if turned and is_mapping(spec):
        raise ParamsError(f"tie: {root!r} is a subtree, and only leaves have a transpose")
    return (spec[0], spec[1][::-1]) if turned else spec


def alike(caller: str, path: str, spec: Any, other: Any, what: str) -> None:
    """Is what stands in the place of params like them?

    Errors
        ShapeError   it has another structure, or another shape
    """
    if is_mapping(spec) and is_mapping(other) and spec.keys() == other.keys():
        for name in spec:
            alike(caller, f"{path}/{name}", spec[name], other[name], f"that of {what}")
    elif is_mapping(spec) or is_mapping(other):
        raise ShapeError(f"{caller}: {path} and {what} have not the same names of params")
    elif len(spec[1]) != len(other[1]) or not all(map(same, spec[1], other[1])):
        raise ShapeError(f"{caller}: {path} has shape {display(spec[1])}, {what} has {display(other[1])}")
