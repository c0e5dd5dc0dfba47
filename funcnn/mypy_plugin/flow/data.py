"""Arrays of known shape and params: what a network is given, once it has met its shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from funcnn.errors import FuncnnError
from funcnn.inputs import convert
from funcnn.mypy_plugin.flow.values import PARTS, Given, Name, Row, listed
from funcnn.mypy_plugin.recipes import ANY, Node, Place, Value, form
from funcnn.mypy_plugin.runs import Runner, leaf_sizes
from funcnn.networks import Layer
from funcnn.shapes import display, external, normalize


@dataclass(frozen=True, eq=False)
class Data:
    """An array of known shape; `network` is the one that gave it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    place: Place
    network: Any = None


@dataclass(frozen=True, eq=False)
class Trained:
    """The params of a network that met this shape here."""

    network: Node
    shape: Any
    place: Place


@dataclass(frozen=True, eq=False)
class Made:
    """A loss of the library, or a metric."""

    loss: Any


@dataclass(frozen=True, eq=False)
class Stream:
    """What gives the like of this, a new one each time, and nobody knows how often."""

    item: Callable[[], Any]


@dataclass(frozen=True, eq=False)
class Back:
    """The pullback that `vjp` gives beside this value, and where: mypy asks there, for a pullback is any function."""

    value: Any
    place: Place
    path: str


@dataclass(frozen=True, eq=False)
class Steps:
    """`decoder(net)`."""

    network: Any


@dataclass(frozen=True, eq=False)
class Step:
    """`value_and_grad(loss, net.apply)`."""

    loss: Any
    network: Any


class Complaint(NamedTuple):
    """What a call would raise, and who is to blame for it."""

    text: str
    place: Place
    path: str = ""
    code: str = "shape"


# arrays ---------------------------------------------------------------------------------------------------------------
def array_of(full: str, args: tuple[Given, ...], kwargs: Mapping[str, Given], place: Place) -> Data | None:
    """The array that a function of NumPy makes; None where its shape is not known."""
    name = full.rpartition(".")[2]
    values = [g.value for g in args]
    named = {k: g.value for k, g in kwargs.items()}
    if name in ("zeros", "ones", "empty", "full"):
        shape = _sizes(values[0] if values else named.get("shape"))
        position = 2 if name == "full" else 1
        dtype = _dtype(values[position] if len(values) > position else named.get("dtype"), np.float64)
    elif name in ("array", "asarray") and values:
        found = _literal(values[0])
        shape = None if found is None else found.shape
        dtype = _dtype(values[1] if len(values) > 1 else named.get("dtype"), found.dtype if found is not None else None)
    elif name in ("standard_normal", "random", "normal", "uniform", "integers") and ".Generator." in full:
        position = 0 if name in ("standard_normal", "random") else 2
        shape = _sizes(values[position] if len(values) > position else named.get("size"))
        dtype = _dtype(named.get("dtype"), np.int64 if name == "integers" else np.float64)
    else:
        return None
    return None if shape is None or dtype is None else Data(shape, dtype, place)


def _sizes(value: Any) -> tuple[int, ...] | None:
    items = value.items if isinstance(value, Row) else (value,)
    if not listed(items) or not all(isinstance(i, Value) and type(i.value) is int and i.value >= 0 for i in items):
        return None
    return tuple(i.value for i in items)


def dtype_of(value: Any) -> np.dtype[Any] | None:
    """The dtype that an expression names, `np.float32` or `"int64"`."""
    named = value.full.rpartition(".")[2] if isinstance(value, Name) else None
    text = value.value if isinstance(value, Value) else named
    try:
        return np.dtype(str(text).removesuffix("_")) if text else None
    except TypeError:
        return None


def _dtype(value: Any, default: Any) -> np.dtype[Any] | None:
    if value is None:
        return None if default is None else np.dtype(default)
    return dtype_of(value)


def _literal(value: Any) -> np.ndarray[Any, Any] | None:
    left = iter(range(PARTS))

    def plain(v: Any) -> Any:
        if next(left, None) is None:
            raise ValueError
        if isinstance(v, Row) and listed(v.items):
            return [plain(i) for i in v.items]
        if isinstance(v, Value) and isinstance(v.value, (int, float)):
            return v.value
        raise ValueError

    try:
        found = np.array(plain(value))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(value, Row) else None


