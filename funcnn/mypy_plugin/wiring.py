"""Does each layer take what the one before it gives? Told at the exact argument, in networks of any length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mypy.expandtype import expand_type_by_instance
from mypy.nodes import ARG_POS, ARG_STAR, CallExpr, Expression, IntExpr, MemberExpr, OpExpr, RefExpr
from mypy.options import Options
from mypy.plugin import FunctionSigContext, MethodSigContext
from mypy.subtypes import is_same_type, is_subtype
from mypy.types import (
    AnyType,
    CallableType,
    FunctionLike,
    Instance,
    TupleType,
    Type,
    TypeOfAny,
    UninhabitedType,
    UnionType,
    UnpackType,
    get_proper_type,
)

from funcnn.combinators import first, keep, select
from funcnn.losses.definition import Loss
from funcnn.mypy_plugin.reading import is_init, is_layer
from funcnn.mypy_plugin.reports import ARRAYS, WIRING, shown, titled
from funcnn.networks import Apply

PASSING: Final = {f"{f.__module__}.{f.__name__}" for f in (first, keep)}
SELECT: Final = f"{select.__module__}.{select.__name__}"
LOSS: Final = f"{Loss.__module__}.{Loss.__qualname__}"
APPLY: Final = f"{Apply.__module__}.{Apply.__qualname__}"


def serial_signature(ctx: FunctionSigContext, options: Options) -> FunctionLike:
    """The signature of `serial` for just these layers."""
    call, sig = ctx.context, ctx.default_signature
    if not isinstance(call, CallExpr):
        return sig
    least, several = sig.arg_kinds.count(ARG_POS), len(call.args)
    if ARG_STAR not in call.arg_kinds and (several < least if sig.is_var_arg else several != least):
        return sig  # mypy asks for every overload, and takes none of another length
    if any(kind not in (ARG_POS, ARG_STAR) for kind in call.arg_kinds):
        return sig
    types = [get_proper_type(ctx.api.get_expression_type(a)) for a in call.args]
    if ARG_STAR in call.arg_kinds:
        lists = any(k == ARG_STAR and isinstance(t, Instance) for k, t in zip(call.arg_kinds, types, strict=True))
        joined = any(k == ARG_STAR and _of_objects(t) for k, t in zip(call.arg_kinds, types, strict=True))
        return _of_a_list(sig, call, types, joined) if lists else sig
    strangers = [(a, t) for a, t in zip(call.args, types, strict=True) if isinstance(t, (CallableType, Instance))]
    for a, t in strangers:
        problem = f"got {shown(t, options)}"
        if isinstance(t, CallableType) and is_layer(t.ret_type):
            problem = f"{titled(a, 'this')} makes one: call it"
        ctx.api.fail(f"serial takes layers, {problem}", a, code=WIRING)
    if strangers:
        return _accepting(sig, list(types), AnyType(TypeOfAny.from_error))
    known = [t for t in map(as_layer, types) if t is not None]
    if len(known) < len(types) or len(types) < 2:
        return sig
    given = _type_of(known[0], 1)
    for i in range(len(known) - 1):
        wanted, wrong = _type_of(known[i + 1], 0), False
        if fits(given, wanted):
            pass
        elif (other := _behind(ctx, call.args[i + 1], known[i + 1], given)) is not None:
            known[i + 1] = other
        else:
            wrong = True
            here, before = titled(call.args[i + 1], f"layer {i + 1}"), titled(call.args[i], f"layer {i}")
            ctx.api.fail(
                f"{here} takes {shown(wanted, options)}, but {before} before it gives {shown(given, options)}",
                call.args[i + 1], code=WIRING,
            )  # fmt: skip
        given = _type_of(known[i + 1], 1) if wrong else _passed(call.args[i + 1], given, _type_of(known[i + 1], 1))
    return _accepting(sig, list(known), _layer_type(known[0], _type_of(known[0], 0), given))


def _passed(e: Expression, given: Type, out: Type) -> Type:
    """What comes out where this tuple comes in: of `first` and `keep` its own rest, of `select` its own items."""
    into, gives = get_proper_type(given), get_proper_type(out)
    if not isinstance(into, TupleType) or not isinstance(e, CallExpr) or not isinstance(e.callee, RefExpr):
        return out
    if e.callee.fullname in PASSING and isinstance(gives, TupleType) and _open(gives):
        return into.copy_modified(items=[gives.items[0], *into.items[1:]])
    if e.callee.fullname == SELECT and not any(isinstance(i, UnpackType) for i in into.items):
        places = [a.value for a in e.args if isinstance(a, IntExpr) and a.value < len(into.items)]
        if len(places) == len(e.args) > 0:
            found = [into.items[i] for i in places]
            return found[0] if len(found) == 1 else into.copy_modified(items=found)
    return out


def _behind(ctx: FunctionSigContext, e: Expression, layer: TupleType, given: Type) -> TupleType | None:
    """The type of a layer where this value comes in, if its call can be taken so: `select(1)` of what stands there."""
    if not isinstance(e, CallExpr) or any(is_layer(ctx.api.get_expression_type(a)) for a in e.args):
        return None  # of layers made of layers, mypy would say the mistake in its own words
    wanted = _layer_type(layer, given, ctx.api.named_generic_type("builtins.object", []))
    found = as_layer(ctx.api.get_expression_type(e, wanted))
    return found if found is not None and fits(given, _type_of(found, 0)) else None


def shift_signature(ctx: MethodSigContext, options: Options) -> FunctionLike:
    """The signature of `>>` between just these two layers."""
    sig, left = ctx.default_signature, as_layer(ctx.type)
    if not isinstance(ctx.context, OpExpr) or len(ctx.args) != 1 or len(ctx.args[0]) != 1 or left is None:
        return sig
    e = ctx.args[0][0]
    right = as_layer(ctx.api.get_expression_type(e))
    if right is None or fits(_type_of(left, 1), _type_of(right, 0)):
        return sig
    given, wanted = shown(_type_of(left, 1), options), shown(_type_of(right, 0), options)
    what = titled(e, "the right side")
    ctx.api.fail(f"{what} takes {wanted}, but what stands before it gives {given}", e, code=WIRING)
    return _accepting(sig, [right], _layer_type(left, _type_of(left, 0), AnyType(TypeOfAny.from_error)))


def features_signature(ctx: MethodSigContext, options: Options) -> FunctionLike:
    """The signature of `apply(params, x)` and of an objective: features may be numbers of any kind, such as bytes."""
    sig = _in_place(ctx, options)
    if len(sig.arg_types) < 2 or shown(sig.arg_types[1], options) != "Array":
        return sig
    array = get_proper_type(sig.arg_types[1])
    assert isinstance(array, Instance)
    anything = AnyType(TypeOfAny.special_form)
    kinds: list[Type] = [array]
    for scalar in ("numpy.integer", "numpy.bool"):
        dtype = get_proper_type(array.args[1])
        assert isinstance(dtype, Instance)
        number = ctx.api.named_generic_type(scalar, [anything])
        other = dtype.copy_modified(args=[number])  # pyright: ignore[reportUnknownMemberType]
        kinds.append(array.copy_modified(args=[array.args[0], other]))  # pyright: ignore[reportUnknownMemberType]
    types = [sig.arg_types[0], UnionType(kinds), *sig.arg_types[2:]]
    return sig.copy_modified(arg_types=types)  # pyright: ignore[reportUnknownMemberType]


def _in_place(ctx: MethodSigContext, options: Options) -> CallableType:
    """The signature, where arrays that are made in place are what they are: mypy lets them be what is wanted."""
    sig = ctx.default_signature
    types = list(sig.arg_types)
    for i, (wanted, args) in enumerate(zip(sig.arg_types, ctx.args, strict=True)):
        if shown(wanted, options) not in ("Tokens", "Mask") or len(args) != 1 or not _made_by_numpy(args[0]):
            continue
        given = ctx.api.get_expression_type(args[0])
        if shown(given, options) in ARRAYS.values() and not fits(given, wanted):
            text = f"{shown(wanted, options)} are taken, but this is an {shown(given, options)}"
            ctx.api.fail(text, args[0], code=WIRING)
            types[i] = given
    return sig.copy_modified(arg_types=types)  # pyright: ignore[reportUnknownMemberType]


def _made_by_numpy(e: Expression, deep: int = 3) -> bool:
    """Is it a call of NumPy's, and not one of many calls within each other, each of which mypy would read twice?"""
    if not isinstance(e, CallExpr) or not deep:
        return False
    f = e.callee
    known = isinstance(f, RefExpr) and f.fullname.startswith("numpy.")
    cast = isinstance(f, MemberExpr) and f.name == "astype"
    return (known or cast) and all(not isinstance(a, CallExpr) or _made_by_numpy(a, deep - 1) for a in e.args)


