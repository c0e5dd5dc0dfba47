"""What happens where a layer is made, and where it meets a shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard, TypeVar

from mypy.checker import TypeChecker
from mypy.nodes import ARG_NAMED, ARG_POS, CallExpr, Context, MemberExpr, OpExpr
from mypy.options import Options
from mypy.plugin import CheckerPluginInterface, FunctionContext, MethodContext
from mypy.subtypes import is_subtype
from mypy.types import AnyType, CallableType, Instance, LiteralType, TupleType, Type, TypeOfAny, get_proper_type

from funcnn.mypy_plugin import recipes
from funcnn.mypy_plugin.flow.core import Meeting
from funcnn.mypy_plugin.flow.reading import Readings
from funcnn.mypy_plugin.flow.shelf import Shelf
from funcnn.mypy_plugin.owners import NOTHING, owners_of
from funcnn.mypy_plugin.reading import Reader, is_layer, place, tagged
from funcnn.mypy_plugin.recipes import ANY, Call, Choice, Fork, Items, Missing, Node, Ref, Value
from funcnn.mypy_plugin.reports import TRUSTED, VALUE, WIRING, built_at, report_complaint, report_shape, told
from funcnn.mypy_plugin.building import Verdict
from funcnn.mypy_plugin.runs import Runner
from funcnn.shapes import external
from funcnn.types import Shape

C = TypeVar("C", FunctionContext, MethodContext)


class Hooks:
    """The hooks, with what they share."""

    def __init__(self, options: Options, runner: Runner, shelf: Shelf) -> None:
        self.options, self.runner, self.trust = options, runner, runner.loader.trust
        self.readings = Readings(runner, shelf)
        self._reader: Reader | None = None

    def faults(self, ctx: FunctionContext | MethodContext) -> None:
        """Say what trusted code did instead of making a network."""
        while self.runner.loader.faults:
            ctx.api.fail(self.runner.loader.faults.pop(0), ctx.context, code=TRUSTED)

    def reader(self, api: CheckerPluginInterface) -> Reader:
        """Reads the expressions of the file that is being checked."""
        if isinstance(api, TypeChecker) and self.readings.turned(api.errors.error_info_map):
            self._reader = None  # a daemon makes another one whenever something has changed
        if self._reader is None or self._reader.api is not api:
            file = self.readings.file(api, self.options)
            owners = NOTHING if file is None else owners_of(file)
            self._reader = Reader(api, self.trust, owners, self.readings.files(api).rebound)
        return self._reader

    # layers are made --------------------------------------------------------------------------------------------------
    def made(self, fullname: str, ctx: FunctionContext) -> Type:
        """A constructor is called: check its arguments, and let the type carry the recipe."""
        result, call = get_proper_type(ctx.default_return_type), ctx.context
        if not isinstance(result, TupleType) or not is_layer(result) or not isinstance(call, CallExpr):
            return ctx.default_return_type
        reader = self.reader(ctx.api)
        recipe = reader.call(fullname, call, ctx)
        if recipe is None or _ill_typed(ctx):
            return self.given(ctx)
        if not recipe.exact:
            self.given(ctx)  # the arguments are known where a call of the function around is followed
        return self._carrying(result, recipe, reader, ctx)

    def shifted(self, ctx: MethodContext) -> Type:
        """`a >> b`."""
        result, e = get_proper_type(ctx.default_return_type), ctx.context
        if not isinstance(result, TupleType) or not is_layer(result) or not isinstance(e, OpExpr):
            return ctx.default_return_type
        reader = self.reader(ctx.api)
        return self._carrying(result, reader.deed(">>", [(e.left, ctx.type), (e.right, None)], ctx), reader, ctx)

    def named(self, ctx: MethodContext) -> Type:
        """`a.named("encoder")`."""
        result, call = get_proper_type(ctx.default_return_type), ctx.context
        if not isinstance(result, TupleType) or not _plain(call):
            return ctx.default_return_type
        if not isinstance(call.callee, MemberExpr) or len(call.args) != 1:
            return ctx.default_return_type
        reader = self.reader(ctx.api)
        recipe = reader.deed("named", [(call.callee.expr, ctx.type), (call.args[0], None)], ctx)
        return self._carrying(result, recipe, reader, ctx)

    def _carrying(self, result: TupleType, node: Call, reader: Reader, ctx: FunctionContext | MethodContext) -> Type:
        """The type with the recipe on it: on the layer, and on its `init` for when the pair is unpacked."""
        expected = reader.owners.expects(ctx.context.line)
        if not expected and recipes.exact(node) and (problem := self.runner.refusal(node)) is not None:
            ctx.api.fail(problem, ctx.context, code=VALUE)
            return result
        self.faults(ctx)
        recipe = reader.recipe(node, ctx.context)
        text = recipes.write(recipe)
        if text is None:
            return result
        if recipe.owner is not None:
            reader.owners.declared[recipe.owner] = node
        items = list(result.items)
        init = get_proper_type(items[0])
        if isinstance(init, Instance):
            items[0] = tagged(init, text, ctx.api)
        return result.copy_modified(fallback=tagged(result.partial_fallback, text, ctx.api), items=items)

    # layers meet a shape ----------------------------------------------------------------------------------------------
    def out_shape(self, ctx: MethodContext) -> Type:
        """`net.out_shape(shape)`."""
        call = ctx.context
        if not _plain(call) or not isinstance(call.callee, MemberExpr) or not ctx.args or not ctx.args[0]:
            return ctx.default_return_type
        reader = self.reader(ctx.api)
        node = reader.node(call.callee.expr, ctx.type)
        out = self._met(node, reader.node(ctx.args[0][0], ctx.arg_types[0][0]), reader, ctx, params=False)
        declared = self._plain_items(ctx.default_return_type, ctx.type, reader, ctx)
        return declared if out is None else self._revealed(out, declared, reader, ctx)

    def init(self, ctx: MethodContext) -> Type:
        """`net.init(rng, shape)`, or `init(rng, shape)` after `init, apply = net`."""
        call, result = ctx.context, get_proper_type(ctx.default_return_type)
        if not _plain(call) or not isinstance(result, TupleType) or len(ctx.args) < 2 or not ctx.args[1]:
            return ctx.default_return_type
        reader = self.reader(ctx.api)
        node, owner = reader.node(call.callee, ctx.type), None
        if isinstance(call.callee, MemberExpr) and call.callee.name == "init":
            owner = ctx.api.get_expression_type(call.callee.expr)
            node = reader.node(call.callee.expr, owner) if is_layer(owner) else node
        out = self._met(node, reader.node(ctx.args[1][0], ctx.arg_types[1][0]), reader, ctx, params=True)
        if place(call) in reader.owners.ignored:
            return result.copy_modified(items=[AnyType(TypeOfAny.special_form), *result.items[1:]])
        shape = self._plain_items(result.items[0], owner, reader, ctx)
        shape = shape if out is None else self._revealed(out, shape, reader, ctx)
        return result.copy_modified(items=[shape, *result.items[1:]])

    def summarized(self, ctx: FunctionContext) -> Type:
        """`summary(net, shape)`."""
        if _plain(ctx.context) and len(ctx.args) >= 2 and ctx.args[0] and ctx.args[1]:
            reader = self.reader(ctx.api)
            network, shape = (reader.node(ctx.args[i][0], ctx.arg_types[i][0]) for i in (0, 1))
            self._met(network, shape, reader, ctx, params=False)
        return ctx.default_return_type

    def given(self, ctx: C) -> Type:
        """A network, an objective or a loop is given arrays and params."""
        reader = self.reader(ctx.api)
        found = self.readings.of(ctx.api, self.options).complaints.get(place(ctx.context), ())
        if not found or told(ctx.api, ctx.context.line) or reader.owners.expects(ctx.context.line):
            return ctx.default_return_type
        if found[0].path not in ("", ctx.api.path) or not told(ctx.api, found[0].place.line, WIRING):
            report_complaint(ctx.api, found[0], ctx.context)
        return ctx.default_return_type

    def _met(
        self, network: Node, shape: Node, reader: Reader, ctx: FunctionContext | MethodContext, *, params: bool
    ) -> Shape | None:
        if reader.owners.expects(ctx.context.line):
            return None
        verdict = Verdict()
        met = self.readings.of(ctx.api, self.options).met.get(place(ctx.context), ())  # what the statements say
        if not recipes.exact(shape) and len(met) == 1 and recipes.exact(met[0].shape):
            shape = met[0].shape
        if isinstance(network, (Ref, Call)) and isinstance(shape, Items) and _is_size(shape):
            verdict = self.runner.verdict(network, shape, params=params)
        if verdict.error is None:
            network, verdict = self._read(network, shape, verdict, met, params)
        self.faults(ctx)
        if verdict.error is not None:
            blamed = self._blamed(network, shape, verdict, met[0] if met else None, ctx)
            report_shape(ctx.api, network, blamed, ctx.context)
        return verdict.shape

    def _blamed(
        self, network: Node, shape: Node, verdict: Verdict, met: Meeting | None, ctx: FunctionContext | MethodContext
    ) -> Verdict:
        """Where the first layer wants another number of axes, whatever the sizes, the shape is to blame."""
        said = met.shape if met else ANY
        shape = said if isinstance(said, Items) and (not isinstance(shape, Items) or recipes.exact(said)) else shape
        if not isinstance(shape, Items) or not all(isinstance(i, Value) or i == Missing("int") for i in shape.items):
            return verdict

        def wrong(axes: int) -> bool:
            anything = Items((Missing("int"),) * axes)
            return self.runner.fails(network, anything)

        rank, sizes = len(shape.items), tuple(i.value if isinstance(i, Value) else -1 for i in shape.items)
        if verdict.met is None or external(verdict.met) != sizes:  # what stands before it may have changed it
            return verdict
        if not wrong(rank) or all(wrong(axes) for axes in range(1, 6) if axes != rank):
            return verdict
        at = met.given if met and met.given else place(ctx.context)
        told = f"{verdict.error}{built_at(network, verdict, ctx.api.path, at.line)}"
        return Verdict(None, told, verdict.message, ctx.api.path, at)

    def _read(
        self, network: Node, shape: Node, known: Verdict, met: Sequence[Meeting], params: bool
    ) -> tuple[Node, Verdict]:
        """What the statements of the file say, where mypy's types do not say it."""
        verdicts: list[tuple[Node, Verdict]] = []
        for each in met:
            given = each.shape if isinstance(each.shape, (Items, Fork)) and _is_size(each.shape) else shape
            if isinstance(given, (Items, Fork)) and _is_size(given):
                found = self.runner.verdict(each.network, given, params=params, assumed=each.assumed)
                verdicts.append((each.network, found))
        wrong = [found for found in verdicts if found[1].error is not None]
        alike = verdicts and all(v == verdicts[0][1] for _, v in verdicts)
        return wrong[0] if wrong else verdicts[0] if alike and known == Verdict() else (network, known)

    def _plain_items(self, declared: Type, network: Type | None, reader: Reader, ctx: MethodContext) -> Type:
        """The type of a shape whose items are integers, if the network gives an array; of several, of shapes."""
        at, like = place(ctx.context), get_proper_type(declared)
        if not is_layer(network) or not isinstance(like, Instance) or at not in reader.owners.free | reader.owners.plain:
            return declared
        layer = get_proper_type(network)
        assert isinstance(layer, TupleType)

        def shape_of(given: Type) -> Type | None:
            p = get_proper_type(given)
            if isinstance(p, TupleType) and p.partial_fallback.type.fullname == "builtins.tuple":
                parts = [shape_of(item) for item in p.items]
                known = [part for part in parts if part is not None]
                return TupleType(known, p.partial_fallback) if len(known) == len(parts) else None
            if isinstance(p, Instance) and p.type.fullname == "numpy.ndarray":
                return ctx.api.named_generic_type("builtins.tuple", [ctx.api.named_generic_type("builtins.int", [])])
            return None

        return shape_of(layer.partial_fallback.args[1]) or declared

    def _revealed(self, out: Shape, declared: Type, reader: Reader, ctx: MethodContext) -> Type:
        """The known shape as a type, if nothing is inferred from it; it rides on the declared one in any case."""
        integer = ctx.api.named_generic_type("builtins.int", [])
        anything = AnyType(TypeOfAny.special_form)

        def lift(d: int | Shape) -> Type:
            if isinstance(d, tuple):
                return TupleType(list(map(lift, d)), ctx.api.named_generic_type("builtins.tuple", [anything]))
            if d == -1:
                return integer
            known = LiteralType(int(d), integer)
            return integer.copy_modified(last_known_value=known)  # pyright: ignore[reportUnknownMemberType]

        text = recipes.write(reader.recipe(_node(out), ctx.context))
        plain, narrow = get_proper_type(declared), get_proper_type(lift(out))
        exact = place(ctx.context) in reader.owners.free
        whole = narrow if exact else plain
        if text is None or not isinstance(narrow, TupleType):
            return declared
        if isinstance(whole, TupleType):
            return whole.copy_modified(fallback=tagged(whole.partial_fallback, text, ctx.api))
        return tagged(whole, text, ctx.api) if isinstance(whole, Instance) else declared


