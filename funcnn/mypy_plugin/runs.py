"""The library's own shape rules, run on the networks of recipes, and what comes of it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from funcnn.errors import ShapeError
from funcnn.mypy_plugin.building import Builder, Impossible, Refused, Verdict, drawn
from funcnn.mypy_plugin.recipes import Items, Node, exact
from funcnn.mypy_plugin.trust import Loader
from funcnn.mypy_plugin.unknowns import OPAQUE, Decisions, explore
from funcnn.networks import Layer, is_layer
from funcnn.networks.definitions import Spec
from funcnn.params import trees
from funcnn.shapes import external, normalize
from funcnn.types import Shape

Sizes = dict[str, tuple[int, ...]]


class Runner:
    """Runs the rules of networks, once for every recipe and shape."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        self._known: dict[tuple[str, ...], Verdict] = {}
        self._built: dict[int, tuple[Node, Layer[Any, Any] | None]] = {}  # by identity; the node stays alive
        self._generation = 0

    def refusal(self, node: Node) -> str | None:
        """What the outermost constructor says against its arguments, if all are known."""
        try:
            self._network(node)
        except Refused as refused:
            return str(refused)
        except Exception:
            return None
        return None

    def _network(self, node: Node) -> Layer[Any, Any]:
        with warnings.catch_warnings(), self.loader.running():
            warnings.simplefilter("ignore")
            return Builder(self.loader, Decisions(), watched=False).network(node)

    def built(self, node: Node) -> Layer[Any, Any] | None:
        """The network of a recipe of which everything is known; None if it cannot be had."""
        kept = self._built.get(id(node))
        if kept is None:
            try:
                made = self._network(node)
            except Exception:
                made = None
            kept = self._built[id(node)] = node, made if is_layer(made) and made is not OPAQUE else None
        return kept[1]

    def plain(self, node: Node) -> Shape | None:
        """A shape of which everything is known."""
        if not isinstance(node, Items) or not exact(node):
            return None
        shape: Shape = Builder(self.loader, Decisions()).build(node)
        return shape

    def spec(self, node: Node, shape: Shape) -> Sizes | None:
        """The sizes of the params of a network that meets this shape; None where they are not known."""
        net = self.built(node) if exact(node) else None
        return None if net is None else self.spec_of(net, shape)

    def spec_of(self, net: Layer[Any, Any], shape: Shape) -> Sizes | None:
        """As `spec`, of a layer."""
        try:
            return leaf_sizes(net.definition.planned(normalize(shape))[1])
        except Exception:
            return None

    def verdict(
        self, network: Node, shape: Node, *, params: bool, assumed: Mapping[str, bool] | None = None
    ) -> Verdict:
        """What `out_shape(shape)` gives, or `init(rng, shape)`: only what holds whatever is not known.

        An error of one way that a condition of the program leads to is one, whatever the other way gives.
        """
        generation, key = self.loader.refresh(), (repr(network), repr(shape), f"{params}{assumed}")
        if generation != self._generation:
            self._known.clear()
            self._built.clear()
            self._generation = generation
        if key not in self._known:
            self._known[key] = self._verdict(network, shape, params, assumed or {})
        return self._known[key]

    def _verdict(self, network: Node, shape: Node, params: bool, assumed: Mapping[str, bool]) -> Verdict:
        sure = exact(network) and exact(shape)

        def way(decisions: Decisions) -> Verdict | None:
            builder = Builder(self.loader, decisions)
            try:
                with self.loader.running():
                    return _run(builder, builder.network(network), builder.build(shape), params, sure)
            except Impossible:
                return None
            except Exception:  # undecided, or a rule cannot take what is known: silence
                return Verdict()

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ways = [(v, forks) for v, forks in explore(way, assumed) or [] if v is not None]
        if ways and all(v == ways[0][0] for v, _ in ways):
            return ways[0][0]
        decided = {fork for _, forks in ways for fork in forks.items()}
        for taken in (None, *sorted(decided)):
            met = [v for v, forks in ways if taken is None or forks.get(taken[0]) is taken[1]]
            if met and all(v.error is not None for v in met):
                return met[0]
        return Verdict()


def _run(builder: Builder, net: Layer[Any, Any], shape: object, params: bool, sure: bool) -> Verdict:
    """As `Init.__call__` and `Layer.out_shape` do it, but for the drawing."""
    inside: Shape | None = None
    try:
        inside = normalize(shape)
        if params:
            out, wanted = net.definition.planned(inside)
            if sure:
                _sizes(builder, net, wanted, inside)
        else:
            out = net.init.out_shape(inside)
    except ShapeError as error:
        builder.blame(error, "", None, inside)
        return builder.verdict
    return Verdict(external(out))


def _sizes(builder: Builder, net: Layer[Any, Any], wanted: Spec, shape: Shape) -> None:
    """The sizes of params are known, or it is an error; run again, it shows in which layer."""
    try:
        drawn(wanted, shape)
    except ShapeError as error:
        builder.wants_sizes = shape
        try:
            net.init.spec(shape)
        except ShapeError:
            found = builder.verdict
            builder.error, builder.verdict = error, found._replace(error=found.message, message=error.message)
        raise error from None


def leaf_sizes(spec: Spec) -> Sizes:
    """The sizes of every leaf, by path."""
    return {"/".join(path): tuple(leaf[1]) for path, leaf in trees.flatten(spec)}
