"""The BLAS that NumPy multiplies with: how many threads it has, and what else OpenBLAS tells of itself."""

from __future__ import annotations

import functools
import importlib
from typing import Any, Final

_SMALL_IS_FAST: Final = ("SkylakeX", "Cooperlake", "SapphireRapids")


@functools.cache
def number_of_threads() -> tuple[Any, Any]:
    """How OpenBLAS, in the library that NumPy brings, reads and sets that number.

    Of another BLAS by threadpoolctl, where that is installed and knows it; else None.
    """
    get, put = (openblas_function(f"openblas_{verb}_num_threads") for verb in ("get", "set"))
    return (get, put) if get is not None and put is not None else _by_threadpoolctl()


@functools.cache
def architecture() -> str | None:
    """The processor that OpenBLAS has chosen its products for, `Haswell` or `SkylakeX` say; None of another BLAS."""
    import ctypes

    name = openblas_function("openblas_get_corename")
    if name is None:
        return None
    name.restype = ctypes.c_char_p
    return str(name().decode())


def small_is_fast() -> bool:
    """Does OpenBLAS multiply small matrices as they are, and is that faster?"""
    return architecture() in _SMALL_IS_FAST


def openblas_function(name: str) -> Any:
    """A function of the OpenBLAS in the library that NumPy brings, None where there is none."""
    import ctypes

    try:
        core: Any = importlib.import_module("numpy._core._multiarray_umath")
        library = ctypes.CDLL(core.__file__)
    except (ImportError, AttributeError, OSError):
        return None
    for prefix, suffix in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
        found = getattr(library, f"{prefix}{name}{suffix}", None)
        if found is not None:
            return found
    return None


def _by_threadpoolctl() -> tuple[Any, Any]:
    try:
        found: Any = importlib.import_module("threadpoolctl").ThreadpoolController()
    except ImportError:
        return None, None
    libraries = [library for library in found.lib_controllers if library.user_api == "blas"]
    if not libraries:
        return None, None

    def put(count: int) -> None:
        for library in libraries:
            library.set_num_threads(count)

    return lambda: max(library.get_num_threads() for library in libraries), put