# what a network is given ----------------------------------------------------------------------------------------------
def shape_of(x: Any) -> Any:
    """The shape of an array, or the tuple of shapes of a tuple of arrays; None where it is not known."""
    if isinstance(x, Data):
        return x.shape
    if not isinstance(x, Row) or x.mutable or not listed(x.items):
        return None
    shapes = tuple(map(shape_of, x.items))
    return None if None in shapes or not shapes else shapes


def applied(
    runner: Runner, network: Any, params: Any, x: Any, call: Place, *, kinds: bool = True
) -> tuple[Any, Complaint | None]:
    """What comes of `net.apply(params, x)`: the output, or what it would raise."""
    net = runner.built(network)
    if net is None:
        return None, None
    given, taken = params if isinstance(params, Trained) else None, shape_of(x)
    another = given is not None and form(given.network) != form(network)
    if another and given is not None and (problem := _of_another(runner, net, given, call)) is not None:
        return None, problem
    if taken is None:
        return None, None
    if kinds and (problem := _of_another_kind(net, x, call)) is not None:
        return None, problem
    try:
        out, wanted = net.definition.planned(normalize(taken))
    except FuncnnError as error:
        return None, Complaint(str(error), call)
    if given is not None:
        had = runner.spec(given.network, given.shape)
        if had is not None and (other := _differs(had, leaf_sizes(wanted))) is not None:
            met = display(normalize(given.shape))
            text = f"takes params for arrays of shape {taken}, got those of init on {met}: {other}"
            place = given.place if isinstance(x, Data) and x.network is not None else call
            return None, Complaint(text, place)
    return _given(external(out), call, network), None


def _given(shape: Any, call: Place, network: Any) -> Any:
    """The array, or the tuple of arrays, that a network gives; None where its shape is not known."""
    if any(isinstance(n, tuple) for n in shape):
        parts = tuple(_given(s, call, network) if isinstance(s, tuple) else None for s in shape)
        return None if None in parts else Row(parts)
    known = all(isinstance(n, int) and n >= 0 for n in shape)
    return Data(tuple(map(int, shape)), np.dtype(np.float32), call, network) if known else None


def _of_another_kind(net: Layer[Any, Any], taken: Any, call: Place) -> Complaint | None:
    """Floating-point numbers where tokens are taken, or a mask."""

    def empty(part: Any) -> Any:
        return np.zeros(0, part.dtype) if isinstance(part, Data) else tuple(map(empty, part.items))

    kind = net.definition.takes("any")
    kind = kind if isinstance(kind, str) or isinstance(taken, Row) else "any"  # that a tuple is wanted, its shape says
    try:
        convert(empty(taken), kind, np.dtype(np.float32))
    except FuncnnError as error:
        return Complaint(str(error), call)
    return None


def leaf(runner: Runner, params: Trained, given: list[Any], call: Place) -> tuple[Any, Complaint | None]:
    """What `params.at(path)` gives, or the mistake in it; in `params.set(path, array)` too."""
    sizes, path = runner.spec(params.network, params.shape), given[0]
    if sizes is None or not isinstance(path, Value) or not isinstance(path.value, str):
        return ANY, None
    if path.value not in sizes:
        below = [name for name in sizes if name.startswith(f"{path.value}/")]
        fix = f"it is a subtree, use .sub({path.value!r})" if below else f"the paths are {', '.join(sorted(sizes)[:8])}"
        return ANY, Complaint(f"there is no {path.value!r}; {fix}", call)
    own, other = tuple(sizes[path.value]), shape_of(given[1]) if len(given) > 1 else None
    if other is not None and other != own:
        return ANY, Complaint(f"{path.value!r} has shape {own}, got {other}", call)
    return Data(own, np.dtype(np.float32), call), None


def _of_another(runner: Runner, net: Layer[Any, Any], given: Trained, call: Place) -> Complaint | None:
    """Params of another network than this one."""
    mine, its = runner.spec_of(net, given.shape), runner.spec(given.network, given.shape)
    if mine is None or its is None:
        return None
    other = _differs(its, mine)
    return None if other is None else Complaint(f"these are params of another network: {other}", call)


def _differs(had: Mapping[str, Any], wanted: Mapping[str, Any]) -> str | None:
    for path in [*wanted, *had]:
        a, b = had.get(path), wanted.get(path)
        if a is None:
            return f"there is no {path!r}"
        if b is None:
            return f"it has no {path!r}"
        if tuple(a) != tuple(b):
            return f"{path!r} has shape {tuple(a)} instead of {tuple(b)}"
    return None
