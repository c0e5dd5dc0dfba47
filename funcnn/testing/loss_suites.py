"""One line a loss, one line an optimizer: test classes as `laws` makes them for layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypedDict, Unpack

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from funcnn.losses.definition import Loss
from funcnn.optimizers.definition import Optimizer
from funcnn.testing.casebook.of_losses import LossCase, Target, checked_target
from funcnn.testing.casebook.of_optimizers import OptimizerCase, Step
from funcnn.testing.causes import Told
from funcnn.testing.lawbook.of_losses import LOSS_LAWS
from funcnn.testing.lawbook.of_optimizers import OPTIMIZER_LAWS, closed_form
from funcnn.testing.registry import selected
from funcnn.testing.runs import Trial
from funcnn.testing.strategies import Template, seeds
from funcnn.testing.subjects import demand
from funcnn.testing.suites import common, shape_strategy, suite
from funcnn.testing.verdicts import Law
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
    weighted: bool
    dtypes: Sequence[str]
    examples: int | None
    only: Iterable[str]
    also: Iterable[str | Law[LossCase]]
    except_: Mapping[str, str]


class OptimizerOptions(TypedDict, total=False):
    """The keyword arguments of `optimizer_laws`."""

    steps: Callable[[Any], Step] | None
    dtypes: Sequence[str]
    examples: int | None
    only: Iterable[str]
    also: Iterable[str | Law[OptimizerCase]]
    except_: Mapping[str, str]


def loss_trials(
    loss: Loss[Any, Any],
    shape: Template | Shape | SearchStrategy[Shape],
    *,
    target: Target = "like",
    domain: tuple[float, float] | None = None,
    weighted: bool = True,
    dtypes: Sequence[str] = ("float32", "float64"),
    examples: int | None = None,
    only: Iterable[str] = (),
    also: Iterable[str | Law[LossCase]] = (),
    except_: Mapping[str, str] = {},
) -> dict[str, Trial]:
    """Every law a loss is held to, with its cases. The arguments are those of `loss_laws`.

    Errors
        TypeError    it is no loss, or no shape
        ValueError   `only`, `also` or `except_` names a law there is not, or `target` no kind of target
    """
    demand(loss, "a loss", Loss)
    checked_target(target)
    told = Told()
    has = {"": True, "weights": weighted, "terms": not loss.parts}  # the parts of a joint loss reduce by themselves
    chosen = {law.name: "" for law in LOSS_LAWS.values() if has[law.wants]}
    drawn = shape_strategy(shape)
    return {
        name: Trial(
            law,
            loss_cases(loss, drawn, target, common(dtypes, law.dtypes), law.kinds, weighted, domain),
            repr(loss), reason, examples, told,
        )
        for name, (law, reason) in selected(LOSS_LAWS, chosen, only, also, except_).items()
    }  # fmt: skip


def loss_laws(
    loss: Loss[Any, Any], shape: Template | Shape | SearchStrategy[Shape], **options: Unpack[LossOptions]
) -> type:
    """A test class that holds a loss to all laws of losses.

        TestMyLoss = loss_laws(my_loss, shapes("B", 4), target="labels")

    shape      of the prediction, as `laws` takes it; the first axis is the rows
    target     a key of `TARGETS`, a function `(rng, shape of the prediction, dtype) -> target`, or a tuple of these
    domain     predictions are drawn between these two numbers
    weighted   it takes `weights=`
    dtypes, examples, only, also, except_   as `laws` takes them

    >>> "test_true_pullback" in vars(loss_laws(squared_error, ("B", ..., "D")))
    True
    """
    return suite(f"Laws of {loss!r}", loss_trials(loss, shape, **options))


_shapes: Final[SearchStrategy[tuple[int, ...]]] = st.lists(st.integers(1, 3), max_size=3).map(lambda s: tuple(s))
Shapes: TypeAlias = "dict[str, tuple[int, ...]]"


def _with_matrix(matrix: tuple[int, int], others: Shapes) -> Shapes:
    """There is always a matrix, for decay is about matrices."""
    return {"w": matrix, **others}


_trees: Final = st.builds(
    _with_matrix,
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.dictionaries(st.sampled_from(["b", "dense_0/w", "dense_0/b", "a/b/c", "z"]), _shapes, min_size=1, max_size=3),
)


@st.composite
def optimizer_cases(draw: DrawFn, optimizer: Optimizer[Any], dtypes: Sequence[str]) -> OptimizerCase:
    """Cases of an optimizer."""
    return OptimizerCase(
        optimizer, draw(_trees), dtype=draw(st.sampled_from(dtypes)), seed=draw(seeds()), steps=draw(st.integers(1, 4))
    )


def optimizer_trials(
    optimizer: Optimizer[Any],
    *,
    steps: Callable[[Any], Step] | None = None,
    dtypes: Sequence[str] = ("float32", "float64"),
    examples: int | None = None,
    only: Iterable[str] = (),
    also: Iterable[str | Law[OptimizerCase]] = (),
    except_: Mapping[str, str] = {},
) -> dict[str, Trial]:
    """Every law an optimizer is held to, with its cases. The arguments are those of `optimizer_laws`.

    Errors
        TypeError    it is no optimizer
        ValueError   `only`, `also` or `except_` names a law there is not
    """
    demand(optimizer, "an optimizer", Optimizer)
    told = Told()
    more = [*also, *([closed_form(steps)] if steps else [])]
    chosen = dict.fromkeys(OPTIMIZER_LAWS, "")
    label = repr(optimizer)
    return {
        name: Trial(law, optimizer_cases(optimizer, common(dtypes, law.dtypes)), label, reason, examples, told)
        for name, (law, reason) in selected(OPTIMIZER_LAWS, chosen, only, more, except_).items()
    }


def optimizer_laws(optimizer: Optimizer[Any], **options: Unpack[OptimizerOptions]) -> type:
    """A test class that holds an optimizer to all laws of optimizers.

        TestMyOptimizer = optimizer_laws(my_optimizer(0.1), steps=plainly)

    steps    the formula of the source, written down plainly: `steps(optimizer)` gives a function of gradients and
             params, dicts from path to array, that returns the updates; called once a step, it may remember
    dtypes, examples, only, also, except_   as `laws` takes them

    >>> "test_splits" in vars(optimizer_laws(sgd(0.1)))
    True
    """
    return suite(f"Laws of {optimizer!r}", optimizer_trials(optimizer, **options))
