"""Programs that make a case again: its source, after the imports that the source needs."""

from __future__ import annotations

import functools
import importlib
import inspect
import keyword
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from funcnn.losses.definition import Loss
from funcnn.networks import is_layer
from funcnn.optimizers.definition import Optimizer
from funcnn.recorded_functions import is_recorded
from funcnn.records import Record, as_argument
from funcnn.testing import nested
from funcnn.testing.judging.causes import outside
from funcnn.types import is_array

_PUBLIC = ("funcnn", "funcnn.testing")


class Named(NamedTuple):
    """A name that a source needs, and the module it is defined in."""

    module: str
    name: str


_NP = Named("numpy", "np")  # NumPy's scalars print as np.float64(0.5)


def program(source: str, *values: object) -> str:
    """A source that shows these values, after the imports it needs: it runs as it stands.

    What no import can bring, for it was made inside a function, stands there as a name to be filled in.

    >>> print(program("serial(Dense(3), Relu)", serial(Dense(3), Relu)))
    from funcnn import Dense, Relu, serial
    serial(Dense(3), Relu)
    """
    imported: dict[str, set[str]] = {}
    missing: dict[str, str] = {}
    needed: set[Named] = set()
    for value in values:
        lost = _lost(value)
        known = _somewhere(value) if lost else None
        if lost and known is None:
            missing[_stand_in(value)] = lost
        else:
            needed |= {known} if known else set(_names(value))
    for module, name in needed - {_NP}:
        imported.setdefault(_home(module, name), set()).add(name)
    lines = ["import numpy as np"] if _NP in needed else []
    lines += [f"from {home} import {', '.join(sorted(names))}" for home, names in sorted(imported.items())]
    lines += [f"{name} = ...  # to be made first: no module has {what} by a name" for name, what in missing.items()]
    return "\n".join([*lines, source])


def _lost(value: Any) -> str:
    """What no import can bring of a value; "" where all can be brought, and its source is one."""
    written = f"an object of {type(value).__name__}"
    try:
        lost = [name for module, name in _names(value) if (module, name) != _NP and not _home(module, name)]
        if lost:
            return min(lost)
        written = "" if isinstance(value, Named) else _written(value)
        compile(written, "", "exec")
    except Exception:  # whatever a repr of somebody's raises: it is no source
        return written
    return ""


def _somewhere(value: object) -> Named | None:
    """The name under which some module outside of libraries knows a value."""
    modules = [(name, there) for name, there in list(sys.modules.items()) if _of_users(there)]
    found = [Named(module, name) for module, there in modules for name, other in list(vars(there).items())
             if other is value and name.isidentifier()]  # fmt: skip
    return min(found, key=lambda named: (named.name.startswith("_"), named), default=None)


def _of_users(module: object) -> bool:
    file: object = getattr(module, "__file__", None)
    return isinstance(file, str) and outside(file)


def _stand_in(value: Any) -> str:
    """A name for what is to be made first: "layer", "loss", or the function's own."""
    name = getattr(value, "__name__", type(value).__name__)
    name = "layer" if is_layer(value) else str(name)
    found = re.sub(r"\W+", "_", name.rpartition(".")[2]).strip("_").lower()
    return found if found.isidentifier() and not keyword.iskeyword(found) else "function"


def _names(value: Any) -> Iterator[Named]:
    """The names in what a value prints as."""
    if isinstance(value, Named):
        yield value
    elif isinstance(value, Record):
        yield Named(value.module, value.name)
        yield from _names((value.args, value.kwargs))
    elif is_layer(value):
        yield from _names(value.init.record or _ready_made(value) or Named("", repr(value)))
    elif isinstance(value, Loss):
        yield from _names((value.record, value.bound))
    elif _is_optimizer(value):
        yield from _names(value.init if is_recorded(value.init) else _ready_made(value) or Named("", repr(value)))
    elif is_recorded(value):
        yield from _names(value.record)
    elif nested.is_mapping(value):
        for item in value.values():
            yield from _names(item)
    elif _is_sequence(value):
        for item in value:
            yield from _names(item)
    elif is_array(value) and value.size > np.get_printoptions()["threshold"]:
        yield Named("", f"an array of {value.size} numbers")  # prints with dots
    elif is_array(value):
        yield Named("numpy", "array")
        if "dtype=" in repr(value):
            yield Named("numpy", value.dtype.name)
    elif isinstance(value, np.generic):
        yield _NP
    elif isinstance(value, functools.partial):
        yield Named("functools", "partial")
        yield from _names((value.func, value.args, value.keywords))
    elif isinstance(value, float) and not math.isfinite(value):
        yield Named("math", repr(value).lstrip("-"))
    elif callable(value) and hasattr(value, "__name__"):
        module = getattr(value, "__module__", None) or ""  # ufuncs of SciPy have none
        yield Named(module, getattr(value, "__qualname__", value.__name__))
    elif type(value).__module__ != "builtins":
        yield Named(type(value).__module__, type(value).__qualname__)


def _is_sequence(value: object) -> TypeGuard[tuple[Any, ...] | list[Any]]:
    return type(value) in (tuple, list)


def _home(module: str, name: str) -> str:
    """The module to import a name from: where users find it, if it is public; "" where it cannot be imported."""
    if module == "builtins":
        return ""
    there = sys.modules.get(module)
    if there is None or not hasattr(there, name):
        return ""
    for public in _PUBLIC:
        if getattr(importlib.import_module(public), name, None) is getattr(there, name):
            return public
    if module == "__main__":
        return Path(getattr(there, "__file__", None) or "__main__").stem
    return module


def global_name(value: object, module: str) -> Named | None:
    """The name by which a module knows a value, or None where it is not among its globals."""
    known = vars(sys.modules[module]) if module in sys.modules else {}
    return next((Named(module, name) for name, other in known.items() if other is value), None)


def _ready_made(value: Any) -> Named | None:
    """The name of a layer or an optimizer that no recorded call made, in the module that its functions are from."""
    made_of = (value.definition.meets, value.definition.rule) if is_layer(value) else (value.init, value.update)
    found = (global_name(value, module) for f in made_of for module in _modules(f))
    return next((name for name in found if name), None)


def _modules(f: Any) -> Iterator[str]:
    """The module that a function is from, and those of the functions that it has closed over."""
    yield getattr(f, "__module__", "")
    for cell in getattr(f, "__closure__", None) or ():
        if inspect.isfunction(cell.cell_contents):
            yield cell.cell_contents.__module__


def shown(value: Any) -> str:
    """How a value is written in a program: functions, and layers that no recorded call made, by their names.

    What no import can bring is known by the name it has among the globals of its module, or by one to be filled in.
    """
    if not _lost(value):
        return _written(value)
    known = _somewhere(value)
    return known.name if known else _stand_in(value)


def _written(value: Any) -> str:
    if (is_layer(value) and value.init.record is None) or (_is_optimizer(value) and not is_recorded(value.init)):
        found = _ready_made(value)
        return found.name if found else repr(value)
    return as_argument(value)


def _is_optimizer(value: object) -> TypeGuard[Optimizer[Any]]:
    return isinstance(value, Optimizer)
