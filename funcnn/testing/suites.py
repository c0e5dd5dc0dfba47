"""One line a layer: a test class with a test for every law, or one test function for several layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict, Unpack, cast

import pytest
from hypothesis.strategies import SearchStrategy

from funcnn.errors import brief
from funcnn.hooks.running import running
from funcnn.networks import Layer
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.causes import Told
from funcnn.testing.registry import LAWS, Claims, laws_for, selected
from funcnn.testing.runs import Tally, Trial
from funcnn.testing.strategies import Template, cases, shapes
from funcnn.testing.subjects import demand, demand_list
from funcnn.testing.verdicts import Law, LawBroken
from funcnn.types import Shape

Layers = Layer[Any, Any] | SearchStrategy[Layer[Any, Any]]


class Options(TypedDict, total=False):
    """What may be said about a layer, and how it is to be tried: the keyword arguments of `laws`."""

    kinks: bool | None
    mixes_batch: bool
    linear: bool
    analytic: bool
    tokens: int | range
    domain: tuple[float, float] | None
    dtypes: Sequence[str]
    examples: int | None
    only: Iterable[str]
    also: Iterable[str | Law[Case]]
    except_: Mapping[str, str]


def shape_strategy(shape: Template | Shape | SearchStrategy[Shape]) -> SearchStrategy[Any]:
    """Shapes: a strategy as it is, a template with gaps filled in, a plain shape alone.

    Errors
        TypeError   it is something else
    """
    if isinstance(shape, SearchStrategy):
        return shape
    if not isinstance(shape, (tuple, list)):
        raise TypeError(
            f"the shape of the input is wanted, shapes('B', ..., 'D'), a template or a shape like (4, 6), got {shape!r}"
        )
    return shapes(*shape)


def trials(
    layer: Layers,
    shape: Template | Shape | SearchStrategy[Shape],
    *,
    kinks: bool | None = None,
    mixes_batch: bool = False,
    linear: bool = False,
    analytic: bool = False,
    tokens: int | range = 5,
    domain: tuple[float, float] | None = None,
    dtypes: Sequence[str] = ("float32", "float64"),
    examples: int | None = None,
    only: Iterable[str] = (),
    also: Iterable[str | Law[Case]] = (),
    except_: Mapping[str, str] = {},
) -> dict[str, Trial]:
    """Every law a layer is held to, with its cases. The arguments are those of `laws`.

    Errors
        TypeError    it is no layer and no strategy, or no shape
        ValueError   `only`, `also` or `except_` names a law there is not, or one the layer is not held to
    """
    demand(layer, "a layer", Layer, SearchStrategy)
    if kinks not in (None, True, False):
        raise TypeError(f"kinks is True, False, or None where it is not known, got {brief(kinks)}")
    told = Told()
    single = layer if isinstance(layer, Layer) else None
    chosen = laws_for(single, Claims(kinks, mixes_batch, linear, analytic))
    label = "layers" if single is None else repr(layer)
    drawn = shape_strategy(shape)
    return {
        name: Trial(
            law,
            cases(
                layer, drawn, dtypes=common(dtypes, law.dtypes), kinds=law.kinds, passes=law.passes,
                tokens=tokens, domain=domain,
            ),
            label, reason, examples, told,
        )
        for name, (law, reason) in selected(LAWS, chosen, only, also, except_).items()
    }  # fmt: skip


def common(dtypes: Sequence[str], of_law: Sequence[str]) -> Sequence[str]:
    """The dtypes to try: those asked for, where the law is for them; else the law's own."""
    return [d for d in dtypes if d in of_law] or of_law


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
    domain       features are drawn between these two numbers
    dtypes       the dtypes tried
    examples     how many cases a law; `--law-examples` on the command line overrules it
    only         names of laws: these and no others
    also         laws of a domain, by name or as values
    except_      {law: why it does not hold}: the law must then fail, so that no exception outlives its reason

    Errors
        TypeError    it is no layer and no strategy of layers, or no shape
        ValueError   `only`, `also` or `except_` names a law there is not, or one the layer is not held to

    >>> sorted(vars(laws(Relu, ("B", ..., "D"), kinks=True)))[-2:]
    ['test_true_pullback', 'test_value_of_rule']
    """
    return suite(f"Laws of {layer!r}", trials(layer, shape, **options))


def suite(name: str, trials: Mapping[str, Trial]) -> type:
    """A test class with a test for every trial."""
    return type(name, (), {f"test_{law}": _test(law, trial) for law, trial in trials.items()})


def _test(law: str, trial: Trial) -> Callable[..., None]:
    def test(self: object, request: pytest.FixtureRequest) -> None:
        run_in_pytest(trial, request)

    test.__name__ = test.__qualname__ = f"test_{law}"
    test.__doc__ = trial.law.statement
    test.is_hypothesis_test = True  # type: ignore[attr-defined]  # so that Hypothesis's plugin gathers its statistics
    marked: Callable[..., None] = pytest.mark.law(law)(test)
    return marked


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
    rows = [
        pytest.param(layer, Bound(name, shape, options, told), id=f"{layer!r}-{name}", marks=pytest.mark.law(name))
        for layer, told in [(layer, Told()) for layer in layers]
        for name in trials(layer, shape, **options)
    ]
    return pytest.mark.parametrize(("layer", "law"), rows)