def objective_signature(ctx: FunctionSigContext, options: Options) -> FunctionLike:
    """The signature of `value_and_grad` and `grad`: does the loss take what the network gives?"""
    call, sig = ctx.context, ctx.default_signature
    if not isinstance(call, CallExpr) or len(call.args) < 2 or call.arg_kinds[:2] != [ARG_POS, ARG_POS]:
        return sig
    types = [get_proper_type(ctx.api.get_expression_type(a)) for a in call.args]
    loss, apply = types[:2]
    if not (isinstance(loss, Instance) and isinstance(apply, Instance)):
        return sig
    if (loss.type.fullname, apply.type.fullname) != (LOSS, APPLY) or fits(apply.args[1], loss.args[0]):
        return sig
    wanted, given = shown(loss.args[0], options), shown(apply.args[1], options)
    what = titled(call.args[0], "the loss")
    ctx.api.fail(f"{what} takes {wanted}, but the network gives {given}", call.args[1], code=WIRING)
    return _accepting(sig, list(types), AnyType(TypeOfAny.from_error))


def _of_objects(t: Type) -> bool:
    """Is this a list of layers of tokens and of arrays, of which mypy's join leaves `(Init, object)`?"""
    p = get_proper_type(t)
    item = get_proper_type(p.args[0]) if isinstance(p, Instance) and len(p.args) == 1 else None
    return isinstance(item, TupleType) and len(item.items) == 2 and is_init(item.items[0]) and not is_layer(item)


