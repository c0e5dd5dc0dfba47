"""Jobs of two processes: they equal one, and what goes wrong on one rank ends all of them, soon and with its reason.

Some more of it is in `python -m tests.soak_of_ranks`.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from funcnn import adam, astype, load_checkpoint
from tests.distributed.jobs import environment, job, missing, needs_mpi
from tests.distributed.program import start

PROGRAM = "tests.distributed.program"


def test_ci_has_a_runtime() -> None:
    """Where the extra `test` is installed, nothing here is skipped."""
    assert missing() is None or not os.environ.get("CI"), missing()
    assert environment()["OMP_NUM_THREADS"] == "1"


@needs_mpi
def test_two_ranks_equal_one() -> None:
    """Over a hundred steps with weights, to 1e-12; and the calls of a communicator say the same on both."""
    done = job(2, "-m", PROGRAM, "equal")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("is done") == 2  # the launcher may mix their lines


@needs_mpi
def test_an_error_ends_the_job() -> None:
    """With its rank and its traceback, while the other rank waits."""
    done = job(2, "-m", PROGRAM, "raising")
    assert done.returncode != 0
    assert "rank 1 of 2 on" in done.stderr and "ValueError: something of rank 1" in done.stderr


@needs_mpi
def test_an_early_end_ends_the_job() -> None:
    """Of a rank that has no error: the one that waits says for whom."""
    done = job(2, "-m", PROGRAM, "leaving")
    assert done.returncode != 0
    assert "rank 0 waits to add up, and rank 1 has ended its program" in done.stderr


@needs_mpi
def test_a_killed_rank_ends_the_job(tmp_path: Path) -> None:
    """And the job goes on from the checkpoint, to the bits of one that was never stopped."""
    whole, stopped = str(tmp_path / "whole"), str(tmp_path / "stopped")
    assert job(2, "-m", PROGRAM, "resuming", whole).returncode == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STOP", "31:1")
        assert job(2, "-m", PROGRAM, "resuming", stopped).returncode in (signal.SIGKILL, -signal.SIGKILL, 137, 9)
    like = astype(start(), np.float32)
    found = load_checkpoint(stopped, adam(1e-2), like=like)
    assert found is not None and found.state.step == 28
    assert job(2, "-m", PROGRAM, "resuming", stopped).returncode == 0
    ends = [load_checkpoint(folder, adam(1e-2), like=like) for folder in (whole, stopped)]
    assert ends[0] is not None and ends[1] is not None and ends[0].state == ends[1].state
