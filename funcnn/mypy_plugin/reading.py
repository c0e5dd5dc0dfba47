"""From mypy's expressions and types to recipes."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from mypy.constant_fold import constant_fold_expr
from mypy.nodes import (
    ARG_NAMED,
    ARG_POS,
    ARG_STAR,
    CallExpr,
    Context,
    DictExpr,
    Expression,
    FloatExpr,
    IntExpr,
    MemberExpr,
    NameExpr,
    OpExpr,
    RefExpr,
    StarExpr,
    StrExpr,
    TupleExpr,
    UnaryExpr,
    Var,
)
from mypy.plugin import CheckerPluginInterface, FunctionContext, MethodContext
from mypy.types import (
    ExtraAttrs,
    FunctionLike,
    Instance,
    LiteralType,
    NoneType,
    ProperType,
    TupleType,
    Type,
    UnionType,
    UnpackType,
    get_proper_type,
)

from funcnn.combinators import transposed
from funcnn.mypy_plugin import recipes
from funcnn.mypy_plugin.flow.arithmetic import LONGEST, SIGNS, number
from funcnn.mypy_plugin.owners import NOTHING, Owners, identity
from funcnn.mypy_plugin.recipes import (
    ANY,
    Argument,
    Call,
    Choice,
    Items,
    Missing,
    Node,
    Pairs,
    Place,
    Recipe,
    Ref,
    Turned,
    Value,
)  # fmt: skip
from funcnn.mypy_plugin.trust import Trust
from funcnn.networks import Init, Layer

LAYER: Final = f"{Layer.__module__}.{Layer.__qualname__}"
INIT: Final = f"{Init.__module__}.{Init.__qualname__}"
TRANSPOSED: Final = f"{transposed.__module__}.{transposed.__qualname__}"
KEY: Final = "__funcnn_recipe"
NUMBERS: Final = {"builtins.int": "int", "builtins.float": "float", "builtins.bool": "bool"}
LITERALS: Final = (IntExpr, StrExpr, FloatExpr, UnaryExpr, OpExpr, NameExpr)


def is_layer(t: Type | None) -> bool:
    """Is this the type of a layer?"""
    t = get_proper_type(t)
    return isinstance(t, TupleType) and t.partial_fallback.type.fullname == LAYER


def is_init(t: Type | None) -> bool:
    """Is this the type of the `init` of a layer?"""
    t = get_proper_type(t)
    return isinstance(t, Instance) and t.type.fullname == INIT


def recipe_of(t: Type | None) -> Recipe | None:
    """The recipe that rides on a type."""
    t = get_proper_type(t)
    instance = t.partial_fallback if isinstance(t, TupleType) else t
    if isinstance(instance, Instance) and instance.extra_attrs and KEY in instance.extra_attrs.attrs:
        carried = get_proper_type(instance.extra_attrs.attrs[KEY])
        if isinstance(carried, LiteralType) and isinstance(carried.value, str):
            return recipes.read(carried.value)
    return None


def tagged(t: Instance, text: str, api: CheckerPluginInterface) -> Instance:
    """The same type with a recipe riding on it, where mypy's own plugin for `functools.partial` keeps things."""
    tag = LiteralType(text, api.named_generic_type("builtins.str", []))
    out = t.copy_modified()  # pyright: ignore[reportUnknownMemberType]  # mypy's own, here and elsewhere
    out.extra_attrs = ExtraAttrs({KEY: tag}, {KEY}, None)
    return out


def place(c: Context) -> Place:
    """Where an expression stands."""
    return Place(c.line, c.column, c.end_line or c.line, c.end_column or c.column)


