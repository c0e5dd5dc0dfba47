"""States of training that are saved and loaded, and when two are the same."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from funcnn import Gradients, Key, Optimizer, Params, TrainState, Updates, load_state, save_state
from tests.training.small_runs import PLAIN, params_of

PARAMS = params_of(PLAIN)


def same(a: Any, b: Any) -> bool:
    """Equal to the last bit, in types too."""
    return type(a) is type(b) and pickle.dumps(listed(a)) == pickle.dumps(listed(b))


def listed(value: Any) -> Any:
    """A value as what pickles in one way."""
    if isinstance(value, Params | Gradients | Updates):
        return [(p, value.at(p).dtype.str, value.at(p).shape, value.at(p).tobytes()) for p in value.paths()]
    if isinstance(value, (np.ndarray, np.generic)):
        return [type(value).__name__, value.dtype.str, value.shape, value.tobytes()]
    if isinstance(value, (tuple, list)):
        return [type(value).__name__, *map(listed, value)]
    if isinstance(value, dict):
        return [[name, listed(v)] for name, v in value.items()]
    return [type(value).__name__, value.hex() if isinstance(value, float) else repr(value)]


def stored(folder: Path, state: Any, optimizer: Any, like: Any = PARAMS, **options: Any) -> Any:
    """The state, saved and loaded."""
    save_state(folder / "state.npz", state, **options)
    return load_state(folder / "state.npz", optimizer, like=like)


def keeping(first: Any) -> Optimizer[Any]:
    """An optimizer of somebody else's, whose state begins with this."""
    return Optimizer(lambda params: first, lambda grads, state, params: (Updates(grads), state))


class Own(NamedTuple):
    """The state of an optimizer of one's own."""

    step: int
    best: float
    trail: list[Any]
    names: dict[str, Any]
    memory: Any = None


@dataclasses.dataclass(frozen=True)
class Data:
    """And another one."""

    count: int
    mean: Any


STATE: Any = TrainState(0, PARAMS, (), Key(0))
