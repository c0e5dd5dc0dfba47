"""The parts of the plugin, without mypy: recipes, names, stand-ins, and networks out of recipes."""

from __future__ import annotations

import ast
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import funcnn
from funcnn import UndecidedError
from funcnn.authoring import known
from funcnn.mypy_plugin import recipes
from funcnn.mypy_plugin.flow.files import parsed
from funcnn.mypy_plugin.owners import owners_of
from funcnn.mypy_plugin.recipes import ANY, Argument, Call, Choice, Items, Missing, Node, Place, Recipe, Ref, Value
from funcnn.mypy_plugin.building import Verdict
from funcnn.mypy_plugin.runs import Runner
from funcnn.mypy_plugin.scopes import Scopes
from funcnn.mypy_plugin.trust import LIBRARY, Loader, Trust, digest, trusting
from funcnn.mypy_plugin.unknowns import OPAQUE, Decisions, Hole, Number, explore
from funcnn.shapes import Unknown

PLACES = st.builds(Place, *[st.integers(0, 9)] * 4)
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=3)
LEAVES: st.SearchStrategy[Node] = (
    SCALARS.map(Value)
    | st.sampled_from(["int", "float", "bool", "function", "layer", "value", "any"]).map(Missing)
    | st.builds(Ref, st.text(max_size=3), st.text(max_size=3))
)


