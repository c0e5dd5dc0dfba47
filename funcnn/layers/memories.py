"""What attention remembers while a network goes on step by step: keys, values, and the mask."""

from __future__ import annotations

import threading
from typing import Any, Final

import numpy as np

from funcnn.types import Array, Mask

_lock: Final = threading.Lock()


class Seen:
    """The keys and values of all steps so far, (batch, heads, steps, size), and which of them are real.

    It is a value: appending gives another one. Both may share memory, for what is appended is written behind the end,
    and only by the first that goes on from there; others copy. The memory doubles where it is full, so that n steps
    cost n, one by one too.
    """

    __slots__ = ("count", "_arrays", "_used")

    def __init__(self, count: int, arrays: tuple[Any, ...], used: list[int]) -> None:
        self.count, self._arrays, self._used = count, arrays, used  # `used` is shared by all that share the arrays

    @staticmethod
    def nothing() -> Seen:
        """Of no steps."""
        return Seen(0, (), [0])

    def appended(self, k: Array, v: Array, mask: Mask | None) -> Seen:
        """With the next steps."""
        new: tuple[Any, ...] = (k, v) if mask is None else (k, v, mask[:, None, :, None])
        end = self.count + k.shape[2]
        with _lock:
            mine = bool(self._arrays) and self._used[0] == self.count and self._arrays[0].shape[2] >= end
            if mine:
                self._used[0] = end
        arrays, used = (self._arrays, self._used) if mine else (self._with_room(new, 2 * end), [end])
        for room, a in zip(arrays, new, strict=True):
            room[:, :, self.count : end] = a
        return Seen(end, arrays, used)

    def _with_room(self, like: tuple[Any, ...], room: int) -> tuple[Any, ...]:
        arrays = tuple([np.empty((*a.shape[:2], room, a.shape[3]), a.dtype) for a in like])
        for new, old in zip(arrays, self._arrays, strict=False):
            new[:, :, : self.count] = old[:, :, : self.count]
        return arrays

    def all(self) -> tuple[Array, Array, Mask | None]:
        """Keys, values, and the mask (batch, steps) where there is one."""
        k, v, *mask = [a[:, :, : self.count] for a in self._arrays]
        return k, v, mask[0][:, 0, :, 0] if mask else None
