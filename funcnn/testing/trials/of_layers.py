"""The trials of a layer: every law it is held to, with its cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Never, Any, TypedDict

from hypothesis.strategies import SearchStrategy

from funcnn.errors import brief
from funcnn.networks import Layer
from funcnn.testing.casebook.of_layers import BatchAxis, Case
from funcnn.testing.casebook.pairs import parts
from funcnn.testing.drawing.contents import Domain, has_ends
from funcnn.testing.drawing.strategies import cases
from funcnn.testing.drawing.templates import Template, in_batch, larger, shapes
from funcnn.testing.judging.causes import Told
from funcnn.testing.judging.verdicts import Law
from funcnn.testing.lawbook.memory import as_new
from funcnn.testing.lawbook.values import plain_value
from funcnn.testing.trials.choosing import LAWS, Claims, common, laws_for, selected, several
from funcnn.testing.trials.refusals import demand, demand_cases, demand_domain
from funcnn.testing.trials.running import Trial
from funcnn.types import Shape

Layers = Layer[Never, object] | SearchStrategy[Layer[Never, object]]


class Options(TypedDict, total=False):
    """What may be said about a layer, and how it is to be tried: the keyword arguments of `laws`."""

    kinks: bool | None
    mixes_batch: bool
    linear: bool
    analytic: bool
    tokens: int | range
    domain: Domain
    batch_axis: BatchAxis
    value: Callable[[Any, Any], Any] | None
    dtypes: Sequence[str]
    examples: int | None
    only: Iterable[str]
    also: Iterable[str | Law[Case]]
    except_: Mapping[str, str]
    may_fail: Mapping[str, str]


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
    domain: Domain = None,
    batch_axis: BatchAxis = 0,
    value: Callable[[Any, Any], Any] | None = None,
    dtypes: Sequence[str] = ("float32", "float64"),
    examples: int | None = None,
    only: Iterable[str] = (),
    also: Iterable[str | Law[Case]] = (),
    except_: Mapping[str, str] = {},
    may_fail: Mapping[str, str] = {},
) -> dict[str, Trial]:
    """Every law a layer is held to, with its cases. The arguments are those of `laws`.

    Errors
        TypeError    it is no layer and no strategy, or no shape
        ValueError   `only`, `also` or `except_` names a law there is not, or one the layer is not held to,
                     or one for other dtypes
    """
    demand(layer, "a layer", Layer, SearchStrategy)
    if kinks not in (None, True, False):
        raise TypeError(f"kinks is True, False, or None where it is not known, got {brief(kinks)}")
    demand_cases(examples)
    demand_domain(domain)
    told = Told()
    single = layer if isinstance(layer, Layer) else None
    label = "layers" if single is None else repr(layer)
    drawn = shape_strategy(shape)
    if batch_axis == 0 and single is not None and (functions := parts(single)):
        batch_axis = in_batch(drawn, len(functions.signature.inputs))
    chosen = laws_for(single, Claims(kinks, mixes_batch, linear, analytic, batch_axis is not None))
    more = several("also", also, *([plain_value(value)] if value else []))
    wide = larger(drawn)

    def tried(law: Law[Case], shape: SearchStrategy[Shape], kinds: Sequence[str]) -> SearchStrategy[Case]:
        return cases(
            layer, shape,
            dtypes=common(dtypes, law.dtypes), kinds=kinds, passes=law.passes, tokens=tokens, domain=domain,
            batch_axis=batch_axis,
        )  # fmt: skip

    return {
        name: Trial(
            law if single is None else as_new(law, single), tried(law, drawn, law.kinds), label, reason, examples, told,
            {
                **({"large": tried(law, wide, ("normal",))} if wide is not None and law.large else {}),
                **{kind: tried(law, drawn, [kind]) for kind in law.rare if kind != "edges" or has_ends(domain)},
            },
            asked,
        )
        for name, (law, reason, asked) in selected(LAWS, chosen, only, more, except_, may_fail, dtypes).items()
    }  # fmt: skip
