"""PyTorch's state dicts: in and out, by layer order or by names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from funcnn.networks import Layer
from funcnn.params import Params, as_params
from funcnn.params.flat import to_flat
from funcnn.types import Shape, Tree
from funcnn.weights.by_name import Library, paired_by_name
from funcnn.weights.flattened import with_orders
from funcnn.weights.naming import checked_names, unit_for
from funcnn.weights.pairing import Pair, Pairs, Unit
from funcnn.weights.parts import Numbers
from funcnn.weights.places import places_of
from funcnn.weights.torch_forms import forms
from funcnn.weights.transfer import given_out, taken_in, told

RECURRENT: Final = re.compile(r"((?:weight|bias)_(?:ih|hh|hr)_l)(\d+(?:_reverse)?)")


def from_state_dict(
    net: Layer[Any, Any],
    shape: Shape,
    state: Mapping[str, Any],
    *,
    names: Mapping[str, str] | None = None,
    flattened: Mapping[str, tuple[int, ...]] | None = None,
) -> Params:
    """The params of a network out of a state dict of PyTorch's: `from_state_dict(net, (-1, 784), model.state_dict())`.

    `shape` is that of an input of ours, as for `net.init`. Tensors are taken as they are, arrays too, and copied; their
    dtype is kept. What PyTorch transposes is turned, channels come last, and behind a `Flatten` the features of a map
    are put into our order.

    Each layer of ours takes, in the order of the network, the first module left that has such arrays: their names, and
    how many axes they have. `names` says otherwise, `{"dense_0": "fc1", "encoder": "enc"}`: a layer of ours and a
    module, or all layers below one path and all modules below another, or a leaf and a tensor; what it leaves out goes
    by order. Every leaf and every tensor is accounted for, or nothing comes back. `num_batches_tracked` is left out.

    Errors
        ParamsError   leaves or tensors are left over, or have other shapes: the message lists every one; `names` has
                      what is not there; the order of the names is lost, as in files; where a flattened map goes
                      cannot be followed, which `flattened={"dense_0": (7, 7, 64)}` then says
        DTypeError    tensors are not of floating-point numbers, of bfloat16, or of several dtypes
        ShapeError    the network does not take this shape
    Source: the documentation of `torch.nn`, which says how each module stores its parameters.

    >>> state = {"fc.weight": [[1.0, 2.0, 3.0]], "fc.bias": [4.0]}
    >>> from_state_dict(Dense(1), (-1, 3), state).at("w").tolist()
    [[1.0], [2.0], [3.0]]
    """
    caller = "from_state_dict"
    places = with_orders(caller, net, shape, places_of(caller, net, shape), flattened)
    arrays, pairs = paired_by_name(caller, TORCH, places, state, names)
    return taken_in(caller, places, pairs, arrays)


def to_state_dict(
    net: Layer[Any, Any],
    shape: Shape,
    params: Tree,
    *,
    names: Mapping[str, str] | None = None,
    like: Mapping[str, Any] | None = None,
    flattened: Mapping[str, tuple[int, ...]] | None = None,
) -> dict[str, Numbers]:
    """The inverse: arrays by PyTorch's names, `model.load_state_dict({k: torch.tensor(a) for k, a in made.items()})`.

    With `like`, a state dict of the module that is meant, the arrays have its names, its order and its shapes, which
    are compared, and `num_batches_tracked` is what it is there. Without it they have our paths, with dots, and `names`
    renames: a layer or a subtree. Layers of `bidirectional` become the two directions of one module; a stack of layers
    becomes one by `names={"lstm_0": "lstm.l0", "lstm_1": "lstm.l1"}`.

    Errors
        as for `from_state_dict`; and ParamsError where leaves that PyTorch has not in `like` are not zeros

    >>> _, params = Dense(1).init(Key(0), (-1, 3))
    >>> {name: a.shape for name, a in to_state_dict(Dense(1), (-1, 3), params, names={"": "fc"}).items()}
    {'fc.weight': (1, 3), 'fc.bias': (1,)}
    """
    caller = "to_state_dict"
    places = with_orders(caller, net, shape, places_of(caller, net, shape), flattened)
    mine = to_flat(as_params(params, f"{caller}(net, shape, params)"))
    if like is None:
        renamed = checked_names(caller, names, places.layers)
        found = [(place, forms(place)[0]) for place in places.layers]
        pairs = Pairs(tuple(Pair(place, unit_for(place, form, renamed), form) for place, form in found), (), ())
        return given_out(caller, places, pairs, mine, {})
    arrays, pairs = paired_by_name(caller, TORCH, places, like, names)
    return given_out(caller, places, pairs, mine, arrays)


def state_dict_names(
    net: Layer[Any, Any], shape: Shape, state: Mapping[str, Any], *, names: Mapping[str, str] | None = None
) -> dict[str, tuple[str, ...]]:
    """Which tensors each leaf is made of by `from_state_dict`, to look at: `{"dense_0/w": ("fc.weight",), ...}`.

    What has no counterpart is left out.

    Errors
        as for `from_state_dict`, but for what is left over, and for shapes

    >>> state = {"fc.weight": [[1.0, 2.0, 3.0]], "fc.bias": [4.0]}
    >>> state_dict_names(Dense(1), (-1, 3), state)
    {'w': ('fc.weight',), 'b': ('fc.bias',)}
    """
    places = places_of("state_dict_names", net, shape)
    return told(paired_by_name("state_dict_names", TORCH, places, state, names)[1])


def units_of(names: Mapping[str, Any]) -> list[Unit]:
    """The modules that these tensors are of. `lstm.weight_ih_l0_reverse` is of `lstm.l0_reverse`."""
    found: dict[str, dict[str, str]] = {}
    attention = {name.rpartition(".")[0] for name in names if name.endswith(("in_proj_weight", "q_proj_weight"))}
    for full in names:
        key, _, name = full.rpartition(".")
        above, _, last = key.rpartition(".")
        if last == "out_proj" and above in attention:
            key, name = above, f"out_proj.{name}"
        elif split := RECURRENT.fullmatch(name):
            key, name = f"{key}.l{split[2]}" if key else f"l{split[2]}", split[1]
        found.setdefault(key, {})[name] = full
    return [Unit(key, its) for key, its in found.items()]


TORCH: Final = Library(units_of, forms, "model.state_dict()")
