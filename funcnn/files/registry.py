"""The names under which parts of networks are written to files, and what they stand for."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, Final, NamedTuple

import funcnn.blocks
import funcnn.combinators
import funcnn.derivatives
import funcnn.initializers
import funcnn.layers
import funcnn.networks
import funcnn.stax
from funcnn.combinators import transposed
from funcnn.networks import is_layer
from funcnn.records import is_recording

OWN: Final = "own:"
"""What stands before the names of people's own parts, so that none of them is taken for ours."""

_PACKAGES: Final = (
    (funcnn.networks, ""), (funcnn.layers, ""), (funcnn.combinators, ""), (funcnn.blocks, ""), (funcnn.derivatives, ""),
    (funcnn.initializers, ""), (funcnn.stax, "stax."),
)  # fmt: skip
_DRAWING: Final = (funcnn.initializers, funcnn.stax)


class Part(NamedTuple):
    """A value of this name, and whether it may be called: only constructors may, which say what they were called with,
    for other functions do what they like with their arguments.
    """

    value: Any
    call: bool


@functools.cache
def ours() -> Mapping[str, Part]:
    """The library's own constructors, ready-made layers and initializers by name."""
    found = {"transposed": Part(transposed, True)}
    for package, prefix in _PACKAGES:
        for module in _modules(package):
            for name, value in _parts(module, package):
                found[prefix + name] = Part(value, is_recording(value))
    return found


@functools.cache
def names() -> Mapping[tuple[str, str], str]:
    """The names of ours by the module and the name of their record."""
    return {(_module_of(part.value), name.rpartition(".")[2]): name for name, part in ours().items()}


def _module_of(value: Any) -> str:
    record = value.definition.record if is_layer(value) else None
    return record.module if record else str(value.__module__)


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    """The files of a package. Nothing that a file of somebody's names is ever imported: this is a list of our own."""
    for found in pkgutil.iter_modules(package.__path__):
        yield importlib.import_module(f"{package.__name__}.{found.name}")


def _parts(module: ModuleType, package: ModuleType) -> Iterator[tuple[str, Any]]:
    """What is defined in a file: its constructors and ready-made layers, and the plain functions that are public."""
    for name, value in vars(module).items():
        if name.startswith("_"):
            continue
        if is_layer(value):
            record = value.definition.record
            if record is not None and (record.module, record.name) == (module.__name__, name):
                yield name, value
        elif (getattr(value, "__module__", None), getattr(value, "__name__", None)) == (module.__name__, name):
            if is_recording(value) or (package in _DRAWING and getattr(package, name, None) is value):
                yield name, value
