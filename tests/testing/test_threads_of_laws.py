"""The threads that laws are tried in are started once, and anew in a process that is forked."""

from __future__ import annotations

import os
import time
import warnings

import pytest

from funcnn import Dense
from funcnn.testing import shapes
from funcnn.testing.trials.of_layers import trials

CASES = 20
PATIENCE = 60.0  # seconds, after which a child hangs


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_child_has_threads_of_its_own() -> None:
    """It has none of its parent's, which it would wait for."""
    threads = trials(Dense(2), shapes("B", 3))["threads"]
    threads.run(CASES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a process with threads is forked, as joblib does
        child = os.fork()
    if not child:
        try:
            threads.run(CASES)
        except BaseException:  # noqa: BLE001
            os._exit(1)
        os._exit(0)
    end = time.monotonic() + PATIENCE
    while (found := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > end:
            os.kill(child, 9)
            os.waitpid(child, 0)
            pytest.fail("the child hangs")
        time.sleep(0.01)
    assert found[1] == 0