def _of_a_list(sig: CallableType, call: CallExpr, types: Sequence[Type], joined: bool) -> CallableType:
    """One signature for any number of layers: left with several, mypy finds them ambiguous, and gives up the pair."""
    given = get_proper_type(sig.ret_type)
    if not isinstance(given, TupleType):
        return sig
    unknown: Type = AnyType(TypeOfAny.explicit)
    x: Type | None = None
    y = unknown
    for t, kind in zip(map(get_proper_type, types), call.arg_kinds, strict=True):
        item = t.args[0] if kind == ARG_STAR and isinstance(t, Instance) and len(t.args) == 1 else t
        known = as_layer(item)
        into, out = (unknown, unknown) if known is None else (_type_of(known, 0), _type_of(known, 1))
        empty = kind == ARG_STAR and x is not None  # perhaps: then what stands before it goes on
        x, y = into if x is None else x, out if not empty or is_same_type(y, out) else unknown
        if kind == ARG_STAR and not fits(out, into):  # of one layer or none, or else wrong
            y = unknown
    result = _layer_type(given, unknown if x is None else x, y)
    taken = unknown if joined else _layer_type(given, unknown, unknown)
    return sig.copy_modified(  # pyright: ignore[reportUnknownMemberType]
        arg_types=[taken], arg_kinds=[ARG_STAR], arg_names=[None], ret_type=result, variables=[]
    )


def _accepting(sig: CallableType, types: Sequence[Type], result: Type) -> CallableType:
    """A signature for arguments of just these types."""
    n = len(types)
    return sig.copy_modified(  # pyright: ignore[reportUnknownMemberType]
        arg_types=types, arg_kinds=[ARG_POS] * n, arg_names=[None] * n, ret_type=result, variables=[]
    )


def fits(given: Type, wanted: Type) -> bool:
    """May this value go where that one is taken? What is gradual at the end of both tuples may have any length."""
    if is_subtype(given, wanted):
        return True
    a, b = get_proper_type(given), get_proper_type(wanted)
    if not (isinstance(a, TupleType) and isinstance(b, TupleType) and _open(a) and _open(b)):
        return False
    return all(map(fits, a.items[:-1], b.items[:-1]))


def _open(t: TupleType) -> bool:
    """Does this tuple end in `*tuple[Any, ...]`?"""
    last = get_proper_type(t.items[-1]) if t.items else None
    rest = get_proper_type(last.type) if isinstance(last, UnpackType) else None
    return isinstance(rest, Instance) and len(rest.args) == 1 and isinstance(get_proper_type(rest.args[0]), AnyType)


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
    layer = like.partial_fallback.copy_modified(args=[x, y])  # pyright: ignore[reportUnknownMemberType]
    layer.extra_attrs = None
    generic = layer.type.tuple_type
    assert generic is not None
    pair = expand_type_by_instance(generic, layer)
    assert isinstance(pair, TupleType)
    return pair.copy_modified(fallback=layer)
