"""Laws about a layer among others: serial is associative, serial() is its identity, the chain rule, products, sums."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from funcnn.calculus import force
from funcnn.combinators import parallel, residual
from funcnn.combinators.fans import FanInSum, FanOut
from funcnn.derivatives import vjp
from funcnn.initializers import ones
from funcnn.inputs import passes
from funcnn.layers.reshaping import Identity
from funcnn.networks import Layer, is_layer, layer, serial
from funcnn.networks.definitions import Spec
from funcnn.params import Params
from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.judging.tolerances import compare_exactly
from funcnn.testing.judging.verdicts import Law, Verdict, broken
from funcnn.types import Shape


@layer
def gain() -> Layer[Any, Any]:
    """A number times whatever comes, `y = gain x`: the neighbour that layers are composed with. Tokens pass."""

    def spec(shape: Shape) -> Spec:
        del shape
        return {"gain": (ones, ())}

    def rule(params: Mapping[str, Any], x: Any) -> tuple[Any, Any]:
        by = params["gain"]
        y = nested.mapped(lambda a: a * by if a.dtype.kind in "fc" else a, x)

        def pullback(dy: Any) -> tuple[dict[str, Any], Any]:
            terms = nested.mapped(lambda a, d: (a * d).sum() if a.dtype.kind in "fc" else by * 0, x, dy)
            total = np.array(sum(term for _, term in nested.leaves(terms)), dtype=by.dtype)
            dx = nested.mapped(lambda a, d: d * by if a.dtype.kind in "fc" else d * 0, x, dy)
            return {"gain": total}, dx

        return y, pullback

    return Layer.of(lambda shape: shape, spec, rule, takes=passes)


def _tree(**children: Any) -> dict[str, Any]:
    """Params of a combinator: children without params have no entry."""
    return {name: child for name, child in children.items() if len(child)}


def _run(case: Case, net: Layer[Any, Any], params: Mapping[str, Any], x: Any, dy: Any = None) -> dict[str, Any]:
    """Value and gradients of a network at these params; the cotangent is the case's own unless it is given."""
    y, pullback = vjp(net.apply, Params(params), x)
    dparams, dx = pullback(case.cotangent(y) if dy is None else dy)
    return {"y": y, "params": nested.mapped(lambda a: a, dparams), "x": dx}


def _before(case: Case) -> dict[str, Any]:
    """What comes before the layer leaves its domain to it."""
    return {"gain": np.asarray(1.25 if case.domain is None else 1, case.dtype)}


def _after(case: Case) -> dict[str, Any]:
    return {"gain": np.asarray(-0.75, case.dtype)}


def _associative(case: Case) -> None:
    a, f, c = gain().named("a"), case.layer.named("f"), gain().named("c")
    pa, pf, pc = _before(case), case.params, _after(case)
    flat = _run(case, serial(a, f, c), _tree(a=pa, f=pf, c=pc), case.x)
    right = _run(case, serial(a, serial(f, c).named("inner")), _tree(a=pa, inner=_tree(f=pf, c=pc)), case.x)
    left = _run(case, serial(serial(a, f).named("inner"), c), _tree(inner=_tree(a=pa, f=pf), c=pc), case.x)
    for what, got in (("serial(a, serial(f, c))", right), ("serial(serial(a, f), c)", left)):
        inner = got["params"].pop("inner", {})
        got["params"].update(inner)
        compare_exactly(got, flat, f"{what} is not serial(a, f, c)")
    if a >> f >> c != serial(a, f, c) or (a >> (f >> c)) != ((a >> f) >> c):
        raise broken("a >> f >> c is not serial(a, f, c)")


def _identity(case: Case) -> None:
    f = case.layer.named("f")
    y, pullback = case.pull()
    alone = {"y": y, **pullback(case.cotangent(y))}
    alone["params"] = _tree(f=alone["params"])
    for what, net in {
        "serial(f)": serial(f),
        "serial(serial(), f)": serial(serial().named("nothing"), f),
        "serial(f, serial())": serial(f, serial()),
        "serial(Identity, f)": serial(Identity, f),
    }.items():
        compare_exactly(_run(case, net, _tree(f=case.params), case.x), alone, f"{what} is not f")


