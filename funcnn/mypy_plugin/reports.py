"""Error codes, and messages with types as people write them."""

from __future__ import annotations

import os
import re
from typing import Final

from mypy.checker import TypeChecker
from mypy.errorcodes import ErrorCode
from mypy.messages import format_type_bare
from mypy.nodes import CallExpr, Context, Expression, MemberExpr, NameExpr
from mypy.options import Options
from mypy.plugin import CheckerPluginInterface
from mypy.types import AnyType, Instance, TupleType, Type, UnpackType, get_proper_type

from funcnn.mypy_plugin.flow.data import Complaint
from funcnn.mypy_plugin.recipes import Call, Node, Place
from funcnn.mypy_plugin.building import Verdict

SHAPE: Final = ErrorCode("funcnn-shape", "The shapes of a network do not fit", "funcnn")
WIRING: Final = ErrorCode("funcnn-wiring", "What a layer gives is not what the next one takes", "funcnn")
VALUE: Final = ErrorCode("funcnn-value", "A constructor of layers refuses its arguments", "funcnn")
TRUSTED: Final = ErrorCode("funcnn-trusted", "Code of a trusted module cannot be run", "funcnn")

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


def told(api: object, line: int, code: ErrorCode | None = None) -> bool:
    """Has mypy reported something, or something of this code, on this line already? One mistake is one error."""
    if not isinstance(api, TypeChecker):
        return False
    infos = api.errors.error_info_map.get(api.errors.file, [])
    return any(info.line == line and info.severity == "error" and code in (None, info.code) for info in infos)


def again(api: object, guilty: Context, text: str, code: ErrorCode) -> bool:
    """Has it been said of this layer already, for the shape of another call, or for other numbers?"""
    if not isinstance(api, TypeChecker):
        return False
    infos = api.errors.error_info_map.get(api.errors.file, [])
    same = [info.message for info in infos if (info.line, info.column, info.code) == (guilty.line, guilty.column, code)]
    return any(_core(message) == _core(text) and message != text for message in same)


def _core(text: str) -> str:
    return re.sub(r"\?|\d+|\(?(input shape )?given on line.*", "#", text)


def titled(e: Expression, otherwise: str) -> str:
    """What a layer is called in the source."""
    if isinstance(e, CallExpr) and isinstance(e.callee, (NameExpr, MemberExpr)):
        return f"{e.callee.name}(...)" if e.args else f"{e.callee.name}()"
    return e.name if isinstance(e, (NameExpr, MemberExpr)) else otherwise


def _near(path: str) -> str:
    """The path of a file from here, if it is below."""
    here = os.path.join(os.getcwd(), "")
    return path.removeprefix(here)


def _at(place: Place) -> Context:
    guilty = Context(place.line, place.column)
    guilty.end_line, guilty.end_column = place.end_line, place.end_column
    return guilty


def report_complaint(api: CheckerPluginInterface, found: Complaint, call: Context) -> None:
    """Say what a call would raise at who is to blame for it."""
    guilty = _at(found.place)
    here = not found.path or found.path == api.path
    given = f" (given on line {call.line})" if here and found.place.line != call.line else ""
    _fail(api, f"{found.text}{given}", guilty if here else call, VALUE if found.code == "value" else SHAPE)


def _fail(api: CheckerPluginInterface, text: str, guilty: Context, code: ErrorCode) -> None:
    if not again(api, guilty, text, code):
        api.fail(text, guilty, code=code)


def built_at(network: Node, verdict: Verdict, path: str, line: int) -> str:
    """Where the layer stands that an error is about, if that is elsewhere."""
    place, where = verdict.place, verdict.path
    if place is None and isinstance(network, Call):
        place, where = network.place, network.path
    if place is None or (where == path and place.line == line):
        return ""
    return f" (layer built on line {place.line})" if where == path else f" (layer built at {_near(where)}:{place.line})"


def report_shape(api: CheckerPluginInterface, network: Node, verdict: Verdict, call: Context) -> None:
    """Say what does not fit at the layer that is to blame, or where it meets the shape if it stands in another file."""
    place, path = verdict.place, verdict.path
    if place is not None and path == api.path:
        guilty = _at(place)
        given = "" if place.line == call.line else f" (input shape given on line {call.line})"
        _fail(api, f"{verdict.error}{given}", guilty, SHAPE)
        return
    far = built_at(network, verdict, api.path, call.line)
    around = next((at for where, at in verdict.around if where == api.path), None)
    _fail(api, f"{verdict.error}{far}", call if around is None else _at(around), SHAPE)
