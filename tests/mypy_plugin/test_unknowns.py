"""What mypy does not know never accuses: forget parts of a program that is right, and nothing is wrong with it."""

from __future__ import annotations

import ast
import random
from typing import Any

import pytest

from funcnn.mypy_plugin.recipes import ANY, Argument, Call, Items, Missing, Node, Place, Ref, Value, exact
from funcnn.mypy_plugin.runs import Runner
from funcnn.mypy_plugin.trust import Loader, Trust
from funcnn.networks import is_layer
from tests.catalogue import NAMESPACE
from tests.mypy_plugin.random_programs import ROWS, network

HERE = Place(1, 0, 1, 9)
RUNNER = Runner(Loader(Trust()))
KINDS = {int: "int", float: "float", bool: "bool", str: "value"}


def recipe(r: random.Random, node: ast.expr, forgotten: float) -> Node:
    """The recipe of an expression of the catalogue, of which some parts are forgotten."""
    forget = r.random() < forgotten
    match node:
        case ast.Constant(value=int() | float() | str() | None as value):
            return Missing(KINDS[type(value)]) if forget and value is not None else Value(value)
        case ast.UnaryOp():
            return Missing("int") if forget else Value(ast.literal_eval(node))
        case ast.Tuple(elts=elements):
            return Missing("value") if forget else Items(tuple(recipe(r, e, forgotten) for e in elements))
        case ast.Name(id=name):
            made = NAMESPACE[name]
            if not is_layer(made):
                return Missing("function")
            record = made.init.record
            assert record is not None
            return Missing("layer") if forget else Ref(record.module, record.name)
        case ast.BinOp(left=left, right=right):
            return call("", ">>", [recipe(r, left, forgotten), recipe(r, right, forgotten)])
        case ast.Call(func=ast.Attribute(value=inner), args=args):
            return call("", "named", [recipe(r, e, forgotten) for e in (inner, *args)])
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            if forget and r.random() < 0.3:
                return Missing("layer")
            options = {k.arg or "": Argument(recipe(r, k.value, forgotten), HERE) for k in keywords}
            made = call(NAMESPACE[name].__module__, name, [recipe(r, a, forgotten) for a in args])
            return made._replace(kwargs=options)
        case _:
            return ANY


def call(module: str, name: str, args: list[Node]) -> Call:
    """A call somewhere."""
    return Call(module, name, tuple(Argument(a, HERE) for a in args), {}, "a.py", HERE)


def sizes(r: random.Random, shape: Any, forgotten: float) -> Node:
    """A shape of which some sizes are forgotten."""
    if isinstance(shape, tuple):
        return Items(tuple(sizes(r, d, forgotten) for d in shape))
    return Missing("int") if r.random() < forgotten else Value(shape)


def consistent(known: Any, real: Any) -> bool:
    """Is this the real shape, with -1 for what is not known?"""
    if isinstance(known, tuple) and isinstance(real, tuple):
        return len(known) == len(real) and all(map(consistent, known, real))
    return bool(known in (-1, real))


@pytest.mark.parametrize("seed", range(5))
def test_what_is_forgotten_does_not_accuse(seed: int) -> None:
    """No error is found in a network that is right, and no shape that it has not, whatever mypy fails to know of it."""
    r = random.Random(seed)
    told = 0
    for i in range(100):
        tree, shape = network(r, ROWS[(100 * seed + i) % len(ROWS)])
        try:
            real = eval(ast.unparse(tree), dict(NAMESPACE)).out_shape(shape)
        except Exception:
            continue
        for forgotten in (0.0, 0.1, 0.3):
            node, given = recipe(r, tree, forgotten), sizes(r, shape, forgotten)
            verdict = RUNNER.verdict(node, given, params=r.random() < 0.5)
            whole = exact(node) and exact(given)  # chance forgot nothing: then `init` may refuse what is not known
            context = f"{ast.unparse(tree)} on {shape}, as {node}"
            assert verdict.error is None or (whole and "where the network gets" in verdict.message), context
            assert verdict.shape is None or consistent(verdict.shape, real), context
            assert verdict.shape is not None or verdict.error or not exact(node), context
            told += verdict.shape is not None and forgotten > 0
    assert told > 30
