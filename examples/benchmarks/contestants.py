"""Who takes part: this library and every peer that is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import small_peers
from jax_peer import jax_entries
from recurrent_peers import read, recurrent_entries
from residual_peers import convolutional, residual_entries
from torch_peers import torch_entries
from transformer_peers import OURS, over_tokens, token_entries
from works import Work

from funcnn import fit, value_and_grad

Step = Callable[[], object]


class Entry(NamedTuple):
    """A contestant: a function that makes the step that is measured."""

    name: str
    make: Callable[[Work], Step]


def entries(alone: bool, work: Work) -> list[Entry]:
    """The contestants for this workload; `alone` leaves the peers out."""
    if make := OURS.get(type(work)):
        ours = [Entry("funcnn", make)]
    else:
        steps = [Entry("funcnn", public_calls), Entry("funcnn fit", in_fit)]
        ours = steps if work.training else [Entry("funcnn", forward)]
    return ours if alone else ours + [Entry(name, make) for name, make in _peers(work)]


def _peers(work: Work) -> Iterator[tuple[str, Callable[[Work], Step]]]:
    if net := read(work):
        yield from recurrent_entries(net, work)
        return
    if over_tokens(work):
        yield from token_entries(work)
        return
    if convolutional(work):
        yield from residual_entries(work)
        return
    for module, found in (
        ("torch", torch_entries),
        ("jax", jax_entries),
        ("sklearn", small_peers.sklearn_entries),
        ("thinc", small_peers.thinc_entries),
        ("autograd", small_peers.autograd_entries),
    ):
        if importlib.util.find_spec(module):
            yield from found(work)


def public_calls(work: Work) -> Step:
    """A step written by hand: the objective, then the optimizer."""
    (x, y), optimizer = work.data(), work.optimizer
    objective = value_and_grad(work.loss, work.net.apply)
    _, params = work.net.init(0, work.shape, dtype=work.dtype)
    state = optimizer.init(params)
    key: Any = {"rng": 0} if work.net.definition.random else {}  # which makes it a training pass

    def step() -> None:
        nonlocal params, state
        _, grads = objective(params, x, y, **key)
        params, state = optimizer.step(grads, state, params)

    return step


def in_fit(work: Work) -> Step:
    """A turn of the loop that `fit` runs, with all its checks for numbers that are not finite."""
    _, params = work.net.init(0, work.shape, dtype=work.dtype)
    x, y = work.data()
    steps: Any = fit(work.loss, work.net.apply, work.optimizer, params, (x, y), epochs=1 << 40, batch_size=len(y))
    return lambda: next(steps)


def forward(work: Work) -> Step:
    """Inference."""
    x, _ = work.data()
    _, params = work.net.init(0, work.shape, dtype=work.dtype)
    return lambda: work.net.apply(params, x)
