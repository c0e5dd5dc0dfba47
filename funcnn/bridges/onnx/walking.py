"""The way of a value through a network, layer by layer, each by its rule."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import numpy as np

from funcnn.bridges.onnx.graph_values import Value, shape_of, with_shape
from funcnn.bridges.onnx.graphs import Graph
from funcnn.errors import ExportError, ParamsError, UndecidedError, brief, locate
from funcnn.inputs import Kind, part
from funcnn.nested import mapped
from funcnn.networks import is_layer
from funcnn.networks.definitions import EMPTY, Definition
from funcnn.records import Record
from funcnn.types import is_array, is_tuple

Rule: TypeAlias = Callable[[Graph, "Part", Any], Any]
"""How a layer is written: `(graph, part, x) -> y`, where x and y are values, or tuples of them."""

Key: TypeAlias = "tuple[str, str]"
"""What a constructor or a ready-made layer is known by: its module and its name."""

EITHER: Final = "takes_either_layout"


def either_layout(rule: Rule) -> Rule:
    """Mark a rule that looks at how its input lies, or does not mind; others get the channels last."""
    setattr(rule, EITHER, True)
    return rule


class Rules:
    """The rules of layers by what made them, and the reasons why some have none."""

    def __init__(self, rules: Mapping[Key, Rule], refused: Mapping[Key, str]) -> None:
        self.rules, self.refused = rules, refused

    def of(self, d: Definition) -> tuple[Rule, Record]:
        """The rule of a layer, and the call that it is the rule of.

        A constructor that has none returns, most often, what another one made: then that one's rule is taken.

        Errors
            ExportError   there is none
        """
        for record in calls_of(d):
            key = record.module, record.name
            if key in self.rules:
                return self.rules[key], record
            if key in self.refused:
                raise ExportError(f"{record.name} cannot be written to ONNX: {self.refused[key]}")
        if d.record is None:
            raise ExportError(
                "this layer cannot be written to ONNX: it has no constructor that a rule could be given for; "
                "decorate one with @layer, and give rules={constructor: rule}"
            )
        name = d.record.name
        raise ExportError(
            f"{name} cannot be written to ONNX: it has no rule; give one, rules={{{name}: rule}} with "
            f"rule(graph, part, x) -> y"
        )


def calls_of(d: Definition) -> Iterator[Record]:
    """The call that made a layer, then the one that made what its constructor returned, and so on."""
    record = d.record
    while record is not None:
        yield record
        make = getattr(record.make, "__wrapped__", None)
        if make is None:
            return
        made: object = make(*record.args, **record.kwargs)
        record = made.definition.record if is_layer(made) else None


class Part:
    """A layer on its way into a graph, as its rule sees it.

    params     its own params, and those of its children
    name       that of the constructor which the rule was given for
    out_shape  the shape that its shape rule gives, nested as the output is
    """

    def __init__(self, walk: Walk, d: Definition, record: Record, params: Mapping[str, Any], x: Any) -> None:
        self._walk, self._definition, self._record, self._x = walk, d, record, x
        self.params = params
        self.name = record.name
        self._arguments: dict[str, Any] | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """What its constructor was called with, by name, defaults filled in; nothing for a ready-made layer."""
        if self._arguments is None:
            self._arguments = {} if self._record.make is None else dict(self._record.bound().arguments)
        return self._arguments

    @property
    def out_shape(self) -> Any:
        """The shape that its shape rule gives."""
        return self._definition.out_shape(shape_of(self._x))

    def param(self, name: str, form: Callable[[Any], Any] | None = None) -> Value:
        """A leaf of its params as a value, stored under its path; `form` makes of it what an operator wants.

        Errors
            ParamsError   it has no such leaf
        """
        if not is_array(self.params.get(name)):
            raise ParamsError(f"the rule of {self.name} asks for the leaf {name!r}; its params are {[*self.params]}")
        return self._walk.stored(self.params[name], name, form)

    @property
    def children(self) -> tuple[str, ...]:
        """The names of its children."""
        return tuple(self._definition.children)

    def child(self, name: str, x: Any, params: Mapping[str, Any] | None = None) -> Any:
        """What a child makes of x. `params` are those of this layer, where they are not what it got.

        Errors
            ExportError   it has no such child
        """
        d = self._definition
        if name not in d.children:
            raise ExportError(f"the rule of {self.name} asks for the child {name!r}; its children are {[*d.children]}")
        below = self.params if params is None else params
        if d.transparent:
            return self._walk.through(d.children[name], below, x, "")
        return self._walk.through(d.children[name], below.get(name, EMPTY), x, name)

    def made(self, d: Definition, x: Any, params: Mapping[str, Any] | None = None) -> Any:
        """What a layer makes of x that stands in the place of this one, with its params or with these."""
        return self._walk.through(d, self.params if params is None else params, x, "")


class Walk:
    """A walk through one network, into one graph."""

    def __init__(self, graph: Graph, rules: Rules, paths: Mapping[Any, str]) -> None:
        self.graph, self.rules = graph, rules
        self._paths = paths
        self._stored: dict[Any, Value] = {}
        self._kept: list[Any] = []  # arrays that are known by where they lie must not go away

    def through(self, d: Definition, params: Mapping[str, Any], x: Any, name: str) -> Any:
        """What a layer makes of x, under its name."""
        graph = self.graph
        outer = graph.path
        graph.path = "/".join(filter(None, (outer, name)))
        try:
            rule, record = self.rules.of(d)
            if not getattr(rule, EITHER, False):
                x = mapped(graph.last, x)
            if not d.children:
                refuse_others(x, d.takes("any"), record.name)
            y = rule(graph, Part(self, d, record, params, x), x)
            refuse_no_value(y, record.name)
            if d.children or d.walked:
                return y
            shape = d.out_shape(shape_of(x))
            refuse_other_nesting(y, shape, record.name)
            return with_shape(y, shape)
        except UndecidedError as undecided:
            what = d.record.name if d.record else "this layer"
            error = ExportError(f"{what} has to know sizes that are not known; give the shape with them")
            locate(error, name)
            raise error from undecided
        except Exception as error:
            locate(error, name)
            raise
        finally:
            graph.path = outer

    def stored(self, leaf: Any, name: str, form: Callable[[Any], Any] | None) -> Value:
        """A leaf as a value of the graph: stored once, under its path, in the form that was first wanted."""
        assert is_array(leaf)
        at = place_of(leaf)
        made = leaf if form is None else np.ascontiguousarray(form(leaf))
        key = (at, form is None or (made.shape, hashlib.blake2b(made.tobytes()).digest()))
        if key in self._stored:
            return self._stored[key]
        turned = place_of(leaf.T)
        known = turned in self._paths or (turned, True) in self._stored
        if form is None and at not in self._paths and known:  # tied to a leaf that lies the other way
            whole = self._stored.get((turned, True)) or self._store(leaf.T, turned, name)
            self._stored[turned, True] = whole
            return self.graph.turn(whole, range(leaf.ndim)[::-1])
        value = self._store(made, at, name)
        self._stored[key] = value
        self._kept.append(leaf)
        return value

    def _store(self, array: Any, at: Any, name: str) -> Value:
        graph = self.graph
        path = self._paths.get(at) or "/".join(filter(None, (graph.path, name)))
        value = Value(graph.named(path), array.shape, array.dtype)
        graph.stored[value.name] = np.ascontiguousarray(array)
        return value


def refuse_others(x: Any, kind: Kind, name: str) -> None:
    """Refuse numbers of a kind that a layer does not take: NumPy might compute with them, ONNX does not.

    Errors
        ExportError   features where tokens are looked up or a mask is wanted, or the other way round
    """
    if is_tuple(x):
        for i, item in enumerate(x):
            refuse_others(item, part(kind, i), name)
    elif isinstance(kind, str) and kind in _KINDS and x.dtype.kind not in _KINDS[kind]:
        raise ExportError(f"{name} takes {kind}, {_WORDS[kind]}, and what reaches it is {x.dtype}")


def refuse_no_value(y: Any, name: str) -> None:
    """Refuse what a rule returned that is no value, and no tuple of them.

    Errors
        TypeError   with what it is
    """
    for value in y if is_tuple(y) else (y,):
        if is_tuple(value):
            refuse_no_value(value, name)
        elif not isinstance(value, Value):
            raise TypeError(f"the rule of {name} must return what graph.op returns, or a tuple, got {brief(value)}")


def refuse_other_nesting(y: Any, shape: Any, name: str) -> None:
    """Refuse a value where the shape rule says a tuple, and a tuple where it says an array.

    Errors
        TypeError   with what is wanted
    """
    parts = [d for d in shape if is_tuple(d)]
    if len(parts) != (len(y) if is_tuple(y) else 0):
        wanted = f"a tuple of {len(parts)}" if parts else "one value"
        got = f"a tuple of {len(y)}" if is_tuple(y) else "one value"
        raise TypeError(f"the rule of {name} must return {wanted}, as its shape rule says, got {got}")
    for value, part_ in zip(y, parts, strict=True) if parts else ():
        refuse_other_nesting(value, part_, name)


_KINDS: Final = {"tokens": "iu", "mask": "b", "features": "f"}
_WORDS: Final = {"tokens": "integers", "mask": "booleans", "features": "floating-point numbers"}


def place_of(leaf: Any) -> Any:
    """What an array is known by: where its numbers lie."""
    return leaf.__array_interface__["data"][0], leaf.shape, leaf.strides, leaf.dtype.str
