"""Keras's weights: in and out, as lists or by path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, overload

from funcnn.errors import ParamsError, brief
from funcnn.networks import Layer
from funcnn.params import Params, as_params
from funcnn.params.flat import to_flat
from funcnn.types import Shape, Tree, is_mapping
from funcnn.weights.by_name import Library, paired_by_name
from funcnn.weights.in_row import is_sequence, named, numbered, paired_in_row
from funcnn.weights.keras_forms import forms
from funcnn.weights.pairing import Pairs, Unit
from funcnn.weights.parts import Numbers
from funcnn.weights.places import Places, places_of
from funcnn.weights.reading import taken
from funcnn.weights.transfer import given_out, taken_in

CELLS: Final = ("lstm_cell", "gru_cell", "simple_rnn_cell")
MAPS: Final = ("query", "key", "value", "attention_output")


def from_keras(
    net: Layer[Any, Any],
    shape: Shape,
    weights: Sequence[Any] | Mapping[str, Any],
    *,
    names: Mapping[str, str] | None = None,
) -> Params:
    """The params of a network out of Keras's weights: `from_keras(net, (-1, 784), model.get_weights())`.

    A list is read from the front: each layer of ours, in the order of the network, takes as many arrays as it has. By
    path, `{w.path: w for w in model.weights}`, layers go by order as in `from_state_dict`, or by `names`. Layouts are
    Keras's but for these: kernels of transposed convolutions, and depthwise ones; GRU, whose gates stand in another
    order, and which must be of `reset_after=True`; LSTM and SimpleRNN have one bias where we have two, of which the
    second becomes 0; attention has an axis of heads.

    Errors
        ParamsError   leaves or arrays are left over, or have other shapes: the message lists every one
        DTypeError    arrays are not of floating-point numbers, of bfloat16, or of several dtypes
        ShapeError    the network does not take this shape
    Source: the documentation of Keras 3.

    >>> from_keras(Dense(1), (-1, 2), [np.array([[1.0], [2.0]]), np.array([3.0])]).at("w").tolist()
    [[1.0], [2.0]]
    """
    places = places_of("from_keras", net, shape)
    arrays, pairs = _paired("from_keras", places, weights, names)
    return taken_in("from_keras", places, pairs, arrays)


@overload
def to_keras(
    net: Layer[Any, Any], shape: Shape, params: Tree, *, names: None = None, like: Sequence[Any] | None = None
) -> list[Numbers]: ...
@overload
def to_keras(
    net: Layer[Any, Any],
    shape: Shape,
    params: Tree,
    *,
    names: Mapping[str, str] | None = None,
    like: Mapping[str, Any],
) -> dict[str, Numbers]: ...
def to_keras(
    net: Layer[Any, Any],
    shape: Shape,
    params: Tree,
    *,
    names: Mapping[str, str] | None = None,
    like: Sequence[Any] | Mapping[str, Any] | None = None,
) -> list[Numbers] | dict[str, Numbers]:
    """The inverse: `model.set_weights(to_keras(net, shape, params))`.

    With `like`, `model.get_weights()` or a mapping by path, shapes are compared, and what comes back is of that form:
    a depthwise convolution wants it. The two biases of LSTM and RNN are added up.

    Errors
        as for `from_keras`

    >>> _, params = Dense(1).init(Key(0), (-1, 3))
    >>> [a.shape for a in to_keras(Dense(1), (-1, 3), params)]
    [(3, 1), (1,)]
    """
    places = places_of("to_keras", net, shape)
    mine = to_flat(as_params(params, "to_keras(net, shape, params)"))
    if like is None:
        return [*given_out("to_keras", places, numbered(places, forms), mine, {}).values()]
    arrays, pairs = _paired("to_keras", places, like, names)
    found = given_out("to_keras", places, pairs, mine, arrays)
    return found if is_mapping(like) else [*found.values()]


def _paired(
    caller: str, places: Places, weights: Any, names: Mapping[str, str] | None
) -> tuple[dict[str, Numbers], Pairs]:
    if is_mapping(weights):
        return paired_by_name(caller, KERAS, places, weights, names)
    if not is_sequence(weights):
        raise ParamsError(f"{caller} takes model.get_weights(), or {KERAS.get}; got {brief(weights)}")
    if names is not None:
        raise ParamsError(f"{caller}: a list has no names; give {KERAS.get}")
    arrays = named([taken(f"array {i}", a) for i, a in enumerate(weights)])
    return arrays, paired_in_row(places, arrays, forms)


def units_of(names: Mapping[str, Any]) -> list[Unit]:
    """The layers that these arrays are of; a cell's are its layer's, and a separable convolution is two."""
    separable = {name.removesuffix("/pointwise_kernel") for name in names if name.endswith("/pointwise_kernel")}
    found: dict[str, dict[str, str]] = {}
    for full in names:
        key, _, name = full.rpartition("/")
        above, _, last = key.rpartition("/")
        if last in CELLS:
            key = above
        elif last in MAPS and f"{above}/query/kernel" in names:
            key, name = above, f"{last}/{name}"
        elif key in separable:
            key = f"{key}/{'depthwise' if name == 'depthwise_kernel' else 'pointwise'}"
        found.setdefault(key, {})["kernel" if name in ("depthwise_kernel", "pointwise_kernel") else name] = full
    return [Unit(key, its) for key, its in found.items()]


KERAS: Final = Library(units_of, forms, "{w.path: w for w in model.weights}")
