"""stax's nested tuples: in and out, in the order of the layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from funcnn.errors import ParamsError, brief
from funcnn.networks import Layer
from funcnn.networks.definitions import Definition
from funcnn.networks.rebuilding import Path, below
from funcnn.params import Params, as_params
from funcnn.params.flat import to_flat
from funcnn.types import Shape, Tree, is_tuple
from funcnn.weights.in_row import is_sequence, named, numbered, paired_in_row
from funcnn.weights.parts import Numbers
from funcnn.weights.places import places_of
from funcnn.weights.reading import taken
from funcnn.weights.stax_forms import forms
from funcnn.weights.transfer import given_out, taken_in


def from_stax(net: Layer[Any, Any], shape: Shape, params: Any) -> Params:
    """The params of a network out of stax's: `from_stax(net, (-1, 784), opt_params)`.

    Its nested tuples and lists are read from the front: each layer of ours, in the order of the network, takes as many
    arrays as it has. Layouts are stax's, but for the biases of convolutions, which have the channels alone here, and
    for the windows of `ConvTranspose`, which are turned round; layers of `funcnn.stax` have its own. `funcnn.BatchNorm`
    has statistics too, which stax has not: they are 0 and 1, until `calibrate`.

    Errors
        ParamsError   leaves or arrays are left over, or have other shapes: the message lists every one
        DTypeError    arrays are not of floating-point numbers, of bfloat16, or of several dtypes
        ShapeError    the network does not take this shape
    Source: `jax.example_libraries.stax`.

    >>> theirs = [(np.ones((2, 3)), np.zeros(3)), (), (np.ones((3, 1)), np.ones(1))]
    >>> from_stax(serial(Dense(3), Relu, Dense(1)), (-1, 2), theirs).paths()
    ('dense_0/b', 'dense_0/w', 'dense_1/b', 'dense_1/w')
    """
    places = places_of("from_stax", net, shape)
    arrays = named(_arrays("from_stax", params))
    return taken_in("from_stax", places, paired_in_row(places, arrays, forms), arrays)


def to_stax(net: Layer[Any, Any], shape: Shape, params: Tree, *, like: Any = None) -> tuple[Any, ...]:
    """The inverse: a tuple for each combinator, `(W, b)` for a layer with params, `()` for one without.

    With `like`, params that stax has drawn, shapes are compared, and tuples and lists nest as there. Statistics of
    `BatchNorm` are left out, for stax has none.

    Errors
        as for `from_stax`

    >>> net = serial(Dense(3), Relu)
    >>> _, params = net.init(Key(0), (-1, 2))
    >>> (w, b), nothing = to_stax(net, (-1, 2), params)
    >>> w.shape, b.shape, nothing
    ((2, 3), (3,), ())
    """
    places = places_of("to_stax", net, shape)
    mine = to_flat(as_params(params, "to_stax(net, shape, params)"))
    if like is not None:
        arrays = named(_arrays("to_stax", like))
        found = given_out("to_stax", places, paired_in_row(places, arrays, forms), mine, arrays)
        return cast("tuple[Any, ...]", _nested(like, iter(found.values())))
    pairs = numbered(places, forms)
    found = given_out("to_stax", places, pairs, mine, {})
    by_path = {pair.place.path: tuple([found[name] for name in pair.unit.names.values()]) for pair in pairs.found}
    made = _mirrored(net.definition, (), by_path)
    return made


def _arrays(caller: str, params: Any, at: str = "params") -> list[Numbers]:
    if is_sequence(params):
        return [a for i, part in enumerate(params) for a in _arrays(caller, part, f"{at}[{i}]")]
    if not hasattr(params, "shape"):
        raise ParamsError(f"{caller} takes nested tuples of arrays, {at} is {brief(params)}")
    return [taken(at, params)]


def _nested(like: Any, arrays: Iterator[Numbers]) -> Any:
    if not is_sequence(like):
        return next(arrays)
    parts = [_nested(part, arrays) for part in like]
    return tuple(parts) if is_tuple(like) else parts


def _mirrored(part: Definition, path: Path, arrays: dict[str, tuple[Numbers, ...]]) -> tuple[Any, ...]:
    """The arrays of a layer; of one made of others, a tuple for each of these."""
    if not part.children:
        return arrays.get("/".join(path), ())
    inside = [_mirrored(child, below(part, path, name), arrays) for name, child in part.children.items()]
    return inside[0] if part.transparent else tuple(inside)