class Reader:
    """Reads the expressions of the file that is being checked."""

    def __init__(
        self, api: CheckerPluginInterface, trust: Trust, owners: Owners = NOTHING, rebound: Container[str] = ()
    ) -> None:
        self.api, self.trust, self.owners, self.rebound = api, trust, owners, rebound
        self.module: str = getattr(getattr(api, "tree", None), "fullname", "")

    def recipe(self, node: Node, c: Context) -> Recipe:
        """The recipe of what is made here, for the variable that this is the only value of."""
        return Recipe(node, self.api.path, place(c), self.owners.at.get(place(c)))

    def node(self, e: Expression, t: Type | None = None) -> Node:
        """What is known of an expression; its type is asked for where it is not given."""
        if isinstance(e, LITERALS):
            value = folded(e, self.module)
            if value is not None:
                return Value(value)
        if isinstance(e, TupleExpr) and not any(isinstance(item, StarExpr) for item in e.items):
            return Items(tuple(self.node(item) for item in e.items))
        if isinstance(e, DictExpr) and all(isinstance(name, StrExpr) for name, _ in e.items):
            return Pairs(tuple((name.value, self.node(v)) for name, v in e.items if isinstance(name, StrExpr)))
        if isinstance(e, CallExpr) and isinstance(e.callee, RefExpr) and e.callee.fullname == TRANSPOSED:
            given = self.node(e.args[0]) if len(e.args) == 1 else ANY
            return Turned(given.value) if isinstance(given, Value) and isinstance(given.value, str) else ANY
        t = self.api.get_expression_type(e) if t is None else t
        if isinstance(e, RefExpr) and (found := self._reference(e, t)) is not None:
            return found
        if (recipe := recipe_of(t)) is not None and self._believed(e, recipe):
            return recipe.node
        return self.from_type(t)

    def _reference(self, e: RefExpr, t: Type) -> Node | None:
        """What a name stands for, where that can be told without its type."""
        if not isinstance(e.node, Var) or self._elsewhere(e):
            return None
        variable = identity(e.node)
        if variable in self.owners.constants:
            return filled(self.owners.constants[variable], self.from_type(t))
        if recipe_of(t) is None and (is_layer(t) or is_init(t)):
            target = self.owners.target(variable)
            if target in self.owners.declared:
                return self.owners.declared[target]
            if self.trust.covers(target) and is_layer(t):
                module, _, name = target.rpartition(".")
                return Ref(module, name)
        return None

    def _elsewhere(self, e: RefExpr) -> bool:
        """Is this an attribute of a module that this file, or another one, binds?"""
        if not isinstance(e, MemberExpr):
            return False
        return e.name in self.owners.stored or (isinstance(e.node, Var) and e.node.fullname in self.rebound)

    def _believed(self, e: Expression, recipe: Recipe) -> bool:
        """A recipe is believed only where nothing can have merged or replaced it on the way."""
        if isinstance(e, RefExpr):
            if not isinstance(e.node, Var) or self._elsewhere(e):
                return False
            return self.owners.same(identity(e.node), recipe.owner)
        return isinstance(e, (CallExpr, OpExpr)) and (recipe.path, recipe.place) == (self.api.path, place(e))

    def from_type(self, t: Type | None) -> Node:
        """What a type alone says."""
        p: ProperType | None = get_proper_type(t)
        if is_layer(p):
            return Missing("layer")
        match p:
            case NoneType():
                return Value(None)
            case LiteralType(value=str() as value) if len(value) > LONGEST:
                return Missing("value")
            case LiteralType(value=int() | str() as value):
                return Value(value) if p.fallback.type.fullname in (*NUMBERS, "builtins.str") else ANY
            case Instance(last_known_value=LiteralType() as literal):
                return self.from_type(literal)
            case Instance():
                return Missing(NUMBERS.get(p.type.fullname, "any" if p.type.fullname == "builtins.object" else "value"))
            case TupleType() if not any(isinstance(i, UnpackType) for i in p.items):
                return Items(tuple(map(self.from_type, p.items)))
            case TupleType():
                return Missing("value")
            case UnionType():
                return Choice(tuple(map(self.from_type, p.items)))
            case FunctionLike():
                return Missing("function")
            case _:
                return ANY

    def call(self, fullname: str, call: CallExpr, ctx: FunctionContext) -> Call | None:
        """The recipe of a call; None where its arguments cannot be told apart."""
        pairs = zip(ctx.args, ctx.arg_types, strict=True)
        types = {id(a): t for args, ts in pairs for a, t in zip(args, ts, strict=True)}
        args: list[Argument] = []
        kwargs: dict[str, Argument] = {}
        for a, kind, name in zip(call.args, call.arg_kinds, call.arg_names, strict=True):
            node = self.node(a, types.get(id(a)))
            if kind == ARG_POS:
                args.append(Argument(node, place(a)))
            elif kind == ARG_NAMED and name:
                kwargs[name] = Argument(node, place(a))
            elif kind == ARG_STAR and isinstance(node, Items):
                places = [place(item) for item in a.items] if isinstance(a, TupleExpr) else [place(a)] * len(node.items)
                args += map(Argument, node.items, places)
            else:
                return None
        module, _, name = fullname.rpartition(".")
        return Call(module, name, tuple(args), kwargs, ctx.api.path, place(call))

    def deed(self, name: str, args: list[tuple[Expression, Type | None]], ctx: MethodContext) -> Call:
        """The recipe of what a layer's method makes."""
        found = tuple(Argument(self.node(e, t), place(e)) for e, t in args)
        return Call("", name, found, {}, ctx.api.path, place(ctx.context))


def folded(e: Expression, module: str) -> int | float | str | None:
    """The value of a constant expression; None where it is none, or too large."""
    if isinstance(e, OpExpr):
        a, b = folded(e.left, module), folded(e.right, module)
        found = number(SIGNS[e.op], a, b) if e.op in SIGNS and a is not None and b is not None else ANY
        return found.value if isinstance(found, Value) else None
    if isinstance(e, UnaryExpr):
        inner = folded(e.expr, module)
        return -inner if e.op == "-" and isinstance(inner, (int, float)) else None
    value = constant_fold_expr(e, module)
    return None if isinstance(value, complex) else value


def filled(known: Node, typed: Node) -> Node:
    """What is known of a value, completed by its type."""
    if isinstance(known, Items) and isinstance(typed, Items) and len(known.items) == len(typed.items):
        return Items(tuple(map(filled, known.items, typed.items)))
    return typed if known == ANY else known
