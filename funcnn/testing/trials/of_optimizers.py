"""The trials of an optimizer: every law it is held to, with its cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypedDict

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from funcnn.optimizers.definition import Optimizer
from funcnn.testing.casebook.of_optimizers import OptimizerCase, Step
from funcnn.testing.drawing.strategies import seeds
from funcnn.testing.drawing.turns import Changes, in_turn
from funcnn.testing.judging.causes import Told
from funcnn.testing.judging.verdicts import Law
from funcnn.testing.lawbook.of_every_part import as_new
from funcnn.testing.lawbook.of_optimizers import MANY_STEPS, OPTIMIZER_LAWS, closed_form
from funcnn.testing.trials.choosing import common, selected, several
from funcnn.testing.trials.refusals import demand, demand_cases
from funcnn.testing.trials.running import Trial


class OptimizerOptions(TypedDict, total=False):
    """The keyword arguments of `optimizer_laws`."""

    steps: Callable[[Any], Step] | None
    part: bool
    dtypes: Sequence[str]
    examples: int | None
    only: Iterable[str]
    also: Iterable[str | Law[OptimizerCase]]
    except_: Mapping[str, str]
    may_fail: Mapping[str, str]


STEPS: Final = 4  # at most, where a case is not long
_shapes: Final[SearchStrategy[tuple[int, ...]]] = st.lists(st.integers(1, 3), max_size=3).map(lambda s: tuple(s))
Shapes: TypeAlias = "dict[str, tuple[int, ...]]"


def _with_matrix(matrix: tuple[int, int], others: Shapes) -> Shapes:
    """There is always a matrix, for decay is about matrices; leaves whose paths end alike have one shape."""
    shapes = {"w": matrix, **others}
    return {path: shapes.get(path.rpartition("/")[2], shape) for path, shape in shapes.items()}


_trees: Final = st.builds(
    _with_matrix,
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.dictionaries(st.sampled_from(["b", "dense_0/w", "dense_0/b", "a/b/c", "z"]), _shapes, min_size=1, max_size=3),
)


_large_trees: Final = st.fixed_dictionaries(
    {"w": st.tuples(st.integers(8, 40), st.integers(5, 9)), "b": st.tuples(st.integers(101, 200)),
     "kernel": st.tuples(*[st.integers(1, 3)] * 4)}
)  # fmt: skip


@st.composite
def optimizer_cases(
    draw: DrawFn, optimizer: Optimizer[Any], dtypes: Sequence[str], *, long: bool = False, large: bool = False
) -> OptimizerCase:
    """Cases of an optimizer; long ones take 12 steps, with gradients of all sizes; large ones have large leaves."""
    return OptimizerCase(
        optimizer, draw(_large_trees if large else _trees), dtype=draw(st.sampled_from(dtypes)), seed=draw(seeds()),
        steps=MANY_STEPS if long else draw(st.integers(1, STEPS)), wide=long,
    )  # fmt: skip


def optimizer_trials(
    optimizer: Optimizer[Any],
    *,
    steps: Callable[[Any], Step] | None = None,
    part: bool = False,
    dtypes: Sequence[str] = ("float32", "float64"),
    examples: int | None = None,
    only: Iterable[str] = (),
    also: Iterable[str | Law[OptimizerCase]] = (),
    except_: Mapping[str, str] = {},
    may_fail: Mapping[str, str] = {},
) -> dict[str, Trial]:
    """Every law an optimizer is held to, with its cases. The arguments are those of `optimizer_laws`.

    Errors
        TypeError    it is no optimizer
        ValueError   `only`, `also` or `except_` names a law there is not
    """
    demand(optimizer, "an optimizer", Optimizer)
    demand_cases(examples)
    told = Told()
    more = several("also", also, *([closed_form(steps)] if steps else []))
    chosen = {law.name: "" for law in OPTIMIZER_LAWS.values() if not (part and law.wants)}
    label, about = repr(optimizer), OptimizerCase(optimizer, {"w": ()})

    def tried(
        law: Law[OptimizerCase], *, long: bool = False, large: bool = False
    ) -> SearchStrategy[OptimizerCase]:
        of = common(dtypes, law.dtypes)

        def kind(turn: int, case: OptimizerCase) -> Changes:
            if long:  # every second seed is of another kind
                return {"dtype": np.dtype(of[turn // 2 % len(of)])}
            return {"dtype": np.dtype(of[turn % len(of)]), "steps": 1 + turn // len(of) % STEPS}

        return in_turn(optimizer_cases(optimizer, of, long=long, large=large), kind)

    def others(law: Law[OptimizerCase]) -> dict[str, SearchStrategy[OptimizerCase]]:
        long = {"long": tried(law, long=True)} if law.made_by else {}
        return {**long, "large": tried(law, large=True)} if law.large else {}

    return {
        name: Trial(as_new(law, about), tried(law), label, reason, examples, told, others(law), asked)
        for name, (law, reason, asked) in selected(OPTIMIZER_LAWS, chosen, only, more, except_, may_fail, dtypes).items()
    }
