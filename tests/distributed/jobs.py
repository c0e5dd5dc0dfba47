"""Jobs of several processes, by the MPI runtime of this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import funcnn
from funcnn.distributed.runtimes import files_of_wheels

ROOT = Path(funcnn.__file__).parent.parent


def launcher() -> str | None:
    """`mpiexec`, of a wheel, beside this interpreter, or of the site."""
    beside = Path(sys.executable).parent / "mpiexec"
    found = [*files_of_wheels("/bin/mpiexec"), *([beside] if beside.exists() else [])]
    return str(found[0]) if found else shutil.which("mpiexec")


def missing() -> str | None:
    """Why there can be no job here; None where there can."""
    if importlib.util.find_spec("mpi4py") is None:
        return "mpi4py is not installed: pip install 'funcnn[mpi]'"
    return None if launcher() else "there is no mpiexec: pip install mpich, or load the MPI runtime of your site"


needs_mpi = pytest.mark.skipif(missing() is not None, reason=str(missing()))


def environment() -> dict[str, str]:
    """For a job: one thread a rank."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def command(size: int, *program: str) -> list[str]:
    """The command of a job."""
    return [str(launcher()), "-n", str(size), sys.executable, *program]


def job(size: int, *program: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
    """A job to its end; one that hangs is an error."""
    run = [*command(size, *program)]
    return subprocess.run(run, env=environment(), capture_output=True, text=True, timeout=seconds, cwd=ROOT)
