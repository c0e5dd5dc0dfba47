"""Error codes, and messages with types as people write them."""

from __future__ import annotations

import os
from typing import Final

from mypy.errorcodes import ErrorCode
from mypy.messages import format_type_bare
from mypy.nodes import CallExpr, Context, Expression, MemberExpr, NameExpr
from mypy.options import Options
from mypy.plugin import CheckerPluginInterface
from mypy.types import AnyType, Instance, TupleType, Type, UnpackType, get_proper_type

from funcnn.mypy_plugin.recipes import Call, Node
from funcnn.mypy_plugin.runs import Verdict

SHAPE: Final = ErrorCode("funcnn-shape", "The shapes of a network do not fit", "funcnn")
WIRING: Final = ErrorCode("funcnn-wiring", "What a layer gives is not what the next one takes", "funcnn")
VALUE: Final = ErrorCode("funcnn-value", "A constructor of layers refuses its arguments", "funcnn")

ARRAYS: Final = {"numpy.floating": "Array", "numpy.integer": "Tokens", "numpy.bool": "Mask", "numpy.bool_": "Mask"}


def shown(t: Type, options: Options) -> str:
    """A type with the names that funcnn has for it: `tuple[Array, ...]`."""
    p = get_proper_type(t)
    match p:
        case Instance(args=[_, dtype]) if p.type.fullname == "numpy.ndarray":
            return _array(dtype) or format_type_bare(p, options)
        case Instance(args=[item]) if p.type.fullname == "builtins.tuple":
            return f"tuple[{shown(item, options)}, ...]"
        case TupleType() if p.partial_fallback.type.fullname == "builtins.tuple":
            return f"tuple[{', '.join(shown(item, options) for item in p.items) or '()'}]"
        case UnpackType():
            return f"*{shown(p.type, options)}"
        case AnyType():
            return "Any"
        case _:
            return format_type_bare(p, options)


def _array(dtype: Type) -> str | None:
    match get_proper_type(dtype):
        case Instance(args=[scalar]):
            kind = get_proper_type(scalar)
            return ARRAYS.get(kind.type.fullname) if isinstance(kind, Instance) else None
        case _:
            return None


def titled(e: Expression, otherwise: str) -> str:
    """What a layer is called in the source."""
    if isinstance(e, CallExpr) and isinstance(e.callee, (NameExpr, MemberExpr)):
        return f"{e.callee.name}(...)" if e.args else f"{e.callee.name}()"
    return e.name if isinstance(e, (NameExpr, MemberExpr)) else otherwise


def _near(path: str) -> str:
    """The path of a file from here, if it is below."""
    here = os.path.join(os.getcwd(), "")
    return path.removeprefix(here)


def report_shape(api: CheckerPluginInterface, network: Node, verdict: Verdict, call: Context) -> None:
    """Say what does not fit at the layer that is to blame, or where it meets the shape if it stands in another file."""
    place, path = verdict.place, verdict.path
    if place is not None and path == api.path:
        guilty = Context(place.line, place.column)
        guilty.end_line, guilty.end_column = place.end_line, place.end_column
        given = "" if place.line == call.line else f" (input shape given on line {call.line})"
        api.fail(f"{verdict.error}{given}", guilty, code=SHAPE)
        return
    if place is None and isinstance(network, Call):
        place, path = network.place, network.path
    far = f" (layer built at {_near(path)}:{place.line})" if place is not None and path != api.path else ""
    api.fail(f"{verdict.error}{far}", call, code=SHAPE)
