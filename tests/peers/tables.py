"""Thirty steps of a large table by few rows, beside PyTorch's optimizers on sparse gradients.

`python -m tests.peers.tables` runs PyTorch and keeps the rows that moved, in float64, in `recorded/tables.npz`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from funcnn import Array, Tokens
from tests.peers.case import HERE, numbers

WORDS, UNITS, STEPS = 70_000, 4, 30
FILE: Final = HERE / "recorded" / "tables.npz"
TABLE: Final = np.sin(np.arange(WORDS * UNITS, dtype=np.float64)).reshape(WORDS, UNITS)
USED: Final = np.arange(3, WORDS, 5000)

PEERS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "sgd(0.5)": lambda o, p: o.SGD(p, lr=0.5),
    "adagrad(0.1, momentum=0.0)": lambda o, p: o.Adagrad(p, lr=0.1, eps=0.0),
    "sparse_adam(0.01, eps=1e-30)": lambda o, p: o.SparseAdam(p, lr=0.01, eps=1e-30),
    "sparse_adam(0.05, 0.5, 0.9, 1e-30)": lambda o, p: o.SparseAdam(p, lr=0.05, betas=(0.5, 0.9), eps=1e-30),
}
"""PyTorch adds its epsilon before the correction for the start, where ours is outside of it."""


def batch(i: int) -> tuple[Tokens, Array]:
    """Tokens of a step, some of them twice, others not for many steps; and where their vectors should be."""
    return USED[(np.arange(6) * (i + 1)) % (2 + i % 13)].reshape(2, 3), 2 * numbers(2, 3, UNITS, seed=i)


def moved(make: Callable[[Any, Any], Any]) -> Array:
    """Where the used rows end."""
    torch: Any = importlib.import_module("torch")
    table = torch.nn.Embedding(WORDS, UNITS, sparse=True, _weight=torch.tensor(TABLE))
    optimizer = make(torch.optim, list(table.parameters()))
    for i in range(STEPS):
        tokens, target = map(torch.tensor, batch(i))
        optimizer.zero_grad()
        ((table(tokens) - target) ** 2).mean().backward()
        assert table.weight.grad.is_sparse
        optimizer.step()
    end: Array = table.weight.detach().numpy()
    kept = np.ones(WORDS, bool)
    kept[USED] = False
    assert np.array_equal(end[kept], TABLE[kept])
    return end[USED]


if __name__ == "__main__":
    np.savez_compressed(FILE, allow_pickle=False, **{source: moved(make) for source, make in PEERS.items()})
