"""One line a part: a test class with a test for every law, or one test function for several layers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack, cast
from unittest import TestCase

from hypothesis.strategies import SearchStrategy

from funcnn.errors import MissingExtraError
from funcnn.hooks.running import running
from funcnn.keys import Initializer
from funcnn.losses.definition import Loss
from funcnn.losses.penalties import Penalty
from funcnn.metrics import Metric
from funcnn.networks import Layer
from funcnn.optimizers.definition import Optimizer
from funcnn.schedules import Schedule
from funcnn.testing.casebook.of_losses import Target
from funcnn.testing.drawing.templates import Template
from funcnn.testing.judging.causes import Told
from funcnn.testing.judging.verdicts import LawBroken
from funcnn.testing.trials.of_combinators import combinator_trials
from funcnn.testing.trials.of_layers import Layers, Options, trials
from funcnn.testing.trials.of_losses import LossOptions, loss_trials
from funcnn.testing.trials.of_optimizers import OptimizerOptions, optimizer_trials
from funcnn.testing.trials.of_parts import (
    PartOptions,
    initializer_trials,
    metric_trials,
    penalty_trials,
    schedule_trials,
)
from funcnn.testing.trials.refusals import demand_list
from funcnn.testing.trials.running import Tally, Trial
from funcnn.types import Shape

if TYPE_CHECKING:
    import pytest


def laws(layer: Layers, shape: Template | Shape | SearchStrategy[Shape], **options: Unpack[Options]) -> type:
    """A test class that holds a layer to all laws, one test a law: all that a test file needs to say.

        TestMyNorm = laws(MyNorm(), shapes("B", ..., "D"))

    layer        a layer, or a Hypothesis strategy of layers
    shape        `shapes(...)`, any strategy of shapes, a template, or one shape
    kinks        True: its derivative jumps somewhere (and the laws check that it does); False: it does not
    mixes_batch  an example's output depends on the other examples (and that is checked)
    linear       linear in x but for a constant: one more law
    analytic     the rule runs on complex numbers, so that `jvp` and `hvp` work: two more laws
    tokens       what token inputs hold: integers below this, or of this range
    domain       features are drawn between these two numbers, or by this function of `(rng, shape)`, such as
                 `positive_definite`; a tuple of these for a tuple of inputs
    value        a plain formula, `(params, x) -> y`, that the value is compared with
    dtypes       the dtypes tried; laws for others are left out, unless they are named: that is refused
    examples     how many cases a law; `--law-examples` on the command line overrules it
    only         names of laws: these and no others
    also         laws of a domain, by name or as values
    except_      {law: why it does not hold}: the law must then fail, so that no exception outlives its reason
    may_fail     {law: why it may not hold}: it is tried, and nothing comes of it
    batch_axis   which axis of the input is the batch; None where none is; a tuple of these for a tuple of inputs

    Errors
        TypeError    it is no layer and no strategy of layers, or no shape
        ValueError   `only`, `also` or `except_` names a law there is not, or one the layer is not held to,
                     or one for other dtypes

    >>> sorted(vars(laws(Relu, ("B", ..., "D"), kinks=True)))[-2:]
    ['test_value_of_rule', 'test_writes_nothing']
    """
    return suite(f"Laws of {layer!r}", trials(layer, shape, **options))


def combinator_laws(
    make: Callable[..., Layer[Any, Any]],
    shape: Template | Shape | SearchStrategy[Shape],
    *,
    layers: Sequence[Layer[Any, Any]] | None = None,
    **options: Unpack[Options],
) -> type:
    """A test class that holds a combinator to all laws, with several layers inside.

        TestReZero = combinator_laws(ReZero, shapes("B", ..., "D"))

    make       what makes a layer of layers, such as `ReZero` or `lambda f: my_residual(f, drop=0.5)`
    shape      of its input, as `laws` takes it
    layers     what stands inside; else as many as it takes are chosen, which keep the shape of an array: some have
               params, some have none, some draw
    the others are those of `laws`

    >>> "test_own_params" in vars(combinator_laws(residual, ("B", "D")))
    True
    """
    return suite(f"Laws of {getattr(make, '__name__', make)}", combinator_trials(make, shape, layers, **options))


def loss_laws(
    loss: Loss[Any, Any], shape: Template | Shape | SearchStrategy[Shape], **options: Unpack[LossOptions]
) -> type:
    """A test class that holds a loss to all laws of losses.

        TestMyLoss = loss_laws(my_loss, shapes("B", 4), target="labels")

    shape      of the prediction, as `laws` takes it; the first axis is the rows
    target     a key of `TARGETS`, a function `(rng, shape of the prediction, dtype) -> target`, or a tuple of these
    domain     predictions are drawn between these two numbers
    value      a plain formula, `(prediction, target)`, of the terms, or of their mean
    weighted   it takes `weights=`
    dtypes, examples, only, also, except_, may_fail   as `laws` takes them

    >>> "test_true_pullback" in vars(loss_laws(squared_error, ("B", ..., "D")))
    True
    """
    return suite(f"Laws of {loss!r}", loss_trials(loss, shape, **options))


def optimizer_laws(optimizer: Optimizer[Any], **options: Unpack[OptimizerOptions]) -> type:
    """A test class that holds an optimizer to all laws of optimizers.

        TestMyOptimizer = optimizer_laws(my_optimizer(0.1), steps=plainly)

    steps    the formula of the source, written down plainly: `steps(optimizer)` gives a function of gradients and
             params, dicts from path to array, that returns the updates; called once a step, it may remember
    part     it is a part of a chain, which gives no steps of its own: it need not lead downhill
    dtypes, examples, only, also, except_, may_fail   as `laws` takes them

    >>> "test_splits" in vars(optimizer_laws(sgd(0.1)))
    True
    """
    return suite(f"Laws of {optimizer!r}", optimizer_trials(optimizer, **options))


def metric_laws(
    metric: Metric[Any, Any, Any, Any],
    shape: Template | Shape | SearchStrategy[Shape],
    *,
    target: Target = "like",
    domain: tuple[float, float] | None = None,
    value: Callable[[Any, Any], Any] | None = None,
    weighted: bool = True,
    nan: bool = True,
    **options: Unpack[PartOptions],
) -> type:
    """A test class that holds a metric to all laws of metrics.

    shape, target, domain   of predictions and targets, as `loss_laws` takes them
    value      a plain formula, `(prediction, target)`, over all rows
    weighted   it takes weights; `nan` a NaN among the predictions shows in the result

    >>> "test_batches_agree" in vars(metric_laws(accuracy, ("B", 4), target="labels"))
    True
    """
    found = metric_trials(metric, shape, target, domain, value, weighted, nan, options)
    return suite(f"Laws of {metric!r}", found)


def schedule_laws(
    schedule: Schedule, *, value: Callable[[int], Any] | None = None, **options: Unpack[PartOptions]
) -> type:
    """A test class that holds a schedule to all laws of schedules; `value` is a plain formula of the step.

    >>> "test_a_rate" in vars(schedule_laws(cosine_decay(0.1, 100)))
    True
    """
    return suite(f"Laws of {schedule!r}", schedule_trials(schedule, value, options))


def initializer_laws(
    initializer: Initializer,
    *,
    dtypes: Sequence[str] = ("float32", "float64"),
    variance: Callable[[int, int], float] | None = None,
    **options: Unpack[PartOptions],
) -> type:
    """A test class that holds an initializer to all laws of initializers; `variance(fan_in, fan_out)` is its scale.

    >>> "test_scale_by_fan" in vars(initializer_laws(he_normal, variance=lambda fan_in, fan_out: 2 / fan_in))
    True
    """
    return suite(f"Laws of {initializer!r}", initializer_trials(initializer, dtypes, variance, options))


def penalty_laws(
    penalty: Penalty, *, dtypes: Sequence[str] = ("float32", "float64"), **options: Unpack[PartOptions]
) -> type:
    """A test class that holds a penalty to all laws of penalties.

    >>> "test_selected" in vars(penalty_laws(l2(1e-4)))
    True
    """
    return suite(f"Laws of {penalty!r}", penalty_trials(penalty, dtypes, options))


def suite(name: str, trials: Mapping[str, Trial]) -> type:
    """A test class with a test for every trial: unittest's where pytest is not running."""
    bases = () if "pytest" in sys.modules else (TestCase,)
    return type(name, bases, {f"test_{law}": _test(law, trial) for law, trial in trials.items()})


