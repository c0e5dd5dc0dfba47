"""Our optimizers against the recorded ends of optax's, JAX's and PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

from tests.peers.optimizers import FILE, PEERS, TREES, ours


@pytest.mark.parametrize("name", TREES)
@pytest.mark.parametrize("source", PEERS)
def test_fifty_steps_end_where_the_peers_do(source: str, name: str) -> None:
    """In float64. optax takes the decay of Adafactor in float32, whatever the params are."""
    found = ours(source, TREES[name])
    rtol = 1e-6 if "adafactor" in source else 1e-10
    with np.load(FILE) as file:
        for leaf, p in found.items():
            np.testing.assert_allclose(p, file[f"{source}|{name}|{leaf}"], rtol=rtol, atol=1e-13)
            assert abs(p - TREES[name][leaf]).max() > 1e-3 or "frozen" in source