def _plain(e: Context) -> TypeGuard[CallExpr]:
    """Is this a call whose arguments stand there one by one?"""
    return isinstance(e, CallExpr) and all(kind in (ARG_POS, ARG_NAMED) for kind in e.arg_kinds)


def _ill_typed(ctx: FunctionContext) -> bool:
    """Are there arguments, other than layers, that mypy reports itself?"""
    if not isinstance(ctx.context, CallExpr):
        return False
    callee = get_proper_type(ctx.api.get_expression_type(ctx.context.callee))
    if not isinstance(callee, CallableType) or len(callee.arg_types) != len(ctx.arg_types):
        return False
    pairs = [(t, formal) for formal, ts in zip(callee.arg_types, ctx.arg_types, strict=True) for t in ts]
    return any(not is_layer(formal) and not is_subtype(t, formal) for t, formal in pairs)


def _is_size(d: Node) -> bool:
    """Is this a size or a shape, as the signature wants it? What is none, mypy reports itself."""
    match d:
        case Items(parts) | Choice(parts):
            return all(map(_is_size, parts))
        case Fork(_, then, otherwise):
            return _is_size(then) and _is_size(otherwise)
        case Value(value):
            return isinstance(value, int)
        case _:
            return d == Missing("int")


def _node(d: int | Shape) -> Node:
    if isinstance(d, tuple):
        return Items(tuple(map(_node, d)))
    return Value(int(d)) if d != -1 else Missing("int")
