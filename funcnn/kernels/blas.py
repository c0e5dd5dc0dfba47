"""The BLAS that NumPy multiplies with: how many threads it has, and what else OpenBLAS tells of itself."""

from __future__ import annotations

import functools
import importlib
from typing import Any, Final

_SMALL: Final = 1_000_000  # multiplications; OpenBLAS copies neither matrix for fewer, with kernels for AVX-512
_SMALL_IS_FAST: Final = ("SkylakeX", "Cooperlake", "SapphireRapids")
_FEWEST: Final = 48  # rows of a small product


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


def small_products(rows: int, each: int) -> int:
    """Into how many products one is best divided, of equal numbers of rows that take so many multiplications each.

    25,088 x 16 by 16 x 64 take 0.79 ms with kernels for AVX-512, by 896 rows 0.57; the transpose of the former by
    25,088 x 64 takes 1.15, so 0.63. Kernels for AVX2 are slower so, by a tenth.
    """
    count = -(-rows * each // _SMALL)
    if count < 2 or rows < count * _FEWEST or not small_is_fast():
        return 1
    while rows % count:
        count += 1
    return count if rows >= count * _FEWEST else 1


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
