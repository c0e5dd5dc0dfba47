"""Population statistics for networks with layers that keep them, such as BatchNorm."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any, TypeAlias, TypeVar

import numpy as np

from funcnn.arguments import switch
from funcnn.combinators.ensembles import Members
from funcnn.combinators.reparametrizing import Tied
from funcnn.errors import ShapeError, UnsettledWarning, brief
from funcnn.foreign.calls import understood
from funcnn.keys import Key, Rng, as_key
from funcnn.networks import Layer
from funcnn.networks.children import definition_of
from funcnn.networks.definitions import Definition
from funcnn.networks.pair import layer_of
from funcnn.networks.rebuilding import Path, below, observed, rebuilt, remade
from funcnn.networks.statistics import Statistics
from funcnn.params import Params, as_params, plain
from funcnn.params.packing import pack
from funcnn.types import Tree, is_array
from funcnn.warned import warn

A = TypeVar("A")

_PATIENCE = 50


@understood
def calibrate(
    net: Layer[A, object], params: Tree, batches: Iterable[A], *, rng: Rng = 0, exact: bool = False
) -> Params:
    """The same params with the population statistics in every BatchNorm: do this after training, before inference.

    One training pass over the batches; "mean" and "var" of each BatchNorm become those of all it saw, and likewise what
    any other layer keeps by the `statistics` of its definition. Moments are pooled in float64, by the number of rows;
    those of a layer that is shared, or tied, over all the places where it stands. Members of an ensemble have their
    own.
    On one batch, inference equals the training pass to the last bit, where nothing else is random. Dropout drops in
    this pass, as in training.

    With `exact=True`, inference passes are repeated until nothing changes: then each BatchNorm has the statistics of
    what it gets in inference. That takes as many passes as there are norms one after the other, and one more.

    Errors
        TypeError        `batches` is a single array
        ShapeError       there is no batch, or one has no rows; or the input does not fit the network
        FuncnnWarning    with `exact=True`, a norm that feeds itself does not settle; the last params are returned
    Source: Ioffe & Szegedy, Batch Normalization (2015), algorithm 2, with the biased variance, so that inference and
    training agree; the pooling is Chan, Golub & LeVeque, Updating Formulae (1979).

    >>> net = BatchNorm()
    >>> _, params = net.init(Key(0), (-1, 1))
    >>> params = calibrate(net, params, [np.array([[1.0], [3.0]]), np.array([[5.0]])])
    >>> params.at("mean"), params.at("var").round(4)
    (array([3.], dtype=float32), array([2.6667], dtype=float32))
    """
    return calibrated(net, params, batches, rng, exact, in_order)


Place: TypeAlias = "tuple[str, tuple[int, ...]]"
"""Where a layer is: its path, and in which members of the ensembles around it, the outermost first."""

Found: TypeAlias = "dict[Place, Any]"
"""What the layers with statistics say of a batch, by their places."""

Passes: TypeAlias = "Callable[[Callable[[int, Any], Found], Iterable[Any]], Iterator[Found]]"
"""How a function of all batches and their numbers is computed, in their order: here, or in several places."""


def in_order(f: Callable[[int, Any], Found], batches: Iterable[Any]) -> Iterator[Found]:
    """One after the other."""
    return (f(i, x) for i, x in enumerate(batches))


def calibrated(
    net: Layer[A, object], params: Tree, batches: Iterable[A], rng: Rng, exact: bool, passes: Passes
) -> Params:
    """See `calibrate`."""
    definition_of(net, where="calibrate")
    switch("calibrate", exact=exact)
    if is_array(batches):
        raise TypeError(f"calibrate takes an iterable of batches, got one array of shape {batches.shape}; write [x]")
    old = as_params(params, "calibrate(net, params, batches)")
    if not exact:
        return _updated(old, _gathered(net, old, batches, as_key(rng), passes))
    kept = list(batches)
    done = 0
    while True:
        found = _gathered(net, old, kept, None, passes)
        new = _updated(old, found)
        if new == old:
            return new
        old, done = new, done + 1
        if done > len(found) + _PATIENCE:
            warn(
                f"calibrate: after {done} passes the statistics still change; a BatchNorm whose output comes back "
                f"to it may have no exact ones; leave out exact=True",
                UnsettledWarning,
            )
            return new


Seen: TypeAlias = "dict[Place, tuple[Statistics, Any]]"
"""What the layers with statistics saw, by their places."""


def _gathered(
    net: Layer[A, object], params: Params, batches: Iterable[A], rng: Key | None, passes: Passes
) -> Seen:
    """What every layer that keeps statistics sees in one pass over the batches."""
    kinds: dict[Place, Statistics] = {}
    found: Found = {}
    members: list[int] = []
    empty = False

    def see(at: Path, layer: Definition, own: Tree, x: Any, y: Any) -> None:
        nonlocal empty
        kept, place = layer.statistics, ("/".join(at), tuple(members))
        if kept is None:
            return
        kinds[place], empty = kept, empty or not len(x)
        more = kept.of(x)
        found[place] = kept.merged(found[place], more) if place in found else more  # where a batch comes by twice

    if not isinstance(batches, Iterable):
        raise TypeError(f"calibrate takes batches of inputs, got {brief(batches)}; write [x] for a single one")
    total: Found = {}
    spied, number = observed(net.definition, see, where="calibrate"), 0
    watched = layer_of(rebuilt(spied, lambda path, layer: _told_apart(layer, members)))

    def of_batch(i: int, x: Any) -> Found:
        found.clear()
        watched.apply(params, x, rng=None if rng is None else rng.fold(i))
        return dict(found)

    for number, seen in enumerate(passes(of_batch, batches), 1):
        for place, more in seen.items():
            total[place] = kinds[place].merged(total[place], more) if place in total else more
    if not number or empty:
        raise ShapeError(f"empty batch: calibrate needs rows to average over, got none in {number} batches")
    return _at_home(net.definition, {place: (kinds[place], value) for place, value in total.items()})


def _told_apart(layer: Definition, members: list[int]) -> Definition:
    """An ensemble that says which of its members runs, one after the other, at the end of the list."""
    if not isinstance(layer.params, Members):
        return layer
    (one,), n, turns = layer.children.values(), layer.params.n, count()

    def told(f: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            members.append(next(turns) % n)
            try:
                return f(*args)
            finally:
                members.pop()

        return run

    return remade(layer, [replace(one, rule=told(one.rule), value=told(one.value))])


def _at_home(net: Definition, seen: Seen) -> Seen:
    """What was seen where the params are: a layer that is tied to another adds to what that one saw."""

    def moved(path: Path, layer: Definition) -> Definition:
        for target, (root, _) in layer.params.sources.items() if isinstance(layer.params, Tied) else ():
            here, there = ("/".join((*path, p)) + "/" for p in (target, root))
            for place in [p for p in seen if f"{p[0]}/".startswith(here)]:
                kept, more = seen.pop(place)
                at = (there + f"{place[0]}/".removeprefix(here)).rstrip("/"), place[1]
                seen[at] = kept, kept.merged(seen[at][1], more) if at in seen else more
        return layer

    rebuilt(net, moved)
    return seen


def keeps_statistics(net: Definition) -> bool:
    """Has it a layer that keeps statistics of training passes?"""
    left = [net]
    while left:
        layer = left.pop()
        if layer.random and layer.statistics is not None:
            return True
        left += [child for child in layer.children.values() if layer.random]
    return False


def warn_uncalibrated(function: str, net: Definition, params: Params) -> None:
    """Warn of a layer whose statistics are still those of no data, which inference would normalise by.

    A layer that never takes a key, inside of `inference`, uses them in training too; those of one that is frozen are
    not among the params.
    """
    left: list[tuple[Path, Definition, Any]] = [((), net, plain(params))] if net.random else []
    while left:
        path, layer, tree = left.pop()
        kept = layer.statistics
        if kept is not None and kept.first is not None and _is_first(tree, kept.leaves, kept.first):
            names = " and ".join(kept.leaves)
            warn(
                f"{function}: {'/'.join(path) or layer.name} was never calibrated, its {names} are those of no data; "
                f"after training write params = calibrate(net, params, [x]), with x from the training data"
            )
            return
        for name, child in reversed([*layer.children.items()]):  # the first is looked at first
            if child.random:  # what takes no key keeps no statistics of training passes
                sub = tree if layer.transparent else tree.get(name)
                left += [(below(layer, path, name), child, sub)] if type(sub) is dict else []


def _is_first(tree: dict[str, Any], leaves: tuple[str, ...], first: tuple[float, ...]) -> bool:
    """Are these leaves there, and full of these numbers?"""
    found = [tree.get(name) for name in leaves]
    if any(type(leaf) is not np.ndarray for leaf in found):
        return False
    pairs: list[tuple[Any, float]] = list(zip(found, first, strict=True))
    if any(leaf.size and leaf.item(0) != number for leaf, number in pairs):
        return False  # nearly always: one number is enough, and costs little
    return all(bool((leaf == number).all()) for leaf, number in pairs)


def _updated(params: Params, seen: Seen) -> Params:
    """Params with these statistics, where they have them: what is frozen is not among the params."""
    paths = set(params.paths())
    for (path, members), (kept, found) in seen.items():
        for name, value in zip(kept.leaves, kept.values(found), strict=True):
            leaf = f"{path}/{name}" if path else name
            if leaf in paths:
                new = np.array(params.at(leaf))
                new[members] = np.asarray(value).reshape(new[members].shape)
                params = params.set(leaf, new)
    return pack(params)
