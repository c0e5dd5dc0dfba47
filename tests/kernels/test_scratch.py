"""Memory is used again only when nobody can tell."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import numpy as np
import pytest

from funcnn.kernels import scratch
from funcnn.kernels.scratch import SHORT, vector

FLOAT32 = np.dtype(np.float32)
counted = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()


def address(a: np.ndarray[tuple[int], np.dtype[np.float32]]) -> int:
    """Where the elements are."""
    return int(a.__array_interface__["data"][0])


@pytest.mark.parametrize("n", [0, 1, SHORT - 1, SHORT, SHORT + 1])
def test_a_vector_is_as_asked_for(n: int) -> None:
    """Of this length and dtype, contiguous and writable."""
    v = vector(n, FLOAT32)
    assert (v.shape, v.dtype, v.flags.writeable, v.flags.c_contiguous) == ((n,), FLOAT32, True, True)


def test_memory_comes_back() -> None:
    """A sealed vector that nobody refers to any more is handed out again, writable."""
    first = vector(SHORT + 11, FLOAT32)
    first.setflags(write=False)
    where = address(first)
    del first
    again = vector(SHORT + 11, FLOAT32)
    assert (address(again) == where, again.flags.writeable) == (counted, True)


def test_a_vector_in_use_is_left_alone() -> None:
    """However many are asked for, those that are held, or of which a view is held, keep what they hold."""
    held = []
    for i in range(40):
        v = vector(SHORT + 12, FLOAT32)
        v[:] = i
        held.append(v if i % 2 else v[5:9].reshape(2, 2))
    assert [set(v.ravel().tolist()) for v in held] == [{float(i)} for i in range(40)]


def test_a_memoryview_counts() -> None:
    """Whoever took the buffer holds the vector."""
    v = vector(SHORT + 13, FLOAT32)
    v[:] = 1.0
    buffer = memoryview(cast(Any, v))
    del v
    vector(SHORT + 13, FLOAT32)[:] = 2.0
    assert buffer[0] == 1.0


def test_threads_do_not_share() -> None:
    """Vectors filled by several threads at once keep what their thread wrote."""
    start = threading.Barrier(4)

    def work(i: int) -> bool:
        start.wait()
        good = True
        for _ in range(20):
            v = vector(SHORT + 14, FLOAT32)
            v[:] = i
            good &= bool((v == i).all())
        return good

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [True] * 4


def test_many_lengths_are_not_all_kept() -> None:
    """Old lengths make room for new ones."""
    assert [len(vector(SHORT + i, FLOAT32)) for i in range(100, 130)] == [SHORT + i for i in range(100, 130)]


OBSERVED = """
import sys
def look(frame, event, arg):
    len(frame.f_locals)  # what a debugger does; before Python 3.13 a dict stays behind, which refers to all of them
    return look
sys.settrace(look)
import funcnn
from funcnn.kernels.scratch import SHORT, vector
sys.settrace(None)
import numpy as np
held = []
for i in range(40):
    held.append(vector(SHORT + 12, np.dtype('f4')))
    held[-1][:] = i
assert [set(v.tolist()) for v in held] == [{float(i)} for i in range(40)], 'overwritten'
one = vector(SHORT + 13, np.dtype('f4'))
where = one.__array_interface__['data'][0]
del one
print(vector(SHORT + 13, np.dtype('f4')).__array_interface__['data'][0] == where)
"""


def test_an_import_that_is_observed_counts_as_any_other() -> None:
    """By a debugger that reads the locals of frames: what somebody holds is left alone, and the rest comes back."""
    done = subprocess.run([sys.executable, "-c", OBSERVED], capture_output=True, text=True, check=False, timeout=120)
    assert (done.stdout.strip(), done.stderr) == (str(counted), "")


def test_kernels_that_are_observed_are_right() -> None:
    """A debugger that reads the locals of every frame while they run changes no result."""
    held: list[Any] = []

    def look(frame: Any, event: str, arg: object) -> Any:
        held.append(dict(frame.f_locals))
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        vectors = [vector(SHORT + 15, FLOAT32) for _ in range(10)]
        for i, v in enumerate(vectors):
            v[:] = i
    finally:
        sys.settrace(before)
    assert [set(v.tolist()) for v in vectors] == [{float(i)} for i in range(10)]


def test_a_count_of_one_holder_is_known() -> None:
    """The interpreter counts as the library thinks it does, for this version of it."""
    one = np.empty(0)
    assert sys.getrefcount(one) == scratch._ALONE or not counted
