"""Losses, objectives and loops: what they would raise for this network, these params and this data."""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from funcnn.cotangents import cotangent_like
from funcnn.errors import FuncnnError
from funcnn.losses.definition import Loss
from funcnn.mypy_plugin.building import KEPT
from funcnn.mypy_plugin.flow.data import Back, Complaint, Data, Made, Step, Trained, applied, shape_of
from funcnn.mypy_plugin.flow.values import Given, Row, is_network, listed
from funcnn.mypy_plugin.recipes import ANY, Call, Items, Missing, Place, Value, form
from funcnn.mypy_plugin.runs import Runner
from funcnn.networks import Layer
from funcnn.shapes import external, normalize
from funcnn.types import Shape, is_tuple

LARGEST: Final = 1_000_000  # numbers that a loss is tried on
SWAPPED: Final = 4  # targets that are tried in another order


def looped(runner: Runner, step: Step, start: Given, data: Given, call: Place) -> Complaint | None:
    """What a loop over `(x, target)` or `(x, target, weights)` would raise, which hands out keys itself."""
    items = data.value.items if isinstance(data.value, Row) and not data.value.mutable else ANY
    if not listed(items) or len(items) < 2:
        return None
    args = start, *(Given(v, data.place) for v in items[:2])
    return stepped(runner, step, args, {"rng": start}, call)


def begun(runner: Runner, step: Step, start: Given | None, data: Given, call: Place) -> Complaint | None:
    """What `train` would raise, which draws the params for the data itself if it is given none to start from."""
    items = data.value.items if isinstance(data.value, Row) and not data.value.mutable else ANY
    if not is_network(step.network) or not listed(items) or len(items) < 2:
        return None
    if isinstance(x := items[0], Data):
        found = runner.verdict(step.network, Items(tuple(map(Value, x.shape))), params=True)
        if found.error is not None:
            anything = Items((Missing("int"),) * len(x.shape))
            rank = found.met is not None and external(found.met) == x.shape
            if rank and runner.fails(step.network, anything):
                return Complaint(found.error, x.place)
            return Complaint(found.error, found.place or call, found.path)
    return looped(runner, step, Given(ANY, call) if start is None else start, data, call)


def stepped(
    runner: Runner, step: Step, args: tuple[Given, ...], kwargs: Mapping[str, Given], call: Place
) -> Complaint | None:
    """What `objective(params, x, target)` would raise."""
    network, right = step.network, _form(step, args, kwargs)
    net = runner.built(network)
    if net is None or len(args) < 3 or (right is not None and right in runner.right):
        return None
    if net.definition.random and "rng" not in kwargs:
        return Complaint(
            "the network takes a key in training: give rng=key.fold(step), or rng=None where inference is meant", call
        )
    _, problem = applied(runner, network, args[0].value, args[1].value, call)
    if problem is not None or shape_of(args[1].value) is None:
        return problem
    problem = fitted(runner, step.loss, net, network, args[1].value, args[2].value, args[2].place)
    if problem is None and isinstance(step.loss, Made) and "weights" in kwargs:
        problem = weighed(step.loss, net, args[1].value, args[2].value, kwargs["weights"])
    if problem is None and right is not None:
        if len(runner.right) >= KEPT:
            runner.right.clear()
        runner.right[right] = step.loss  # its identity is part of the form, and stays
    return problem


def _form(step: Step, args: tuple[Given, ...], kwargs: Mapping[str, Given]) -> Hashable | None:
    """What an objective is asked, without where it stands; None where something else may decide."""
    match [step.network, step.loss, *(g.value for g in args)]:
        case Call() as network, Made(loss), Trained() as params, Data() as x, Data() as target:
            given = form(params.network), repr(params.shape)
            return network.form, id(loss), given, x.shape, target.shape, target.dtype, "rng" in kwargs
        case _:
            return None


def fitted(
    runner: Runner, loss: Any, net: Layer[Any, Any], network: Any, x: Any, target: Any, place: Place
) -> Complaint | None:
    """What a loss would raise for what the network gives and this target."""
    try:
        out = external(net.init.out_shape(normalize(shape_of(x))))
    except FuncnnError:
        return None
    prediction, wanted = _zeros(out, np.dtype(np.float32)), _targets(target)
    if not isinstance(loss, Made) or prediction is None or wanted is None:
        return None
    if isinstance(prediction, tuple) is not bool(getattr(loss.loss, "parts", ())):  # a mistake of types, mypy's business
        return None
    error = _raised(loss.loss, prediction, wanted)
    if error is None:
        return None
    if isinstance(target, Data) and any(_raised(loss.loss, prediction, t) is None for t in _meant(wanted)):
        return Complaint(error, target.place)
    if not is_tuple(wanted) and _of_other_rows(prediction.shape, wanted.shape):
        return Complaint(error, place)
    if is_tuple(wanted):
        parts = itertools.permutations(wanted) if len(wanted) <= SWAPPED else ()
        if any(_raised(loss.loss, prediction, other) is None for other in parts):
            return Complaint(error, place)
    return Complaint(error, network.place, network.path) if isinstance(network, Call) else None


