"""Our steps of large tables against the recorded ends of PyTorch's sparse ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from funcnn import Embedding, fit, squared_error
from tests.catalogue import NAMESPACE
from tests.peers.tables import FILE, PEERS, STEPS, TABLE, UNITS, USED, WORDS, batch


@pytest.mark.parametrize("source", PEERS)
def test_thirty_steps_end_where_the_peers_do(source: str) -> None:
    """In float64; rows that no token named are as they were."""
    optimizer: Any = eval(source, dict(NAMESPACE))
    data = [batch(i) for i in range(STEPS)]
    *_, (state, _) = fit(squared_error, Embedding(WORDS, UNITS).apply, optimizer, {"w": TABLE}, data)
    found = state.params.at("w")
    with np.load(FILE) as file:
        np.testing.assert_allclose(found[USED], file[source], rtol=1e-11, atol=1e-13)
    assert (abs(found - TABLE).max(1) > 1e-3).nonzero()[0].tolist() == USED.tolist()
