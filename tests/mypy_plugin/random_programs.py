"""Random networks over every row of the catalogue, written out as programs, with what happens when they run.

Rows grow into others by themselves: a layer that is an argument is replaced by another row, and integers are changed.
So a new layer or combinator takes part as soon as it has a row.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from funcnn import Layer, ShapeError
from funcnn.networks import is_layer
from funcnn.networks.pair import altered
from funcnn.networks.surgery import children_of
from tests.catalogue import COMBINATORS, LAYERS, NAMESPACE, LayerRow, Template

ROWS = (*LAYERS, *COMBINATORS)


class Verdict(NamedTuple):
    """What is wrong with a network, and the line it is about."""

    line: int
    code: str
    message: str


class Program(NamedTuple):
    """Source text; the first and last line of each network, and the verdict on it when it runs, None if it is right."""

    source: str
    networks: list[tuple[int, int, Verdict | None]]


class Style(NamedTuple):
    """How a program writes a network down: the lines before it, what it is assigned to, the lines after it."""

    before: tuple[str, ...]
    made: str
    after: tuple[str, ...]


CONFIG = ("@dataclass", "class Config{0}:", "    net: Layer[Any, Any]")
ITEMS = Style((), "layers{0} = ", ("net{0} = serial(*layers{0})",))
STYLES = (
    Style((), "net{0} = ", ()),
    Style(("def make{0}() -> Layer[Any, Any]:",), "    return ", ("net{0} = make{0}()",)),
    Style(("class Model{0}:", "    def __init__(self) -> None:"), "        self.net = ", ("net{0} = Model{0}().net",)),
    Style(CONFIG, "config{0} = Config{0}(", (")", "net{0} = config{0}.net")),
    Style(("for _ in range(2):",), "    net{0} = ", ()),
    ITEMS,
)
REFUSED = object()


class Writer:
    """Writes a network with every layer on a line of its own, and makes it at the same time."""

    def __init__(self, first_line: int) -> None:
        self.first_line = first_line
        self.lines = [""]
        self.refused: Verdict | None = None
        self._at: list[tuple[Any, int]] = []  # the layers, each a value of its own, and their lines

    def write(self, node: ast.expr, indent: str = "") -> Any:
        """Append the source of an expression, and return its value, or `REFUSED` if a constructor refuses it."""
        line = self.first_line + len(self.lines) - 1
        make = self._written(node, indent)
        try:
            made = make()
        except ValueError as error:
            self.refused = self.refused or Verdict(line, "funcnn-value", str(error))
            return REFUSED
        if is_layer(made):
            self._at.append((made, line))
        return made

    def _written(self, node: ast.expr, indent: str) -> Callable[[], Any]:
        """Append the source; what makes the value comes after, for it may be refused."""
        match node:
            case ast.Call(func=ast.Attribute(value=inner, attr="named"), args=[ast.Constant(value=str() as name)]):
                unnamed = self.write(inner, indent)
                self.lines[-1] += f".named({name!r})"
                return lambda: REFUSED if unnamed is REFUSED else unnamed.named(name)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if _has_layers(node):
                self.lines[-1] += f"{name}("
                values = [self._operand(a, "", indent) for a in args]
                options = {k.arg or "": self._operand(k.value, f"{k.arg}=", indent) for k in keywords}
                self.lines.append(f"{indent})")
                refused = any(v is REFUSED for v in (*values, *options.values()))
                return lambda: REFUSED if refused else NAMESPACE[name](*values, **options)
            case ast.BinOp(left=left, op=ast.RShift(), right=right):
                before = self.write(left, indent)
                self.lines.append(f"{indent}>> ")
                after = self.write(right, indent)
                return lambda: REFUSED if REFUSED in (before, after) else before >> after
            case _:
                source = ast.unparse(node)
                self.lines[-1] += source
                return lambda: _own(eval(source, dict(NAMESPACE)))

    def _operand(self, node: ast.expr, prefix: str, indent: str) -> Any:
        self.lines.append(f"{indent}    {prefix}")
        made = self.write(node, indent + "    ")
        self.lines[-1] += ","
        return made

    def _line(self, here: Layer[Any, Any], after: int) -> int | None:
        """Where this very layer is written down; or the one that it is under another name, below its parent."""
        exactly = [line for made, line in self._at if made.definition is here.definition]
        renamed = [line for made, line in self._at if made.definition.rule is here.definition.rule and line > after]
        return min(exactly or renamed, default=None)

    def line_of(self, net: Layer[Any, Any], error: ShapeError) -> int | None:
        """The line of the innermost layer on the error's path that is written down; None for the network itself."""
        found, here = None, net
        for name in error.path:
            while here.definition.transparent:  # what it holds may have a child of that same name
                (here,) = children_of(here).values()
                found = self._line(here, found or 0) or found
            children = children_of(here)
            if name not in children:
                break
            here = children[name]
            found = self._line(here, found or 0) or found
        while here.definition.transparent and not error.message.startswith(str(here.init.record).partition("(")[0]):
            (here,) = children_of(here).values()  # it says nothing itself, and what it holds has its path
            found = self._line(here, found or 0) or found
        return found


def _own(made: Any) -> Any:
    """A layer that is no other's object, so that it can be told apart."""
    return altered(made) if is_layer(made) else made


def _has_layers(call: ast.Call) -> bool:
    return any(map(_makes_layer, (*call.args, *(k.value for k in call.keywords))))


def _makes_layer(node: ast.expr) -> bool:
    try:
        return is_layer(eval(ast.unparse(node), dict(NAMESPACE)))
    except Exception:
        return isinstance(node, ast.Call)


