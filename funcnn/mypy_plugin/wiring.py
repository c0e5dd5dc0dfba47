"""Does each layer take what the one before it gives? Told at the exact argument, in networks of any length."""

from __future__ import annotations

from mypy.expandtype import expand_type_by_instance
from mypy.nodes import ARG_POS, CallExpr, OpExpr
from mypy.options import Options
from mypy.plugin import FunctionSigContext, MethodSigContext
from mypy.subtypes import is_subtype
from mypy.types import AnyType, FunctionLike, TupleType, Type, TypeOfAny, UninhabitedType, get_proper_type

from funcnn.mypy_plugin.reading import is_layer
from funcnn.mypy_plugin.reports import WIRING, shown, titled


def serial_signature(ctx: FunctionSigContext, options: Options) -> FunctionLike:
    """The signature of `serial` for just these layers."""
    call, sig = ctx.context, ctx.default_signature
    if not isinstance(call, CallExpr) or len(call.args) < 2 or any(kind != ARG_POS for kind in call.arg_kinds):
        return sig
    layers = [as_layer(ctx.api.get_expression_type(a)) for a in call.args]
    known = [t for t in layers if t is not None]
    if len(known) < len(layers):
        return sig
    first, out = known[0], _type_of(known[-1], 1)
    for i, (f, g) in enumerate(zip(known, known[1:], strict=False)):
        given, wanted = _type_of(f, 1), _type_of(g, 0)
        if not is_subtype(given, wanted):
            here, before = titled(call.args[i + 1], f"layer {i + 1}"), titled(call.args[i], f"layer {i}")
            ctx.api.fail(
                f"{here} takes {shown(wanted, options)}, but {before} before it gives {shown(given, options)}",
                call.args[i + 1], code=WIRING,
            )  # fmt: skip
            out = AnyType(TypeOfAny.from_error)
    formals: list[Type] = list(known)
    return sig.copy_modified(
        arg_types=formals, arg_kinds=[ARG_POS] * len(known), arg_names=[None] * len(known),
        ret_type=_layer_type(first, _type_of(first, 0), out), variables=[],
    )  # fmt: skip


def shift_signature(ctx: MethodSigContext, options: Options) -> FunctionLike:
    """The signature of `>>` between just these two layers."""
    sig, left = ctx.default_signature, as_layer(ctx.type)
    if not isinstance(ctx.context, OpExpr) or len(ctx.args) != 1 or len(ctx.args[0]) != 1 or left is None:
        return sig
    e = ctx.args[0][0]
    right = as_layer(ctx.api.get_expression_type(e))
    if right is None or is_subtype(_type_of(left, 1), _type_of(right, 0)):
        return sig
    given, wanted = shown(_type_of(left, 1), options), shown(_type_of(right, 0), options)
    ctx.api.fail(f"{titled(e, 'the right side')} takes {wanted}, but what stands before it gives {given}", e, code=WIRING)
    return sig.copy_modified(
        arg_types=[right], ret_type=_layer_type(left, _type_of(left, 0), AnyType(TypeOfAny.from_error)), variables=[]
    )


def as_layer(t: Type) -> TupleType | None:
    """The type of a layer that can be compared; None if it is none, or needs its context to be inferred."""
    p = get_proper_type(t)
    if not isinstance(p, TupleType) or not is_layer(p):
        return None
    never = any(isinstance(get_proper_type(a), UninhabitedType) for a in p.partial_fallback.args)
    return None if never else p


def _type_of(layer: TupleType, i: int) -> Type:
    return layer.partial_fallback.args[i]


def _layer_type(like: TupleType, x: Type, y: Type) -> Type:
    layer = like.partial_fallback.copy_modified(args=[x, y])
    layer.extra_attrs = None
    generic = layer.type.tuple_type
    assert generic is not None
    pair = expand_type_by_instance(generic, layer)
    assert isinstance(pair, TupleType)
    return pair.copy_modified(fallback=layer)