def weighed(loss: Made, net: Layer[Any, Any], x: Any, target: Any, weights: Given) -> Complaint | None:
    """What a loss would raise for weights, where it takes the target."""
    out = _zeros(net.out_shape(shape_of(x)), np.dtype(np.float32))
    wanted, given = _targets(target), _targets(weights.value)
    if given is None or out is None or wanted is None or isinstance(given, tuple):
        return None
    error = _raised(loss.loss, out, wanted, given + 1)
    return None if error is None else Complaint(error, weights.place)


def _of_other_rows(out: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Do they differ before the last axis of the prediction? The network is not to blame then: it never changes these."""
    return out[:1] != target[:1] or (len(target) >= len(out) - 1 > 0 and out[:-1] != target[: len(out) - 1])


def measured(runner: Runner, metric: Made, network: Any, data: Sequence[Any], call: Place) -> Complaint | None:
    """What a metric would raise for what the network gives for data `(x, target)`."""
    net, x = runner.built(network), data[0]
    if net is None or shape_of(x) is None:
        return None
    return fitted(runner, metric, net, network, x, data[1], call)


def pulled(back: Back, dy: Any, call: Place) -> Complaint | None:
    """What a pullback would raise for this cotangent."""
    value, given = _targets(back.value), _targets(dy)
    if value is None or given is None:
        return None
    try:
        cotangent_like(value, given)
    except FuncnnError as error:
        return Complaint(str(error), call)
    return None


def _meant(target: Any) -> Iterator[Any]:
    """What a target may have been meant to be: with any of these, the network is not to blame."""
    yield target[..., None]
    if target.ndim > 1 and target.shape[-1] == 1:
        yield target[..., 0]
    if target.dtype.kind == "f":
        yield target.astype(int)


def bound(loss: Loss[Any, Any], options: Mapping[str, Any]) -> Any:
    """`loss.bind(**options)`."""
    if not all(isinstance(v, Value) for v in options.values()):
        return ANY
    try:
        return Made(loss.bind(**{k: v.value for k, v in options.items()}))
    except (TypeError, ValueError):
        return ANY


def unknown_options(loss: object, names: Iterable[str], call: Place) -> Complaint | None:
    """What a loss says of options that it does not have."""
    made: Any = loss
    if isinstance(loss, Loss) and (unknown := {*names} - {*made.names, "reduce", "weights"}):
        try:
            made.bind(**dict.fromkeys(unknown, 0))
        except TypeError as error:
            return Complaint(str(error), call, code="value")
    return None


def refused(loss: Made, prediction: Any, target: Any, call: Place) -> Complaint | None:
    """What `loss(prediction, target)` would raise."""
    y, wanted = _targets(prediction), _targets(target)
    error = None if y is None or wanted is None else _raised(loss.loss, y, wanted)
    return None if error is None else Complaint(error, call)


def _raised(loss: Any, prediction: Any, target: Any, weights: Any = None) -> str | None:
    """What it raises whatever numbers the target has: labels, distributions, probabilities, signs."""
    first: str | None = None
    for add, even in ((0, False), (0, True), (1, False), (-1, False)):
        try:
            loss(prediction, _filled(target, add, even), weights=weights)
        except FuncnnError as error:
            first = str(error) if first is None else first
        except Exception:
            return None
        else:
            return None
    return first


def _filled(zeros: Any, add: int, even: bool) -> Any:
    """Other numbers; rows that are an even distribution, if they can be one."""
    if isinstance(zeros, (tuple, list)):
        return tuple(_filled(z, add, even) for z in zeros)  # pyright: ignore[reportUnknownVariableType]
    if even and zeros.ndim and zeros.shape[-1] and zeros.dtype.kind == "f":
        return zeros + zeros.dtype.type(1 / zeros.shape[-1])
    return zeros + zeros.dtype.type(add) if zeros.dtype.kind == "f" else zeros


def _zeros(shape: Shape, dtype: np.dtype[Any]) -> Any:
    if any(isinstance(n, tuple) for n in shape):
        parts = tuple(_zeros(s, dtype) if isinstance(s, tuple) else None for s in shape)
        return None if any(p is None for p in parts) else parts
    sizes = [int(n) for n in shape if not isinstance(n, tuple)]
    known = all(n >= 0 for n in sizes) and math.prod(sizes) <= LARGEST
    return np.zeros(sizes, dtype) if known else None


def _targets(target: Any) -> Any:
    if isinstance(target, Data):
        return _zeros(target.shape, target.dtype)
    if isinstance(target, Row) and listed(target.items):
        parts = tuple(_targets(t) for t in target.items)
        return None if any(p is None for p in parts) else parts
    return None