def _chain_rule(case: Case) -> None:
    f, g = case.layer, gain()
    net = serial(f.named("f"), g.named("g"))
    got = _run(case, net, _tree(f=case.params, g=_after(case)), case.x)
    y, pull_f = vjp(f.apply, case.params, case.x)
    out, pull_g = g.apply.rule(_after(case), y)
    dg, dy = pull_g(case.cotangent(out))
    df, dx = pull_f(force(dy))
    wanted = {"y": out, "params": _tree(f=nested.mapped(lambda a: a, df), g=dg), "x": dx}
    compare_exactly(got, wanted, "vjp(serial(f, g)) is not the pullback of g, then that of f")


def _interchange(case: Case) -> None:
    f, c = case.layer.named("f"), gain().named("c")
    a, b = gain().named("a"), gain().named("b")
    pf, pc, pa, pb = case.params, _after(case), _before(case), _after(case)
    pairs = serial(parallel(f, a).named("first"), parallel(c, b).named("then"))
    rows = parallel(serial(f, c).named("up"), serial(a, b).named("down"))
    x = (case.x, case.x)
    got = _run(case, pairs, {"first": _tree(f=pf, a=pa), "then": _tree(c=pc, b=pb)}, x)
    wanted = _run(case, rows, {"up": _tree(f=pf, c=pc), "down": _tree(a=pa, b=pb)}, x)
    for tree in (got, wanted):
        tree["params"] = {name: leaf for part in tree["params"].values() for name, leaf in part.items()}
    compare_exactly(got, wanted, "serial(parallel(f, a), parallel(c, b)) is not parallel(serial(f, c), serial(a, b))")


def _fan_out(case: Case) -> None:
    net = serial(FanOut(2), parallel(case.layer.named("left"), case.layer.named("right")).named("both"))
    params = _tree(both=_tree(left=case.params, right=case.params))
    y, pullback = case.pull()
    left, right = case.cotangent(y, "left"), case.cotangent(y, "right")
    one, two = pullback(left), pullback(right)
    got = _run(case, net, params, case.x, (left, right))
    both = _tree(left=one["params"], right=two["params"])
    wanted = {"y": (y, y), "params": _tree(both=both), "x": nested.mapped(lambda a, b: a + b, one["x"], two["x"])}
    compare_exactly(got, wanted, "fanned out to two copies of f, the values are copied and the cotangents summed")


def _residual(case: Case) -> Verdict | None:
    if case.out_shape != case.shape or any(isinstance(d, tuple) for d in case.shape) or not nested.is_real(case.x):
        return Verdict.MOOT
    if not nested.is_real(case.apply()):
        return Verdict.MOOT  # integers are not added to numbers
    f = case.layer.named("f")
    parts = serial(FanOut(2), parallel(f, Identity).named("both"), FanInSum)
    got = _run(case, residual(f), _tree(f=case.params), case.x)
    wanted = _run(case, parts, _tree(both=_tree(f=case.params)), case.x)
    wanted["params"] = wanted["params"].get("both", {})
    compare_exactly(got, wanted, "residual(f) is not serial(FanOut(2), parallel(f, Identity), FanInSum)")
    return None


def _hands_on_key(case: Case) -> Verdict | None:
    record = case.layer.init.record
    inside = (*record.args, *record.kwargs.values()) if record else ()
    takers = [part for part in inside if is_layer(part) and part.apply.random]
    if not takers:
        return Verdict.MOOT
    if not case.layer.apply.random:
        raise broken(
            f"{takers[0]!r} takes a key in training, {case.layer!r} around it takes none, so that it is never trained; "
            f"give the rule a parameter rng and hand it on"
        )
    return None


def _law(name: str, check: Any, statement: str) -> Law[Case]:
    return Law(name, statement, "exact", check, passes="inference", kinds=("normal", "mixed"))


COMPOSITION_LAWS = (
    _law(
        "associative", _associative,
        "serial(a, serial(f, c)), serial(serial(a, f), c), serial(a, f, c) and a >> f >> c are one",
    ),
    _law("identity", _identity, "serial() does nothing: serial(serial(), f) and serial(f, serial()) are f"),
    _law("chain_rule", _chain_rule, "the pullback of serial(f, g) is that of g and then that of f"),
    _law("interchange", _interchange, "serial(parallel(f, a), parallel(c, b)) is parallel(serial(f, c), serial(a, b))"),
    _law(
        "fan_out", _fan_out,
        "two copies of f on a fanned out input give equal values, and the cotangents of the input add",
    ),
    _law("residual", _residual, "residual(f) is serial(FanOut(2), parallel(f, Identity), FanInSum)"),
    _law("hands_on_key", _hands_on_key, "a combinator takes a key where one of its layers does"),
)  # fmt: skip
