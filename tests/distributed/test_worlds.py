"""The world of this process: one rank, and what is said where MPI is missing."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from funcnn import MissingExtraError
from funcnn.distributed import Alone, on_first, world
from funcnn.distributed.runtimes import files_of_wheels
from tests.distributed.jobs import environment, launcher, missing, needs_mpi
from tests.distributed.threads import ThreadRank, on_ranks


@needs_mpi
def test_alone_it_is_one_rank() -> None:
    """Whose calls give what they get; asked again, it is the same."""
    comm = world()
    assert (comm.rank, comm.size, repr(comm)) == (0, 1, "<rank 0 of 1>")
    vector = np.arange(3.0)
    comm.add(vector)
    assert vector.tolist() == [0, 1, 2] and comm.gather("a") == ["a"] and comm.share("b") == "b"
    assert world() is comm and on_first(comm, divmod, 7, 2) == (3, 1)


@needs_mpi
def test_refusals() -> None:
    """Of what is no communicator, and no number of seconds."""
    theirs: Any = Alone()
    with pytest.raises(TypeError, match="world takes a communicator of mpi4py, MPI.COMM_WORLD, got"):
        world(theirs)
    for patience in (0, -1.0, float("nan"), "long"):
        with pytest.raises(ValueError, match="world: patience must be a number of seconds above 0, got"):
            world(patience=patience)  # type: ignore[arg-type]


def test_without_mpi4py(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command that installs it."""
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(MissingExtraError, match=r"funcnn.distributed needs mpi4py: pip install 'funcnn\[mpi\]'"):
        world()


@needs_mpi
def test_without_a_runtime() -> None:
    """What mpi4py says in a line, and what to do."""
    program = "from funcnn.distributed import world\nworld()"
    variables = {**environment(), "MPI4PY_LIBMPI": "/no/such/library.so"}
    done = subprocess.run([sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=False)
    assert "MissingExtraError: funcnn.distributed needs an MPI runtime, and mpi4py has found none" in done.stderr
    assert "load that of your site, or pip install mpich" in done.stderr


@needs_mpi
def test_the_launcher_is_found() -> None:
    """In the wheel, or on the path."""
    found = files_of_wheels("/bin/mpiexec")
    assert missing() is None and (not found or launcher() == found[0])


# what rank 0 does for all ---------------------------------------------------------------------------------------------
def test_what_the_first_raises_is_raised_by_all() -> None:
    """As it is, with a note on the others; what cannot be sent is told."""

    def failing() -> None:
        raise OSError(28, "No space left on device", "run/step_0000000004.npz")

    def program(comm: ThreadRank) -> str:
        try:
            on_first(comm, failing)
        except OSError as error:
            return f"{error.errno} {error.filename} {getattr(error, '__notes__', [])}"
        return ""

    notes = "['on rank 0, which the other ranks were waiting for']"
    assert on_ranks(2, program) == [f"28 run/step_0000000004.npz {end}" for end in ("[]", notes)]


class Odd(Exception):
    """An error that does not come through a pickle."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


def test_errors_that_cannot_be_sent() -> None:
    """Become one that says what they are; values that cannot be sent are an error on all ranks too."""

    def failing() -> None:
        raise Odd(1, 2)

    def program(comm: ThreadRank, f: Any) -> str:
        try:
            on_first(comm, f)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return ""

    found = on_ranks(2, lambda comm: program(comm, failing))
    assert found == ["Odd: 1 and 2", "RanksError: rank 0 has raised Odd: '1 and 2'"]
    first, second = on_ranks(2, lambda comm: program(comm, lambda: lambda: 0))
    assert first == second and "local object" in first  # Python's words differ by its version
