"""The layers of a network that have params, in their order: what another library's arrays are to be put into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from funcnn.combinators.reparametrizing import sources_of_ties, tie
from funcnn.errors import ParamsError, ShapeError, brief
from funcnn.networks import Layer, is_layer
from funcnn.networks.definitions import Definition
from funcnn.networks.rebuilding import walked
from funcnn.params import trees
from funcnn.shapes import display, known, normalize
from funcnn.types import Shape
from funcnn.weights.parts import Sizes

OURS = "funcnn.layers", "funcnn.combinators", "funcnn.stax"


class Place(NamedTuple):
    """A layer with params.

    kind      its constructor, `Dense`; "" for a layer that is not the library's own
    options   the arguments of that
    shapes    its leaves
    tied      those of them that stand elsewhere, and are not among the network's params
    order     for leaves, which axes are of a flattened map, and its shape; see `flattened.py`
    """

    path: str
    kind: str
    options: Mapping[str, Any]
    shapes: Mapping[str, Sizes]
    tied: frozenset[str] = frozenset()
    order: Mapping[str, tuple[tuple[int, Sizes], ...]] = {}

    def at(self, leaf: str) -> str:
        """The path of a leaf."""
        return f"{self.path}/{leaf}" if self.path else leaf


class Places(NamedTuple):
    """The layers with params, the paths of the network's params in their order, and what is tied to what."""

    layers: tuple[Place, ...]
    paths: tuple[str, ...]
    ties: Mapping[str, tuple[str, bool]]


def places_of(caller: str, net: Layer[Any, Any], shape: Shape) -> Places:
    """The places of a network that takes this shape.

    Errors
        TypeError     it is no layer
        ShapeError    the network does not take this shape, or it leaves open how large a leaf is
        ParamsError   it keeps params in a form that no other library has
    """
    if not is_layer(net):
        raise TypeError(f"{caller} takes a network, the shape of its input and weights, got {brief(net)}")
    net.out_shape(shape)
    inside = normalize(shape)
    wanted = _sizes(net.definition.spec(inside))
    if open_ := [f"{path} {display(sizes)}" for path, sizes in wanted.items() if not known(*sizes)]:
        fix = "give the sizes that they depend on, only others may be -1"
        raise ShapeError(f"{caller}: for the shape {display(inside)} these are not known, {', '.join(open_)}; {fix}")
    ties: dict[str, tuple[str, bool]] = {}
    found: dict[str, Place] = {}
    for path, part, taken, _ in walked(net.definition, inside).left:
        if part.record is not None and part.record.make is tie:
            ties |= _tied(path, part)
        own = part.own(taken) if part.children else part.spec(taken)
        if leaves := _sizes(own):
            kind, options = kind_of(part)
            found.setdefault("/".join(path), Place("/".join(path), kind, options, leaves))
    layers = [place._replace(tied=_elsewhere(caller, place, wanted, ties)) for place in found.values()]
    if strange := sorted(wanted.keys() - {place.at(leaf) for place in layers for leaf in place.shapes}):
        raise ParamsError(f"{caller}: no layer has {', '.join(strange)}; convert the network without reparam")
    return Places(tuple(layers), tuple(wanted), ties)


def _sizes(spec: Any) -> dict[str, Sizes]:
    """The shape of every leaf, by its path."""
    leaves: Any = trees.flatten(spec)
    return {"/".join(path): tuple(leaf[1]) for path, leaf in leaves}


def kind_of(part: Definition) -> tuple[str, Mapping[str, Any]]:
    """The constructor of a layer of the library, and its arguments."""
    record = part.record
    if record is None or not record.module.startswith(OURS):
        return "", {}
    return record.name, record.bound().arguments if record.make else {}


def _tied(path: tuple[str, ...], part: Definition) -> Iterator[tuple[str, tuple[str, bool]]]:
    assert part.record is not None
    above = "".join(f"{name}/" for name in path)
    for ours, (root, turned) in sources_of_ties(part.record.args[1]).items():
        yield above + ours, (above + root, turned)


def _elsewhere(
    caller: str, place: Place, wanted: Mapping[str, Sizes], ties: Mapping[str, tuple[str, bool]]
) -> frozenset[str]:
    """The leaves that are not among the params, because they are tied to others."""
    missing = [leaf for leaf in place.shapes if place.at(leaf) not in wanted]
    held = [place.at(leaf) for leaf in missing if not any(f"{place.at(leaf)}/".startswith(f"{t}/") for t in ties)]
    if held:
        said = f"{', '.join(held)} is not among its params, which were frozen, or made of others by reparam"
        raise ParamsError(f"{caller}: {said}; convert the network that it was made of")
    for leaf, sizes in place.shapes.items():
        path = place.at(leaf)
        if path in wanted and wanted[path] != sizes:
            said = f"{path} has shape {wanted[path]}, and {place.kind or 'its layer'} alone {sizes}"
            raise ParamsError(f"{caller}: {said}; convert the members of an ensemble one by one, and stack them")
    return frozenset(missing)