def _grown(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    arguments = st.builds(Argument, nodes, PLACES)
    several = st.lists(arguments, max_size=2).map(tuple)
    named = st.dictionaries(st.text(max_size=3), arguments, max_size=2)
    parts, text = st.lists(nodes, max_size=3).map(tuple), st.text(max_size=3)
    return parts.map(Items) | parts.map(Choice) | st.builds(Call, text, text, several, named, text, PLACES)


NODES = st.recursive(LEAVES, _grown, max_leaves=8)


@given(NODES, PLACES, st.none() | st.text(max_size=5))
def test_a_recipe_survives_being_written(node: Node, place: Place, owner: str | None) -> None:
    """Reading what was written gives the recipe again."""
    recipe = Recipe(node, "a.py", place, owner)
    text = recipes.write(recipe)
    assert text is not None
    recipes._READY.clear()  # pyright: ignore[reportPrivateUsage]  # what was written lately is at hand
    assert recipes.read(text) == recipe


def test_a_recipe_that_grows_without_end_is_left_behind() -> None:
    """A recipe that doubles with every step is not carried on."""
    node: Node = Value(1)
    for _ in range(13):
        node = Items((node, node))
    assert recipes.write(Recipe(Items((Value("x" * recipes.LONGEST),)), "", Place(1, 1, 1, 1), None)) is None
    assert recipes.write(Recipe(node, "", Place(1, 1, 1, 1), None)) is None


# stand-ins ------------------------------------------------------------------------------------------------------------
def test_unknown_numbers_absorb_arithmetic() -> None:
    """What is computed with an unknown number is unknown, and passes for an unknown dimension."""
    n: Any = Number(Decisions(), Unknown)
    assert not known(-(-n // 2) * 3 + 1)
    assert not known(math.prod((2, n)))
    assert repr((n, 3)) == "(?, 3)"


@pytest.mark.parametrize(
    "use",
    [
        lambda n: range(n), lambda n: [1, 2][n], lambda n: (1,) * n, lambda n: {n: 1}, lambda n: n / 2,
        lambda n: int(n), lambda n: math.sqrt(n), lambda n: "x" * n, lambda n: divmod(n, 2),
    ],
)  # fmt: skip
def test_unknown_numbers_give_up_where_their_value_is_wanted(use: Any) -> None:
    """No code, not even C code, takes an unknown number for a known one."""
    with pytest.raises(UndecidedError):
        use(Number(Decisions(), Unknown))


def test_every_way_through_decisions_is_tried() -> None:
    """Comparisons with unknown numbers go both ways."""

    def f(decisions: Decisions) -> str:
        n: Any = Number(decisions, float)
        return "low" if n < 0 else "high" if 1 < n else "between"

    assert sorted(found for found, _ in explore(f) or []) == ["between", "high", "low"]


def test_a_condition_of_the_program_decides_alike_everywhere() -> None:
    """It is asked for by its name, and may be known before."""

    def f(decisions: Decisions) -> tuple[bool, bool, bool]:
        return decisions.fork("a"), decisions.fork("b"), decisions.fork("a")

    ways = explore(f) or []
    assert sorted(found for found, _ in ways) == [(a, b, a) for a in (False, True) for b in (False, True)]
    assert [forks for found, forks in ways if found[0] and found[1]] == [{"a": True, "b": True}]
    assert {found for found, _ in explore(f, {"a": True}) or []} == {(True, False, True), (True, True, True)}


def test_a_loop_on_an_unknown_number_ends() -> None:
    """A decision that is asked for again and again gives up."""

    def f(decisions: Decisions) -> None:
        n: Any = Number(decisions, Unknown)
        while n > 0:
            n -= 1

    with pytest.raises(UndecidedError):
        f(Decisions())


@pytest.mark.parametrize(
    "use", [len, iter, bool, str, float, lambda h: h + 1, lambda h: h == 1, lambda h: h.shape, lambda h: h()]
)
def test_holes_give_up(use: Any) -> None:
    """A value of which nothing is known may be stored, no more."""
    with pytest.raises(UndecidedError):
        use(Hole())


# names ----------------------------------------------------------------------------------------------------------------
def owned(source: str) -> set[str]:
    """The variables that are bound once, to a call."""
    scopes = Scopes(ast.parse(source))
    return {b.name for b, s in scopes.values.values() if s.only(b.name) is b and isinstance(b.value, ast.Call)}


@pytest.mark.parametrize(
    "rebinding",
    [
        "x = f()", "x, y = f()", "[x] = f()", "for x in f(): pass", "with f() as x: pass", "import x", "import x.y",
        "import y as x", "from y import x", "def x(): pass", "class x: pass", "del x", "x += 1", "(x := f())",
        "[(x := i) for i in f()]",
        "try: pass\nexcept E as x: pass", "match f():\n    case x: pass", "match f():\n    case [*x]: pass",
        "match f():\n    case {**x}: pass", "def g():\n    global x\n    x = f()", "async def x(): pass",
        "if f():\n    from y import *", "class K:\n    def m(self):\n        global x\n        x = 1",
    ],
)  # fmt: skip
def test_every_way_to_bind_a_name_is_seen(rebinding: str) -> None:
    """A variable that is bound in another way too owns nothing."""
    assert owned("x = f()\n") == {"x"}
    assert "x" not in owned(f"x = f()\n{rebinding}\n")
    assert "x" not in owned(f"{rebinding}\nx = f()\n") or "import *" in rebinding and "if" not in rebinding


@pytest.mark.parametrize(
    "other",
    [
        "def g(x): return x", "def g():\n    x = 1", "class K:\n    x = 1", "[x for x in f()]", "lambda x: x",
        "y.x = f()", "y[x] = 1", "g(x=1)",
    ],
)  # fmt: skip
def test_other_names_of_the_same_spelling_do_not_matter(other: str) -> None:
    """Parameters, locals of others, attributes and keywords are other names."""
    assert "x" in owned(f"x = f()\n{other}\n")


def test_a_star_import_comes_between_what_stands_before_it() -> None:
    """It may bind any name, but not those that are bound again after it."""
    assert owned("x = f()\nfrom y import *\nz = f()\n") == {"z"}


def test_constants_and_aliases_are_found(tmp_path: Any) -> None:
    """Literals, arithmetic with them, names of them; not what is bound again or computed by a call."""
    path = tmp_path / "names.py"
    path.write_text("a = 2\nb = a * 3 - 1\nc = (b, len(''), -a)\nd = 1\nd = 2\ne = c\nf = g = 1\ninit, apply = e\n")
    file = parsed(str(path), "names")
    assert file is not None
    found = owners_of(file)
    assert found.constants == {
        "names.a": Value(2), "names.b": Value(5), "names.c": Items((Value(5), ANY, Value(-2))),
        "names.e": Items((Value(5), ANY, Value(-2))),
    }  # fmt: skip
    assert found.aliases == {"names.e": "names.c", "names.init": "names.e"}
    assert found.target("names.init") == "names.c"


# networks -------------------------------------------------------------------------------------------------------------
HERE = Place(1, 0, 1, 9)


def call(function: Any, *args: Node, **kwargs: Node) -> Call:
    """The recipe of a call."""
    named = {name: Argument(node, HERE) for name, node in kwargs.items()}
    return Call(function.__module__, function.__name__, tuple(Argument(a, HERE) for a in args), named, "a.py", HERE)


def shape(*sizes: int) -> Items:
    return Items(tuple(map(Value, sizes)))


def test_networks_come_true() -> None:
    """A recipe is built by the constructors of the library, and its rule runs."""
    runner = Runner(Loader(Trust()))
    net = call(funcnn.serial, call(funcnn.Dense, Value(4)), Ref("funcnn.layers.activations", "Relu"))
    assert runner.verdict(net, shape(-1, 3), params=True) == Verdict((-1, 4))
    wrong = runner.verdict(call(funcnn.serial, net, call(funcnn.residual, net)), shape(), params=False)
    assert (wrong.shape, wrong.error, wrong.place) == (None, wrong.message, HERE)
    assert wrong.message.startswith("Dense takes an array of at least 1 ax")


def test_only_what_may_run_is_called() -> None:
    """Functions of ours that are no constructors are not called, nor is anything of others."""
    loader = Loader(Trust())
    assert loader.get("funcnn.layers.dense", "Dense") is funcnn.Dense
    assert loader.get("funcnn.layers.activations", "Relu") == funcnn.Relu
    assert loader.get("funcnn.checkpoints", "load_params") is None
    assert loader.get("funcnn.networks.surgery", "rebuild") is None
    assert loader.get("os", "getcwd") is None
    assert loader.get("funcnnn.layers", "Dense") is None


def test_a_constructor_is_refused_only_where_all_is_known() -> None:
    """A refusal that may come from what is not known is none."""
    runner = Runner(Loader(Trust()))
    assert runner.refusal(call(funcnn.Dense, Value(0))) == "Dense: units must be an integer of at least 1, got 0"
    assert runner.refusal(call(funcnn.Dense, Value(3), W_init=Missing("function"))) is None
    assert runner.refusal(call(funcnn.select, Missing("int"))) is None
    assert runner.refusal(call(funcnn.serial, Value(3))) is None


@pytest.mark.parametrize(
    "unknown", [Missing("value"), Missing("layer"), Missing("function"), Choice((ANY, Value(3)))]
)
def test_what_is_not_known_is_silence(unknown: Node) -> None:
    """A network whose first layer may be anything has no verdict."""
    runner = Runner(Loader(Trust()))
    net = call(funcnn.serial, call(funcnn.Dense, unknown), call(funcnn.residual, call(funcnn.Dense, Value(4))))
    assert runner.verdict(net, shape(2, 3), params=True) == Verdict()
    assert runner.verdict(call(funcnn.serial, unknown, OTHER), shape(2, 3), params=True) == Verdict()


def test_any_is_an_unknown_size_where_a_size_is_wanted() -> None:
    """As of `argparse`: it silences nothing else; where a layer is wanted it may be any layer."""
    runner = Runner(Loader(Trust()))
    net = call(funcnn.serial, call(funcnn.Dense, ANY), call(funcnn.residual, call(funcnn.Dense, Value(4))))
    assert runner.verdict(net, shape(2, 3), params=True).shape == (2, 4)
    convs = call(funcnn.serial, call(funcnn.Dense, ANY), call(funcnn.Conv, ANY, Items((Value(2), Value(2)))))
    assert "Conv takes (batch, height, width, channels)" in (runner.verdict(convs, shape(2, 3), params=True).error or "")
    assert runner.verdict(call(funcnn.serial, ANY, OTHER), shape(2, 3), params=True) == Verdict()


OTHER = call(funcnn.residual, call(funcnn.Dense, Value(4)))


def test_the_digest_covers_the_library(tmp_path: Any) -> None:
    """Every source file of the library and of trusted modules counts."""
    assert len(list(LIBRARY.rglob("*.py"))) > 50
    module = tmp_path / "digested.py"
    module.write_text("x = 1\n")
    trust = trusting("digested", folders=[tmp_path])
    before = digest(trust)
    module.write_text("x = 2\n")
    assert len({before, digest(trust), digest(Trust())}) == 3


def test_nothing_is_known_of_an_opaque_layer() -> None:
    """Its rule gives up."""
    with pytest.raises(UndecidedError):
        OPAQUE.init.out_shape((2, 3))
