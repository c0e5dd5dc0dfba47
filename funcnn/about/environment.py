"""What funcnn runs on: versions, BLAS, threads, settings, and the optional packages."""

from __future__ import annotations

import platform
import re
from importlib import metadata
from typing import Any, Final, NamedTuple

import numpy as np

from funcnn.kernels import settings
from funcnn.kernels.blas import architecture
from funcnn.version import __version__

_REQUIREMENT: Final = re.compile(r"([\w.-]+)[^;]*;.*extra == ['\"]([\w-]+)['\"]")


class Extra(NamedTuple):
    """An optional part of funcnn, and the packages it needs: their versions, or None where one is not installed."""

    name: str
    packages: dict[str, str | None]

    @property
    def installed(self) -> bool:
        """Are all of its packages there?"""
        return None not in self.packages.values()

    def __str__(self) -> str:
        if self.installed:
            return ", ".join(f"{package} {version}" for package, version in self.packages.items())
        missing = ", ".join(package for package, version in self.packages.items() if version is None)
        return f"without {missing}: pip install 'funcnn[{self.name}]'"


def extras() -> tuple[Extra, ...]:
    """The extras that funcnn was installed with names for, in the order of the alphabet; none where pip knows it not.

    >>> from funcnn.about.environment import extras
    >>> {extra.name for extra in extras()} >= {"testing"}
    True
    """
    try:
        required = metadata.requires("funcnn") or []
    except metadata.PackageNotFoundError:
        return ()
    found: dict[str, dict[str, str | None]] = {}
    for requirement in required:
        if match := _REQUIREMENT.fullmatch(requirement):
            package, extra = match.groups()
            if package == "funcnn":  # an extra made of others
                continue
            found.setdefault(extra, {})[package] = _version(package)
    return tuple(Extra(name, found[name]) for name in sorted(found))


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def blas() -> str:
    """The library that multiplies matrices for NumPy, as NumPy was built with it."""
    built: Any = np.show_config(mode="dicts")
    found = built.get("Build Dependencies", {}).get("blas", {})
    return f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()


def advice() -> str | None:
    """What to set so that products are faster: OpenBLAS may take a new processor for one without AVX-512.

    >>> from funcnn.about.environment import advice
    >>> said = advice()
    >>> said is None or "OPENBLAS_CORETYPE" in said
    True
    """
    chosen = architecture()
    wide = any("AVX512" in name or name == "X86_V4" for name in _simd())
    if chosen is None or not wide or chosen not in ("Haswell", "Zen"):
        return None
    return (
        f"OpenBLAS multiplies as for {chosen}, without the AVX-512 that this processor has; "
        "OPENBLAS_CORETYPE=SkylakeX in the environment may double its speed"
    )


def _simd() -> list[str]:
    """The instructions that NumPy found here, the widest last."""
    built: Any = np.show_config(mode="dicts")
    return list(built.get("SIMD Extensions", {}).get("found", []))


def processor() -> str:
    """The kind of processor, and the widest instructions that NumPy uses on it."""
    used = _simd()
    return f"{platform.machine()}{f', {used[-1]}' if used else ''}"


def facts() -> dict[str, str]:
    """What a report of a fault should tell, by name.

    >>> from funcnn.about.environment import facts
    >>> list(facts())
    ['funcnn', 'Python', 'system', 'processor', 'NumPy', 'BLAS', 'threads', 'scratch', 'Winograd']
    """
    threads = f"{settings.THREADS}, by {'FUNCNN_THREADS' if settings.LIMITED else 'the cores of this process'}"
    return {
        "funcnn": __version__,
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor(),
        "NumPy": np.__version__,
        "BLAS": f"{blas()}{f', for {core}' if (core := architecture()) else ''}",
        "threads": threads,
        "scratch": f"{settings.SCRATCH >> 20} MB at most (FUNCNN_SCRATCH)",
        "Winograd": f"{'on' if settings.WINOGRAD else 'off'} (FUNCNN_WINOGRAD)",
    }