def _test(law: str, trial: Trial) -> Callable[..., None]:
    def test(self: object) -> None:
        __tracebackhide__ = True
        item = running.get()
        if item is None:
            trial.run()
        else:
            run_for(trial, item)

    test.__name__ = test.__qualname__ = f"test_{law}"
    test.__doc__ = trial.law.statement
    test.is_hypothesis_test = True  # type: ignore[attr-defined]  # so that Hypothesis's plugin gathers its statistics
    if "pytest" not in sys.modules:
        return test
    marked: Callable[..., None] = _pytest().mark.law(law)(test)
    return marked


def _pytest() -> Any:
    """pytest, which trials outside tests do without.

    Errors
        MissingExtraError   it is not there
    """
    if find_spec("pytest") is None:
        raise MissingExtraError("tests of laws need pytest: pip install 'funcnn[testing]'; holds(...) does without")
    return import_module("pytest")


def run_in_pytest(trial: Trial, request: pytest.FixtureRequest) -> None:
    """Try a law, as often as the command line says, and note the share without a verdict for the summary.

    Errors
        LawBroken   it does not hold; only the frames of the layer are left in the traceback
    """
    __tracebackhide__ = True
    run_for(trial, cast(Any, request).node)


def run_for(trial: Trial, item: Any) -> Tally:
    """The same for a test of pytest, an item."""
    __tracebackhide__ = True
    try:
        tally = trial.run(item.config.getoption("law_examples", None))
    except LawBroken as broken:
        vars(broken).pop("__notes__", None)  # Hypothesis says the case once more
        raise broken.with_traceback(None) from broken.__cause__
    item.user_properties.append(("law", (trial.law.name, *tally)))
    return tally


