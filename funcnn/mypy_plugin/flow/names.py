"""Names and attributes: what they stand for."""

from __future__ import annotations

import ast
from typing import Any

from funcnn.mypy_plugin.flow import arrays
from funcnn.mypy_plugin.flow.conditions import Conditions
from funcnn.mypy_plugin.flow.data import Data, Made, Trained
from funcnn.mypy_plugin.flow.frames import Frame
from funcnn.mypy_plugin.flow.values import (
    DOORS,
    INT,
    KINDS,
    LAYER,
    Class,
    Function,
    Method,
    Name,
    Parent,
    Row,
    Table,
    Thing,
    is_kind,
    is_network,
    place_in,
    spoil,
)
from funcnn.mypy_plugin.flow.words import WORDS
from funcnn.mypy_plugin.recipes import ANY, Missing, Ref, Value
from funcnn.mypy_plugin.sizes import named
from funcnn.networks import is_layer


class Names(Conditions):
    """Reads names."""

    def lookup(self, name: str, frame: Frame) -> Any:
        """What a name stands for."""
        home: Frame | None = frame
        while home is not None:
            if name in home.env and (home.kind != "class" or home is frame):
                return ANY if self._unsettled(name, home) else self._ready(home.env[name])
            if name in home.local:
                return ANY
            for module in home.stars:
                if (found := self._starred(module, name)) is not None:
                    return self._ready(found)
            home = home.parent
        return Name(f"builtins.{name}")

    def named(self, found: Any, e: ast.Name | ast.Attribute, frame: Frame) -> Any:
        """What may be a size that is not known, under the name of the variable that holds it until it is bound again.

        Of `args.width` and `config.model.width` too, where no file binds an attribute of that name.
        """
        if not is_kind(found, INT, ANY) or found.size is not None:
            return found
        whole: ast.expr = e
        while isinstance(whole, ast.Attribute):
            if whole.attr in frame.file.scopes.stored or f".{whole.attr}" in self.files.rebound:
                return found
            whole = whole.value
        home = self._home(whole.id, frame) if isinstance(whole, ast.Name) else None
        if home is None or not isinstance(whole, ast.Name) or self._unsettled(whole.id, home):
            return found
        holds = home.env[whole.id]
        if whole.id in home.volatile or (whole is not e and not is_kind(holds, ANY) and not isinstance(holds, Thing)):
            return found
        path = ast.unparse(e).removeprefix(whole.id) if whole is not e else ""
        return Missing(found.kind, named(f"{home.named(whole.id)}{path}"))

    def _ready(self, found: Any) -> Any:
        """A ready-made layer or a loss, if that is what a name of the library stands for."""
        module, dot, last = found.full.rpartition(".") if isinstance(found, Name) else ("", "", "")
        return self._of_library(module, last) if dot else found

    def _unsettled(self, name: str, home: Frame) -> bool:
        """May the module bind it again before a function that nobody has called yet is called?"""
        return self.alone and home.kind == "module" and home.file.top.count[name] > 1

    def _starred(self, module: str, name: str) -> Any:
        if not self.loader.trust.covers(f"{module}."):
            return ANY
        found = self.loader.public(module, name)
        return Name(f"{module}.{name}") if found else None

    def hinted(self, found: Any, annotation: ast.expr | None, frame: Frame) -> Any:
        """A value of which nothing else is known, by its annotation."""
        if not is_kind(found, ANY) or annotation is None:
            return found
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            try:
                annotation = ast.parse(annotation.value, mode="eval").body
            except SyntaxError:
                return found
        if isinstance(annotation, ast.Name):
            if annotation.id in KINDS:
                kind = KINDS[annotation.id]
                return Missing("int", found.size) if kind == INT else kind
            kind = self.lookup(annotation.id, frame)
            data = isinstance(kind, Class) and kind.fields and kind.understood
            return Thing(kind, {}) if data else found
        whole = annotation.value if isinstance(annotation, ast.Subscript) else annotation
        named = whole.id if isinstance(whole, ast.Name) else whole.attr if isinstance(whole, ast.Attribute) else ""
        return LAYER if named == "Layer" else found

    def member(self, module: str, name: str) -> Any:
        """What a module has under a name."""
        full = f"{module}.{name}"
        frame = self.module(module)
        if frame is not None:
            if full in self.files.rebound:
                return ANY
            if name in frame.env:
                return frame.env[name]
            return Name(full) if full in self.files.paths else ANY
        return self._of_library(module, name)

    def _of_library(self, module: str, name: str) -> Any:
        if self.loader.trust.covers(f"{module}."):
            if is_layer(self.loader.get(module, name)):
                return Ref(module, name)
            if (loss := self.loader.loss(module, name)) is not None:
                return Made(loss)
        return Name(f"{module}.{name}")

    def attribute(self, of: Any, name: str) -> Any:
        """`of.name`."""
        match of:
            case Name(full):
                return self.member(full, name)
            case Thing(_, _, True):
                return ANY
            case Thing(kind, fields):
                return self._field(of, kind, fields, name)
            case Class(members=members, understood=True):
                return self._of_class(members.get(name, ANY), of)
            case Parent():
                return self._inherited(of, name)
            case Missing(kind="any") if name == "step":  # of an optimizer, perhaps
                return Method(of, name)
            case Trained() if name in ("at", "set"):
                return Method(of, name)
            case Value(str()) if name in WORDS:
                return Method(of, name)
            case Value() if name == "value":  # of an enumeration of numbers or words
                return of
            case Row() | Table() | Made():
                return Method(of, name)
            case Data():
                found = arrays.attribute(of, name)
                return Method(of, name) if found is None else found
            case _ if is_network(of) and name in DOORS:
                return Method(of, name)
            case _:
                return ANY

    def _field(self, thing: Thing, kind: Class, fields: dict[str, Any], name: str) -> Any:
        if self.alone and (name in kind.stored or f".{name}" in self.files.rebound):
            return ANY
        if name == "__dict__":
            thing.spoiled = True
        if name in fields:
            return fields[name]
        found = kind.members.get(name, ANY)
        if self.alone and not isinstance(found, (Function, Method)):
            return ANY  # a class below may have another
        if isinstance(found, Function):
            bound = Function(found.node, found.frame, found.defaults, found.composite, thing)
            return self.follow(bound, (), {}, place_in(found.node), found.frame) if name in kind.properties else bound
        return self._of_class(found, kind)

    def _of_class(self, found: Any, kind: Class) -> Any:
        if isinstance(found, Method) and found.name == "class" and isinstance(f := found.of, Function):
            return Function(f.node, f.frame, f.defaults, f.composite, kind)
        return found

    def parent_of(self, given: list[Any], frame: Frame) -> Any:
        """`super()`, where every class has one parent at most."""
        home: Frame | None = frame
        while home is not None and (home.parent is None or home.parent.kind != "class"):
            home = home.parent
        if home is None or home.parent is None or not isinstance(home.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return ANY
        owner, args = home.parent.owner, [*home.node.args.posonlyargs, *home.node.args.args]
        this = given[1] if len(given) == 2 else home.env.get(args[0].arg, ANY) if args else ANY
        owner = given[0] if len(given) == 2 else owner
        if not isinstance(this, Thing) or not isinstance(owner, Class) or len(owner.parents) != 1:
            spoil([this])
            return ANY
        kind = this.kind
        while len(kind.parents) == 1 and kind is not owner:
            kind = kind.parents[0]
        if kind is not owner:
            spoil([this])
            return ANY
        return Parent(this, owner.parents[0])

    def _inherited(self, of: Parent, name: str) -> Any:
        found = of.kind.members.get(name)
        if isinstance(found, Function) and name not in of.kind.properties:
            return Function(found.node, found.frame, found.defaults, found.composite, of.of)
        if found is None and (name != "__init__" or of.kind.fields is not None):
            spoil([of.of])
        return ANY if found is None or isinstance(found, Function) else self._of_class(found, of.of.kind)
