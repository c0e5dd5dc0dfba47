"""Feature maps that are flattened: PyTorch has channels first in them, and we have them last.

A layer behind `Flatten` has its features in another order then, and so has one in front of `Reshape`. Which leaves that
concerns is found by following the layers of a network; where that cannot be followed, it is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, Final, NamedTuple

from funcnn.errors import ParamsError, brief
from funcnn.networks import Layer
from funcnn.shapes import known, normalize
from funcnn.types import Shape, is_mapping, is_tuple
from funcnn.weights.parts import Sizes
from funcnn.weights.places import Place, Places, kind_of
from funcnn.weights.rows import Step, row

CHANNELS_FIRST: Final = {
    "Conv1D", "Conv", "Conv3D", "Conv1DTranspose", "ConvTranspose", "Conv3DTranspose", "MaxPool", "AvgPool", "SumPool",
    "Upsample", "Pad", "SpatialDropout", "GroupNorm", "InstanceNorm",
}  # fmt: skip
CHANNELS_LAST: Final = {
    "Dense", "RNN", "GRU", "LSTM", "MultiHeadAttention", "Embedding", "PositionalEmbedding", "SinusoidalEncoding",
    "RotaryEmbedding",
}  # fmt: skip
BY_FEATURE: Final = {"BatchNorm", "LayerNorm", "RMSNorm", "PRelu"}
TANGLED: Final[Sizes] = (0,)  # a flattened map of which nobody knows where its features are


class State(NamedTuple):
    """What is known of an array on its way.

    first     has PyTorch channels first where it is a map? None: nothing says so
    pending   the shape of the map that its features are, in the other order
    """

    first: bool | None = None
    pending: Sizes | None = None


@dataclass
class Found:
    """Which axes of which layers are of flattened maps."""

    caller: str
    said: Mapping[str, Sizes]
    rows: dict[str, Sizes] = field(default_factory=dict[str, Sizes])
    columns: dict[str, Sizes] = field(default_factory=dict[str, Sizes])


def with_orders(
    caller: str, net: Layer[Any, Any], shape: Shape, places: Places, flattened: Mapping[str, Sizes] | None
) -> Places:
    """The places, each with its axes of flattened maps.

    Errors
        ParamsError   it cannot be followed where the features of a map go; or `flattened` is not of these places
    """
    found = Found(caller, _checked(caller, flattened, places))
    _follow(found, row(net.definition, (), normalize(shape)), State())
    found.rows.update((path, sizes) for path, sizes in found.said.items() if sizes)
    return places._replace(layers=tuple(_ordered(place, found) for place in places.layers))


def _ordered(place: Place, found: Found) -> Place:
    order: dict[str, tuple[tuple[int, Sizes], ...]] = {}
    behind, before = found.rows.get(place.path), found.columns.get(place.path)
    if behind and place.kind == "Dense":
        order["w"] = ((0, behind),)
    if before and place.kind == "Dense":
        order |= {"w": (*order.get("w", ()), (1, before)), "b": ((0, before),)}
    if place.kind in BY_FEATURE and (sizes := behind or before):
        order |= {leaf: ((0, sizes),) for leaf in place.shapes}
    return place._replace(order=order)


# following ------------------------------------------------------------------------------------------------------------
def _follow(found: Found, steps: Sequence[Step], state: State) -> State:
    """What is known behind layers in a row."""
    for i, step in enumerate(steps):
        state = _behind(found, steps, i, step, state)
    return state


def _behind(found: Found, steps: Sequence[Step], i: int, step: Step, state: State) -> State:
    kind, first, pending = kind_of(step.part)[0], state.first, state.pending
    if step.inside is not None:
        return _through(found, step, state)
    if _nested(step.taken) or _nested(step.out):
        kept = kind == "FanOut" and not _nested(step.taken)
        return State(first, pending if kept or pending is None else TANGLED)
    rank, out_rank = len(step.taken), len(step.out)
    if step.path in found.said:
        pending = None
    if kind == "Transpose" and rank > 2 and first:
        order = step.part.record.args[0] if step.part.record else ()
        return State(False, pending if order == (0, rank - 1, *range(1, rank - 1)) else TANGLED)
    if kind in ("Flatten", "Reshape"):
        return _reshaped(found, steps, i, step, state)
    if pending is not None:
        if kind == "Dense" and rank == 2 and pending != TANGLED:
            found.rows[step.path] = pending
            return State()
        if kind in BY_FEATURE and rank == 2 and pending != TANGLED:
            found.rows[step.path] = pending
            return state
        if step.wanted:
            raise _lost(found, step)
        return state if _same(step.taken, step.out) else State(first, TANGLED)
    if kind in CHANNELS_FIRST or (kind == "BatchNorm" and rank > 3):
        first = True
    elif kind in CHANNELS_LAST and out_rank > 2:
        first = False
    return State(first if out_rank > 2 else None)


def _through(found: Found, step: Step, state: State) -> State:
    """Behind layers that are not in a row: what goes through all of them alike."""
    kind = kind_of(step.part)[0]
    pending = state.pending if state.pending is None or kind == "parallel" else TANGLED
    ends = [_follow(found, inner, State(state.first, pending)) for inner in step.inside or ()]
    firsts = {end.first for end in ends if end.first is not None}
    plain = all(end.pending is None for end in ends) and (state.pending is None or kind == "parallel")
    return State(firsts.pop() if len(firsts) == 1 else state.first, None if plain else TANGLED)


def _reshaped(found: Found, steps: Sequence[Step], i: int, step: Step, state: State) -> State:
    first, pending = state
    rank, out_rank = len(step.taken), len(step.out)
    sizes: Any = (step.taken if rank > 2 else step.out)[1:]
    unknown = not known(*sizes)
    plain = not unknown and (prod(sizes[:-1]) == 1 or sizes[-1] == 1)  # one pixel, or one channel
    if rank > 2 and out_rank > 2:
        return State(first, pending if plain or not first or _same(step.taken[-1:], step.out[-1:]) else TANGLED)
    if rank > 2:
        of_map = first or (first is None and rank > 3)
        return State(None, pending or ((TANGLED if unknown else sizes) if of_map and not plain else None))
    if out_rank <= 2:
        return state
    first = _meets_map(steps[i + 1 :])
    if first and not unknown and pending == sizes:
        return State(True)
    if pending is not None:
        return State(first, TANGLED)
    if first and not plain:
        _before(found, steps[:i], sizes)
    return State(first)


def _before(found: Found, steps: Sequence[Step], sizes: Sizes) -> None:
    """The layer whose outputs become a map, and what stands between."""
    for step in reversed(steps):
        kind = kind_of(step.part)[0]
        if kind == "Dense":
            found.columns[step.path] = sizes
            return
        if kind in BY_FEATURE:
            found.columns[step.path] = sizes
        elif step.wanted or step.inside is not None or not _same(step.taken, step.out):
            raise ParamsError(
                f"{found.caller}: {step.path} makes the features of a map of shape {sizes}, which PyTorch has with "
                f"channels first, and it cannot be followed there; end it with Dense, or reorder its arrays by hand"
            )


def _meets_map(steps: Sequence[Step]) -> bool | None:
    """Does what comes next take maps?"""
    for step in steps:
        kind = kind_of(step.part)[0]
        if kind in CHANNELS_FIRST or (kind == "BatchNorm" and len(step.taken) > 3):
            return True
        if kind in CHANNELS_LAST:
            return False
        for inner in step.inside or ():
            if (said := _meets_map(inner)) is not None:
                return said
    return None


def _lost(found: Found, step: Step) -> ParamsError:
    of_map = f"say of which map, flattened={{{step.path!r}: (height, width, channels)}}, or () of none"
    by_hand = f"reorder its arrays by hand, and say that they are of none, flattened={{{step.path!r}: ()}}"
    fix = of_map if (kind := kind_of(step.part)[0]) == "Dense" or kind in BY_FEATURE else by_hand
    return ParamsError(
        f"{found.caller}: {step.path} takes the features of a flattened map, which PyTorch has with channels first, by "
        f"a way that cannot be followed; {fix}"
    )


def _same(a: Shape, b: Shape) -> bool:
    """Are they the same shape, as far as one can know?"""
    return len(a) == len(b) and all(m is n or (_known(m, n) and m == n) for m, n in zip(a, b, strict=True))


def _known(*sizes: Any) -> bool:
    """Are these sizes of axes, all known?"""
    return not any(isinstance(n, tuple) for n in sizes) and known(*sizes)


def _nested(shape: Shape) -> bool:
    return any(isinstance(n, tuple) for n in shape)


def _checked(caller: str, flattened: Any, places: Places) -> dict[str, Sizes]:
    """What people say of maps.

    Errors
        ParamsError   it is no mapping of layers to shapes of as many entries as they have features
    """
    if flattened is None:
        return {}
    if not is_mapping(flattened):
        said = "flattened is a mapping of layers to shapes of maps, {'dense_0': (7, 7, 64)}"
        raise ParamsError(f"{caller}: {said}, got {brief(flattened)}")
    found: dict[str, Sizes] = {}
    whole = {place.path: place for place in places.layers}
    by_path = {path: place for path, place in whole.items() if place.kind == "Dense" or place.kind in BY_FEATURE}
    for path, given in flattened.items():
        sizes: Any = given
        may = whole if sizes == () else by_path  # of none may be what others take
        if path not in may:
            shown = ", ".join(map(repr, may)) or "none"
            raise ParamsError(f"{caller}: flattened has {brief(path)}; the layers that may stand there are {shown}")
        if sizes == ():
            found[path] = ()
            continue
        n = next(iter(by_path[path].shapes.values()))[0]
        if not is_tuple(sizes) or not all(type(size) is int for size in sizes):
            raise ParamsError(f"{caller}: flattened[{path!r}] is a tuple of sizes, (7, 7, 64), got {brief(sizes)}")
        if min(sizes) < 1 or prod(sizes) != n:
            raise ParamsError(f"{caller}: {path} has {n} features, which no map of shape {brief(sizes)} has")
        found[path] = sizes
    return found
