"""Networks of the lists of calls that `funcnn.files.writing` tells of: by a registry, and nothing else.

What stands in a file may be anybody's. It is looked up in the registry, and among the parts that were handed over; no
name is imported or evaluated.
"""

from __future__ import annotations

import inspect
import io
import json
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeGuard

import numpy as np

from funcnn.checkpoints.decoding import ANYTHING, Decoder
from funcnn.checkpoints.values import Json, Leaves
from funcnn.combinators import repeat, transposed
from funcnn.errors import brief
from funcnn.files.registry import OWN, Part, ours
from funcnn.networks import Layer, is_layer
from funcnn.params import Params
from funcnn.records import is_recording, same_value
from funcnn.version import __version__

_WIDEST: Final = 1 << 63
REPEATED: Final = 100_000
"""How many layers `repeat` makes of a file: a few bytes could ask for any number."""


class Reader:
    """Makes networks of programs, with the registry and people's own parts."""

    def __init__(self, contents: Sequence[memoryview], own: Mapping[str, Any], defaults: Json, by: str) -> None:
        if not _is_dict(defaults):
            raise ValueError("it has no table of defaults")
        kinds: dict[str, Callable[[Json, str, int], Any]] = {
            "layer": self._layer, "call": self._call, "name": self._name, "numpy": _numpy,
        }  # fmt: skip
        self.decoder = Decoder(contents, kinds)
        self.parts = {**ours(), **{OWN + name: Part(value, is_recording(value)) for name, value in own.items()}}
        self.stored = defaults
        self.defaults: dict[str, dict[str, Any]] = {}
        self.made: list[Layer[Any, Any]] = []
        self.repeated = 0
        self.by = by

    def whole(self, manifest: Mapping[str, Json]) -> tuple[Layer[Any, Any], Params]:
        """The network of a manifest and its params.

        Errors
            ValueError   there are none
        """
        net = self.network(manifest.get("program"))
        params = self.decoder.value(manifest.get("params"), ANYTHING, "params")
        self.decoder.finish()
        if not isinstance(params, Params):
            raise ValueError("it has no params")
        return net, params

    def network(self, program: Json) -> Layer[Any, Any]:
        """What the last of the calls makes.

        Errors
            ValueError   it is no program, or a call of it fails, and which
        """
        if not _is_list(program) or not program:
            raise ValueError("it has no program that makes a network")
        self._refuse_missing(program)
        for i, entry in enumerate(program):
            if not _is_list(entry) or len(entry) != 3:
                raise ValueError(f"call {i} of its program is none")
            call, name, explicit = entry
            if type(name) is not str or not name or "/" in name or type(explicit) is not bool:
                raise ValueError(f"call {i} of its program gives a layer no name")
            layer = self._call(call, f"call {i}", 0)
            if not is_layer(layer):
                raise ValueError(f"call {i} of its program, {brief(call)}, makes no layer")
            self.made.append(layer.renamed(name, explicit))
        return self.made[-1]

    def _refuse_missing(self, program: Json) -> None:
        """Refuse a program with names of somebody's own that were not handed over, all of them at once."""
        wanted: dict[str, None] = {}
        left: list[Json] = [program, self.stored]
        while left:
            node = left.pop()
            if _is_list(node):
                left += node
            elif _is_dict(node):
                left += node.values()
            elif isinstance(node, str) and node.startswith(OWN) and node[len(OWN) :].isidentifier():
                wanted[node] = None
        if missing := sorted(name[len(OWN) :] for name in wanted if name not in self.parts):
            given = ", ".join(f"{name!r}: {name}" for name in missing)
            raise ValueError(f"it has parts that are not funcnn's, give them: load_network(path, layers={{{given}}})")

    def _known(self, name: Json, where: str) -> Part:
        if type(name) is not str or name not in self.parts:
            told = self.by if self.by != __version__ else ""
            version = f"; it was written by funcnn {told}, this is {__version__}" if told else ""
            raise ValueError(f"{where} has a part {brief(name)}, and there is none of this name{version}")
        return self.parts[name]

    def _name(self, name: Json, where: str, level: int) -> Any:
        return self._known(name, where).value

    def _layer(self, number: Json, where: str, level: int) -> Any:
        if type(number) is not int or not 0 <= number < len(self.made):
            raise ValueError(f"{where} is a layer that is not made yet")
        return self.made[number]

    def _call(self, call: Json, where: str, level: int) -> Any:
        """What a call makes.

        Errors
            ValueError   it names no constructor, or that refuses the arguments
        """
        if not _is_list(call) or not call:
            raise ValueError(f"{where} is no call")
        name, *given = call
        make, may = self._known(name, where)
        if not given:
            return make
        if not may or len(given) != 2 or not _is_list(given[0]) or not _is_dict(given[1]):
            raise ValueError(f"{where} is no call of a constructor: {brief(call)}")
        shown = f"{name.removeprefix(OWN)} in {where}"
        args = [self._value(v, f"an argument of {shown}", level) for v in given[0]]
        kwargs = {at: self._value(v, f"{at} of {shown}", level) for at, v in given[1].items()}
        try:
            kwargs |= self._changed(name, make, args, kwargs, level)
            return make(*args, **kwargs)
        except Exception as error:  # whatever a constructor says to arguments that somebody made up
            version = "" if self.by == __version__ else f" (written by funcnn {self.by}, this is {__version__})"
            raise ValueError(f"{shown} cannot be made{version}: {type(error).__name__}: {error}") from error

    def _changed(self, name: str, make: Any, args: list[Any], kwargs: dict[str, Any], level: int) -> dict[str, Any]:
        """The defaults that were others when the file was written, of arguments that were not given."""
        if make is transposed:
            return {}
        signature = inspect.signature(make)
        if name not in self.defaults:
            stored = self.stored.get(name)
            if not _is_dict(stored):
                raise ValueError("the file has no defaults of it")
            self.defaults[name] = {}
            self.defaults[name] = {
                at: self._value(v, f"the default of {at} of {name}", level) for at, v in stored.items()
            }
        bound = signature.bind(*args, **kwargs).arguments
        if make is repeat:
            self.repeated += operator.index(bound["n"])
            if self.repeated > REPEATED:
                raise ValueError(f"the layers of this file would be more than {REPEATED:,}")
        left = {at: v for at, v in self.defaults[name].items() if at not in bound}
        if unknown := [at for at in left if at not in signature.parameters]:
            raise ValueError(f"it has no argument {unknown[0]!r}, which was {brief(left[unknown[0]])}")
        return {at: v for at, v in left.items() if not same_value(signature.parameters[at].default, v)}

    def _value(self, node: Json, where: str, level: int) -> Any:
        value = self.decoder.value(node, ANYTHING, where, level + 1)
        if type(value) is int and abs(value) >= _WIDEST:
            raise ValueError(f"{where} is a number of {value.bit_length()} bits")
        return value


def _is_list(node: Json) -> TypeGuard[list[Json]]:
    return type(node) is list


def _is_dict(node: Json) -> TypeGuard[dict[str, Json]]:
    return type(node) is dict


def _numpy(name: Json, where: str, level: int) -> Any:
    found = getattr(np, name, None) if type(name) is str and name.isidentifier() else None
    if not isinstance(found, np.ufunc):
        raise ValueError(f"{where} is {brief(name)}, and NumPy has no such function of arrays")
    return found


def refuse_others(net: Layer[Any, Any], own: Mapping[str, Any], manifest: str, leaves: Leaves) -> None:
    """Refuse a network that is another one when it is read.

    Errors
        TypeError   it is, or cannot be made again
    """
    contents: list[memoryview] = []
    for leaf in leaves:
        file = io.BytesIO()
        np.lib.format.write_array(file, leaf, allow_pickle=False)
        contents.append(file.getbuffer())
    content = json.loads(manifest)
    try:
        again = Reader(contents, own, content["defaults"], __version__).network(content["program"])
    except ValueError as error:
        raise TypeError(f"this network cannot be saved, it could not be made again: {error}") from error
    if not same_value(again, net):
        raise TypeError(f"this network cannot be saved, it would come back as another: {brief(again)}")
