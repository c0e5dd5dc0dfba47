"""The soak command, for a few seconds."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork, nor timers")
def test_a_disturbed_training_is_the_same() -> None:
    """On two threads, under interrupts, in children."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak", "4"], capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "FUNCNN_THREADS": "2"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("{'trained': ")