def program(seed: int, networks: int) -> Program:
    """A program of some networks, every one of which meets a shape."""
    r, s = random.Random(seed), random.Random(-1 - seed)
    source = ["from dataclasses import dataclass", "from typing import Any", "import numpy as np"]
    source += ["from funcnn import *", "from funcnn import repeat, select, split", ""]
    found: list[tuple[int, int, Verdict | None]] = []
    for i in range(networks):
        first = len(source) + 1
        tree, shape = network(r, ROWS[(seed * networks + i) % len(ROWS)])
        style = s.choice(STYLES)
        if style is ITEMS and not (isinstance(tree, ast.Call) and getattr(tree.func, "id", "") == "serial"):
            style = STYLES[0]
        before = [line.format(i) for line in style.before]
        writer = Writer(first + len(before))
        chain = isinstance(tree, ast.BinOp)
        writer.lines = [f"{style.made.format(i)}{'(' if chain else ''}"]
        call = r.choice(["init(0, {})", "init(0, {})", "out_shape({})"]).format(shape)
        net = writer.write(tree)
        verdict = writer.refused if net is REFUSED else _met(writer, net, call)
        if chain:
            writer.lines.append(")")
        if style is ITEMS:  # written as a list, whose items are then taken
            writer.lines[0], writer.lines[-1] = writer.lines[0].replace("serial(", "["), "]"
        margin = " " * (len(style.made) - len(style.made.lstrip()))
        lines = [line if n == 0 else margin + line for n, line in enumerate(writer.lines)]
        lines = [*before, *lines, *(line.format(i) for line in style.after)]
        end = first + len(lines)
        if style is ITEMS and verdict is not None and verdict.line == writer.first_line:
            verdict = verdict._replace(line=end - 1)
        if verdict is not None and verdict.line == 0:
            verdict = verdict._replace(line=end)
        source += lines
        source.append(f"net{i}.{call}")
        found.append((first, end, verdict))
    return Program("\n".join(source) + "\n", found)


def _met(writer: Writer, net: Layer[Any, Any], call: str) -> Verdict | None:
    try:
        eval(f"net.{call}", {"net": net})
    except ShapeError as error:
        return Verdict(writer.line_of(net, error) or 0, "funcnn-shape", error.message)
    except Exception:  # an unknown size that a rule wants to know, or structures that types refuse
        return None
    return None


def network(r: random.Random, row: LayerRow) -> tuple[ast.expr, Any]:
    """A network that begins with this row, and a shape for it: mostly right, so that errors lie deep."""
    shape = shape_for(r, row.shape, {})
    if r.random() < 0.5:
        shape = _unknown_batch(shape)
    parts = [_varied(r, row, depth=2 if r.random() < 0.3 else 0)]
    reached: Any = _out(parts[0], shape)
    for _ in range(r.randint(0, 4)):
        for _ in range(6):
            part = _varied(r, r.choice(ROWS), depth=2)
            out = _out(part, reached)
            if out is not None or r.random() < 0.25:
                break
        parts.append(part)
        reached = out
    if len(parts) > 1 and r.random() < 0.3:
        chain = parts[0]
        for part in parts[1:]:
            chain = ast.BinOp(chain, ast.RShift(), part)
        return chain, shape
    return ast.Call(ast.Name("serial", ast.Load()), parts, []), shape


def _out(part: ast.expr, shape: Any) -> Any:
    try:
        return eval(ast.unparse(part), dict(NAMESPACE)).out_shape(shape)
    except Exception:
        return None


def _varied(r: random.Random, row: LayerRow, depth: int) -> ast.expr:
    """A row's source, with other layers in it and other numbers."""
    tree = ast.parse(row.source, mode="eval").body

    def change(node: ast.expr, depth: int) -> ast.expr:
        if isinstance(node, ast.Call):
            node.args = [_replaced(r, a, depth, change) for a in node.args]
            for k in node.keywords:
                k.value = _replaced(r, k.value, depth, change)
        return node

    changed = change(tree, depth)
    named = isinstance(changed, ast.Call) and isinstance(changed.func, ast.Attribute)
    if not named and r.random() < 0.1:
        name = ast.Constant(r.choice(["a", "b", "head"]))
        return ast.Call(ast.Attribute(changed, "named", ast.Load()), [name], [])
    return changed


def _replaced(r: random.Random, node: ast.expr, depth: int, change: Any) -> ast.expr:
    if isinstance(node, ast.Constant) and type(node.value) is int and r.random() < 0.15:
        return ast.Constant(r.choice([0, 1, 2, 3, 4, 5]))
    if _makes_layer(node):
        if depth and r.random() < 0.25:
            return _varied(r, r.choice(ROWS), depth - 1)
        changed: ast.expr = change(node, depth - 1 if depth else 0)
        return changed
    if isinstance(node, ast.Tuple):
        node.elts = [_replaced(r, e, 0, change) for e in node.elts]
    return node


def shape_for(r: random.Random, template: Template, sizes: dict[str, int]) -> Any:
    """A shape for a template of the catalogue."""

    def parts() -> Iterator[Any]:
        for t in template:
            if t is ...:
                yield from (r.randint(1, 4) for _ in range(r.randint(0, 2)))
            elif isinstance(t, tuple):
                yield shape_for(r, t, sizes)
            elif isinstance(t, range):
                yield r.choice(t)
            elif isinstance(t, str):
                yield sizes.setdefault(t, r.randint(1, 5))
            else:
                yield t

    return tuple(parts())


def _unknown_batch(shape: Any) -> Any:
    if isinstance(shape[0], tuple):
        return tuple(map(_unknown_batch, shape))
    return (-1, *shape[1:])
