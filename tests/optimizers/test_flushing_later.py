"""Adam's step that sets to zero what is nearly denormal waits too."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest

from funcnn import Gradients, Params, adam
from funcnn.kernels import pending, scratch
from funcnn.optimizers.adaptive import AdamState
from funcnn.params.waiting import waits
from tests.optimizers.test_waiting_steps import bytes_of, numbers


def flushed(threads: int) -> list[bytes]:
    """Moments of every size, of which the next step but one flushes what is nearly denormal."""
    draws = np.random.default_rng(5)
    sizes = {name: 10 ** draws.uniform(-38, 0, (2, *a.shape)) for name, a in numbers(0).items()}
    m = {name: (a[0] * draws.choice([-1, 1], a[0].shape)).astype(np.float32) for name, a in sizes.items()}
    v = {name: a[1].astype(np.float32) for name, a in sizes.items()}
    grads = {name: a * (draws.random(a.shape) < 0.3).astype(np.float32) for name, a in numbers(1).items()}
    optimizer = adam(1e-2)
    params, state = Params(numbers(0)), AdamState(129, Params(m), Params(v))
    with mock.patch.object(pending, "THREADS", threads), np.errstate(all="ignore"):
        for _ in range(2):
            params, state = optimizer.step(Gradients(grads), state, params)
        assert waits(params) is (threads == 1)
        assert (state.m.at("w") == 0).any()
        return bytes_of(params, state)


@pytest.mark.skipif(not scratch.COUNTED, reason="no step waits")
def test_what_is_nearly_denormal_is_flushed_later_too() -> None:
    """Where the first moment is, and in the second where both are: the bits of a step that is made at once."""
    assert flushed(1) == flushed(2)
