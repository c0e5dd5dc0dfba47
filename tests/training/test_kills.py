"""The soak of kills, for a few seconds."""

from __future__ import annotations

import subprocess
import sys


def test_training_that_is_killed_is_the_same() -> None:
    """By `train` and by `fit`, killed at random and started again."""
    command = [sys.executable, "-m", "tests.soak_of_kills", "4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("{'runs': ")
