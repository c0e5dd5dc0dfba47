"""NumPy's generators out of sixteen bytes, and nothing else."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt


def generator_of(state: bytes) -> np.random.Generator:
    """A fresh generator, the same one for the same bytes."""
    _register()
    seed: Any = _Seed(state)  # NumPy's stubs know SeedSequence only
    return np.random.Generator(np.random.Philox(seed))


class _Seed:
    """Hands a bit generator the key's own bytes; `Philox(key=...)` would draw entropy from the system first."""

    def __init__(self, state: bytes) -> None:
        self._state = state

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> npt.NDArray[Any]:
        words = np.frombuffer(self._state, np.dtype(dtype).newbyteorder("<")).astype(dtype)
        if len(words) < n_words:
            raise ValueError(f"a key has {len(words)} words of this size, {n_words} are wanted")
        return words[:n_words]


@functools.cache
def _register() -> None:
    """Tell NumPy that this is a seed sequence: at the first draw, for `numpy.random` is a third of its import."""
    from numpy.random.bit_generator import ISeedSequence

    ISeedSequence.register(_Seed)
