"""Laws about combinators: what each child is asked, what it is given, and what is heard of it.

That gradients land under the right names, and that cotangents add where a child, or an input, is used twice, is what
`true_pullback` decides: here is what no derivative shows.
"""

from __future__ import annotations

from typing import Any, Final

from funcnn.keys import Key
from funcnn.params import Params, plain_tree
from funcnn.shapes import external, normalize, shape_of
from funcnn.testing import nested
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.casebook.spies import Call, Planted, Watched, watched
from funcnn.testing.judging.verdicts import Law, Verdict, broken

SEVERAL: Final = 4  # inputs, before a param is said to do nothing


def _run(case: Case, watch: Watched, key: Key | None) -> list[Call]:
    """The children's passes in one pass of the whole, with its pullback left out."""
    assert watch.layer is not None
    watch.calls.clear()
    watch.layer.definition.rule(plain_tree(case.params), case.x, *((key,) if watch.layer.definition.random else ()))
    return list(watch.calls)


def _own_params(case: Case) -> Verdict | None:
    """Children's params are their own; a combinator's own are read."""
    definition = case.layer.definition
    watch = watched(case.layer)
    if watch is None or definition.params is not None:
        return Verdict.MOOT  # what makes params out of params knows which are whose
    tree: dict[str, Any] = plain_tree(case.params)
    for call in _run(case, watch, None):
        wanted = tree if definition.transparent else tree.get(call.child, {})
        if nested.structure(call.params) != nested.structure(wanted) or nested.bits(call.params) != nested.bits(wanted):
            whose = [name for name, sub in tree.items() if nested.is_mapping(sub) and _same(sub, call.params)]
            other = f"those of {whose[0]}" if whose else f"others, {nested.structure(call.params)}"
            raise broken(f"{call.child} is given {other}; a child is to be given what stands under its name in params")
    for name in definition.own(normalize(case.shape)):
        if name in tree and not nested.is_mapping(tree[name]) and not _matters(case, name):
            what = f"{name} is a param of its own, and makes no difference to the value"
            raise broken(f"{what}: the rule does not read it")
    return None


def _same(a: Any, b: Any) -> bool:
    return nested.structure(a) == nested.structure(b) and nested.bits(a) == nested.bits(b)


def _matters(case: Case, name: str) -> bool:
    for i in range(SEVERAL):
        there = case.again(i)
        own = there.params.at(name)
        by = there.generator("moved").uniform(0.5, 1.5, own.shape)  # a softmax does not see what is added to all
        moved = Params({**plain_tree(there.params), name: (own + by).astype(own.dtype)})
        for key in (None, *((Key(i),) if case.layer.apply.random else ())):
            calm, other = (case.layer.apply(params, there.x, rng=key) for params in (there.params, moved))
            if nested.bits(calm) != nested.bits(other):
                return True
    return False


def _own_keys(case: Case) -> Verdict | None:
    watch = watched(case.layer)
    random = {name for name, child in case.layer.definition.children.items() if child.random}
    if watch is None or not random:
        return Verdict.MOOT
    if drawing := [call.child for call in _run(case, watch, None) if call.key is not None]:
        raise broken(f"at inference {drawing[0]} is given a key, and draws; it is to be given None")
    if not case.layer.apply.random:
        return Verdict.MOOT  # a law of its own says that it is to take a key
    one, two = (_run(case, watch, Key(case.seed).fold(name)) for name in ("one", "another"))
    for call, other in zip(one, two, strict=False):
        if call.child in random and call.key is not None and call.key == other.key:
            raise broken(f"{call.child} is given the same key in every pass: another key is to give it another")
    unkeyed = [call.child for call in one if call.child in random and call.key is None]
    if unkeyed:
        raise broken(f"{unkeyed[0]} takes a key and is given none, where the combinator takes one: it is never trained")
    seen: dict[Key, str] = {}
    for call in one:
        if call.key is not None and seen.setdefault(call.key, call.child) != call.child:
            raise broken(
                f"{seen[call.key]} and {call.child} are given the same key, and draw the same numbers; child.value and "
                f"child.pull give each child a key of its own"
            )
    return None


def _asks_what_it_meets(case: Case) -> Verdict | None:
    watch = watched(case.layer)
    if watch is None or watch.layer is None:
        return Verdict.MOOT
    watch.met.clear()
    watch.layer.out_shape(case.shape)
    asked = [(name, external(shape), external(out)) for name, shape, out in watch.met]
    for name in case.layer.definition.children:
        if all(child != name for child, _, _ in asked):
            raise broken(
                f"the shape rule never asks {name}, which is given its input all the same: write go(child, shape) in "
                f"meets, so that the child can refuse it, and has its params"
            )
    for call in _run(case, watch, None):
        seen = shape_of(call.x), shape_of(call.y)
        told = [pair[1:] for pair in asked if pair[0] == call.child]
        if seen not in told:
            raise broken(
                f"the shape rule asks {call.child} for {told[0][0]}, and hears {told[0][1]}; in the pass it is given "
                f"{seen[0]}, and gives {seen[1]}"
            )
    return None


def _tells_where(case: Case) -> Verdict | None:
    """An error from a child, planted there, is seen to come from it."""
    watch = watched(case.layer)
    if watch is None or watch.layer is None or case.layer.definition.transparent:
        return Verdict.MOOT
    for name in case.layer.definition.children:
        for at in ("forward", "pullback"):
            watch.failing = (name, at)
            try:
                y, pullback = case.like(layer=watch.layer).pull(params=case.params)
                pullback(case.cotangent(y))
            except Planted as error:
                if error.path[:1] != (name,):
                    said = "/".join(error.path) or "no place at all"
                    raise broken(
                        f"an error in the {at} of {name} is told to be in {said}; call the child by child.value and "
                        f"child.pull"
                    ) from None
    return None


def _law(name: str, check: Any, statement: str) -> Law[Case]:
    return Law(
        name, statement, "exact", check, dtypes=("float32",), kinds=("normal",), passes="inference", wants="children"
    )


CHILDREN_LAWS = (
    _law(
        "own_params", _own_params,
        "a combinator gives each child the params under its name, and reads all that are its own",
    ),
    _law(
        "own_keys", _own_keys,
        "a combinator gives each child a key of its own, out of that of the pass, and none at inference",
    ),
    _law(
        "asks_what_it_meets", _asks_what_it_meets,
        "the shape rule asks every child for the shape of what it is given in the pass",
    ),
    _law("tells_where", _tells_where, "an error in a child is told under the child's name, from pass and pullback"),
)  # fmt: skip
