"""Networks as lists of calls that JSON can hold, by the names of a registry.

A program is a list of calls, parts first, each with the name of the layer it makes: `[[name, args, kwargs], "dense",
false]`, or `[[name], ...]` for a ready-made layer. Arguments are nested values, see `funcnn.checkpoints.values`, with

    {"layer": 3}        what the call of this number made
    {"call": [...]}     what another call makes, an initializer say
    {"name": "zeros"}   a function or a ready-made layer; "own:small" is one of somebody's own
    {"numpy": "sin"}    one of NumPy's functions of arrays

The defaults of the constructors are written beside it: a network stays what it was when a later version of a
constructor has others.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import FunctionType, ModuleType
from typing import Any, TypeGuard

import numpy as np

from funcnn.checkpoints.values import Json, Leaves, encoded
from funcnn.combinators import transposed
from funcnn.errors import brief
from funcnn.files.registry import OWN, names, ours
from funcnn.networks import Layer, is_layer
from funcnn.networks.replaying import Made, calls
from funcnn.recorded_functions import Recorded
from funcnn.records import Record, is_recording


class Writer:
    """Writes networks as programs.

    own        what people's own names stand for
    defaults   of the constructors that were called
    """

    def __init__(self, leaves: Leaves) -> None:
        self.leaves = leaves
        self.own: dict[str, Any] = {}
        self.defaults: dict[str, Json] = {}

    def program(self, net: Layer[Any, Any]) -> list[Json]:
        """The calls that make a network.

        Errors
            TypeError   it was not made by recorded calls, or an argument of one cannot be written, and which
        """
        return [[self._call(record), name, explicit] for record, name, explicit in calls(net, "saved")]

    def _call(self, record: Record) -> Json:
        name = self._named(record.module, record.name, record.make, f"{record.name}")
        if record.make is None:
            return [name]
        parameters = inspect.signature(record.make).parameters
        by_place = [*parameters][: len(record.args)] if not _spread(parameters) else []
        places = [*by_place, *(f"argument {i}" for i in range(len(by_place), len(record.args)))]
        args = [self._value(v, f"{at} of {record.name}") for at, v in zip(places, record.args, strict=True)]
        kwargs = {at: self._value(v, f"{at} of {record.name}") for at, v in record.kwargs.items()}
        if name not in self.defaults:
            self.defaults[name] = {}
            self.defaults[name] = {
                at: self._value(p.default, f"the default of {at} of {record.name}")
                for at, p in parameters.items()
                if p.default is not p.empty
            }
        return [name, args, kwargs]

    def _value(self, value: object, where: str) -> Json:
        return encoded(value, where, self.leaves, classes=False, other=self._part)

    def _part(self, value: object, where: str) -> Json:
        """What stands for a part of a network; None of other values."""
        if isinstance(value, Made):
            return {"layer": value.i}
        if is_layer(value):  # a default
            record = value.definition.record
            if record is None or value.definition.explicit:
                raise TypeError(f"{where} cannot be saved: {brief(value)} is no layer that a constructor made")
            return {"call": self._call(record)}
        if isinstance(value, transposed):
            call: Json = ["transposed", [value.path], {}]
            return {"call": call}
        if _is_recorded(value):
            if value.part:
                raise TypeError(f"{where} cannot be saved: {brief(value)} is a part of something")
            return {"call": self._call(value.record)}
        if isinstance(value, np.ufunc):
            name: str = value.__name__
            if getattr(np, name, None) is not value:
                raise TypeError(f"{where} cannot be saved: {brief(value)} is none of NumPy's own functions")
            return {"numpy": name}
        if callable(value) and not isinstance(value, np.generic):
            f: Any = value
            return {"name": self._named(str(f.__module__), getattr(f, "__name__", ""), f, where)}
        return None

    def _named(self, module: str, name: str, value: Any, where: str) -> str:
        """The name under which a constructor, a ready-made layer or a function is found again.

        Errors
            TypeError   it has none
        """
        known = names().get((module, name))
        if known is not None and (value is None or value is ours()[known].value):
            return known
        fix = "give load_network a function of a module by its name, in layers="
        method = not isinstance(getattr(value, "__self__", None), ModuleType | None)
        if not name.isidentifier() or value is None or method:
            raise TypeError(f"{where} cannot be saved: {brief(value)} has no name of its own; {fix}")
        if isinstance(value, FunctionType) and value.__closure__ and not is_recording(value):
            kept = ", ".join(value.__code__.co_freevars)
            fix = "make it a value that knows by which call it was made, with @recorded of funcnn.recorded_functions"
            raise TypeError(f"{where} cannot be saved: the function {name} keeps values of its own, {kept}; {fix}")
        if self.own.setdefault(name, value) is not value:
            raise TypeError(f"{where} cannot be saved: two parts of your own are called {name}; rename one")
        return OWN + name


def _is_recorded(value: object) -> TypeGuard[Recorded[..., Any]]:
    return isinstance(value, Recorded)


def _spread(parameters: Mapping[str, inspect.Parameter]) -> bool:
    return any(p.kind is p.VAR_POSITIONAL for p in parameters.values())