class Bound(NamedTuple):
    """A law with the shapes and options it is to be tried with: called with a layer, it raises if it does not hold."""

    name: str
    shape: Any
    options: Options
    told: Told

    def __call__(self, layer: Layers) -> Tally:
        """Try the law on a layer; within a test of pytest, as often as the command line says.

        Errors
            LawBroken   it does not hold
        """
        __tracebackhide__ = True
        trial = trials(layer, self.shape, **self.options)[self.name]._replace(told=self.told)
        item = running.get()
        return trial.run() if item is None else run_for(trial, item)


def parametrize_with_laws(
    layers: Sequence[Layer[Any, Any]], shape: Template | Shape | SearchStrategy[Shape], **options: Unpack[Options]
) -> pytest.MarkDecorator:
    """Parameters `layer` and `law` for one test function: every layer with every law it is held to.

        @parametrize_with_laws([MyNorm(), serial(MyNorm(), Dense(3))], shape=(4, 6))
        def test_my_layers(layer, law):
            law(layer)

    The other arguments are those of `laws`, for all layers alike.

    Errors
        TypeError    it is no list of layers, or no shape
        ValueError   as `laws` raises it
    """
    demand_list(layers)
    param = _pytest().param
    rows = [
        param(layer, Bound(name, shape, options, told), id=f"{layer!r}-{name}", marks=_pytest().mark.law(name))
        for layer, told in [(layer, Told()) for layer in layers]
        for name in trials(layer, shape, **options)
    ]
    decorator: pytest.MarkDecorator = _pytest().mark.parametrize(("layer", "law"), rows)
    return decorator
