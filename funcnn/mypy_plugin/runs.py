"""The library's own shape rules, run on the networks of recipes, and what comes of it."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Mapping
from typing import Any

from funcnn.errors import ShapeError
from funcnn.mypy_plugin.building import KEPT, Builder, Built, Impossible, Refusal, Refused, Verdict, drawn
from funcnn.mypy_plugin.recipes import Call, Items, Node, exact, form
from funcnn.mypy_plugin.trust import Loader
from funcnn.mypy_plugin.unknowns import OPAQUE, Decisions, explore
from funcnn.networks import Layer, is_layer
from funcnn.networks.definitions import Spec
from funcnn.params import trees
from funcnn.shapes import external, normalize
from funcnn.types import Shape

Sizes = dict[str, tuple[int, ...]]


class Runner:
    """Runs the rules of networks, once for every form of recipe and shape."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        self.right: dict[Hashable, object] = {}  # calls that were tried, and raised nothing
        self._known: dict[Hashable, Verdict] = {}
        self._built: Built = {}
        self._specs: dict[Hashable, Sizes | None] = {}
        self._told: dict[Hashable, tuple[Node, Verdict]] = {}  # by the identity of the network, which stays alive
        self._generation = 0

    def refusal(self, node: Node) -> str | None:
        """What the outermost constructor says against its arguments, if all are known."""
        made = self._network(node)
        return made.text if isinstance(made, Refusal) else None

    def built(self, node: Node) -> Layer[Any, Any] | None:
        """The network of a recipe of which everything is known; None if it cannot be had."""
        made = self._network(node) if exact(node) else None
        return made if is_layer(made) and made is not OPAQUE else None

    def _network(self, node: Node) -> Layer[Any, Any] | Refusal | None:
        self._refresh()
        if isinstance(node, Call) and node.exact and (kept := self._built.get(node.form)) is not None:
            return kept
        try:
            with warnings.catch_warnings(), self.loader.running():
                warnings.simplefilter("ignore")
                return Builder(self.loader, Decisions(), self._built).network(node)
        except Refused as refused:
            return Refusal(str(refused))
        except Exception:
            return None

    def _refresh(self) -> None:
        """Trusted code that has changed makes other networks."""
        generation = self.loader.refresh()
        if generation != self._generation:
            for kept in (self._known, self._built, self._specs, self._told, self.right):
                kept.clear()
            self._generation = generation

    def plain(self, node: Node) -> Shape | None:
        """A shape of which everything is known."""
        if not isinstance(node, Items) or not exact(node):
            return None
        shape: Shape = Builder(self.loader, Decisions()).build(node)
        return shape

    def spec(self, node: Node, shape: Shape) -> Sizes | None:
        """The sizes of the params of a network that meets this shape; None where they are not known."""
        key = form(node), repr(shape)
        if key not in self._specs:
            net = self.built(node)
            if len(self._specs) >= KEPT:
                self._specs.clear()
            self._specs[key] = None if net is None else self.spec_of(net, shape)
        return self._specs[key]

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
        plain = self._plainly(network, shape, params, assumed or {})
        if plain.error is None:
            return plain
        key = id(network), form(shape), params, frozenset((assumed or {}).items())
        if key not in self._told:
            if len(self._told) >= KEPT:
                self._told.clear()
            self._told[key] = network, self._verdict(network, shape, params, assumed or {}, None)
        return self._told[key][1]

    def fails(self, network: Node, shape: Node) -> bool:
        """Does `out_shape(shape)` raise an error, whatever is not known?"""
        return self._plainly(network, shape, False, {}).error is not None

    def _plainly(self, network: Node, shape: Node, params: bool, assumed: Mapping[str, bool]) -> Verdict:
        """The verdict, without the place of an error: the same for every network of this form."""
        self._refresh()
        given = None if exact(network) and exact(shape) else frozenset(assumed.items())
        forms = form(network), form(shape), given
        found = self._known.get((*forms, params)) or (None if params else self._known.get((*forms, True)))
        if found is None or (found.error is not None and (*forms, params) not in self._known):
            found = self._verdict(network, shape, params, assumed, self._built)
            self._keep((*forms, params), found)
        return found

    def _keep(self, key: Hashable, verdict: Verdict) -> None:
        if len(self._known) >= KEPT:
            self._known.clear()
        self._known[key] = verdict

    def _verdict(
        self, network: Node, shape: Node, params: bool, assumed: Mapping[str, bool], built: Built | None
    ) -> Verdict:
        sure = exact(network) and exact(shape)

        def way(decisions: Decisions) -> Verdict | None:
            builder = Builder(self.loader, decisions, built)
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
    if _sized(wanted):
        return
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


def _sized(spec: Spec) -> bool:
    """Is the size of every leaf known?"""
    return all(
        _sized(s) if isinstance(s, Mapping) else len(s) == 2 and all(type(n) is int for n in s[1])
        for s in spec.values()
    )  # fmt: skip


def leaf_sizes(spec: Spec) -> Sizes:
    """The sizes of every leaf, by path."""
    return {"/".join(path): tuple(leaf[1]) for path, leaf in trees.flatten(spec)}
