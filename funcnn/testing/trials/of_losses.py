"""The trials of a loss: every law it is held to, with its cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from funcnn.losses.definition import Loss
from funcnn.testing.casebook.of_losses import LossCase, Target, checked_target
from funcnn.testing.drawing.strategies import seeds
from funcnn.testing.drawing.templates import Template, larger
from funcnn.testing.drawing.turns import Changes, in_turn
from funcnn.testing.judging.causes import Told
from funcnn.testing.judging.verdicts import Law
from funcnn.testing.lawbook.of_every_part import as_new
from funcnn.testing.lawbook.of_losses import LOSS_LAWS
from funcnn.testing.lawbook.values import plain_loss
from funcnn.testing.trials.choosing import common, selected, several
from funcnn.testing.trials.of_layers import shape_strategy
from funcnn.testing.trials.refusals import demand, demand_cases, demand_domain
from funcnn.testing.trials.running import Trial
from funcnn.types import Shape


@st.composite
def loss_cases(
    draw: DrawFn,
    loss: Loss[Any, Any],
    shape: SearchStrategy[Shape],
    target: Target,
    dtypes: Sequence[str],
    kinds: Sequence[str],
    weighted: bool,
    domain: tuple[float, float] | None,
) -> LossCase:
    """Cases of a loss."""
    return LossCase(
        loss, draw(shape), target=target, dtype=draw(st.sampled_from(dtypes)), seed=draw(seeds()),
        kind=draw(st.sampled_from(kinds)), weighted=weighted and draw(st.booleans()), domain=domain,
    )  # fmt: skip


class LossOptions(TypedDict, total=False):
    """The keyword arguments of `loss_laws`."""

    target: Target
    domain: tuple[float, float] | None
    value: Callable[[Any, Any], Any] | None
    weighted: bool
    dtypes: Sequence[str]
    examples: int | None
    only: Iterable[str]
    also: Iterable[str | Law[LossCase]]
    except_: Mapping[str, str]
    may_fail: Mapping[str, str]


def loss_trials(
    loss: Loss[Any, Any],
    shape: Template | Shape | SearchStrategy[Shape],
    *,
    target: Target = "like",
    domain: tuple[float, float] | None = None,
    value: Callable[[Any, Any], Any] | None = None,
    weighted: bool = True,
    dtypes: Sequence[str] = ("float32", "float64"),
    examples: int | None = None,
    only: Iterable[str] = (),
    also: Iterable[str | Law[LossCase]] = (),
    except_: Mapping[str, str] = {},
    may_fail: Mapping[str, str] = {},
) -> dict[str, Trial]:
    """Every law a loss is held to, with its cases. The arguments are those of `loss_laws`.

    Errors
        TypeError    it is no loss, or no shape
        ValueError   `only`, `also` or `except_` names a law there is not, or `target` no kind of target
    """
    demand(loss, "a loss", Loss)
    demand_cases(examples)
    demand_domain(domain)
    checked_target(target)
    told = Told()
    has = {"": True, "weights": weighted, "terms": not loss.parts}  # the parts of a joint loss reduce by themselves
    chosen = {law.name: "" for law in LOSS_LAWS.values() if has[law.wants]}
    drawn = shape_strategy(shape)
    wide = larger(drawn)
    more = several("also", also, *([plain_loss(value)] if value else []))
    about = LossCase(loss, ())

    def tried(law: Law[LossCase], shape: SearchStrategy[Shape], kinds: Sequence[str]) -> SearchStrategy[LossCase]:
        of = common(dtypes, law.dtypes)
        each = [{"dtype": np.dtype(dtype), "kind": kind} for dtype in of for kind in kinds]

        def kind(turn: int, case: LossCase) -> Changes:
            again, at = divmod(turn, len(each))
            return {**each[at], "weighted": weighted and (again + at) % 2 == 1}

        return in_turn(loss_cases(loss, shape, target, of, kinds, weighted, domain), kind, shape)

    def others(law: Law[LossCase]) -> dict[str, SearchStrategy[LossCase]]:
        rare = [kind for kind in law.rare if (kind == "edges") == (domain is not None)]
        return {
            **({"large": tried(law, wide, ("normal",))} if wide is not None and law.large else {}),
            **{kind: tried(law, drawn, [kind]) for kind in rare},
        }

    return {
        name: Trial(
            as_new(law, about), tried(law, drawn, law.kinds), repr(loss), reason, examples, told, others(law), asked
        )
        for name, (law, reason, asked) in selected(LOSS_LAWS, chosen, only, more, except_, may_fail, dtypes).items()
    }  # fmt: skip
