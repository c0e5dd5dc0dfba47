"""All laws about layers, by name, and which of them a layer is held to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from funcnn.decoding import goes_on
from funcnn.errors import brief
from funcnn.networks import Layer
from funcnn.testing.casebook.of_layers import Case
from funcnn.testing.casebook.pairs import parts
from funcnn.testing.judging.verdicts import Law, listed
from funcnn.testing.lawbook.along_time import ALONG_TIME_LAWS
from funcnn.testing.lawbook.analytic import ANALYTIC_LAWS
from funcnn.testing.lawbook.composition import COMPOSITION_LAWS
from funcnn.testing.lawbook.derivatives import DERIVATIVE_LAWS
from funcnn.testing.lawbook.domains import DOMAIN_LAWS
from funcnn.testing.lawbook.exact import EXACT_LAWS
from funcnn.testing.lawbook.memory import MEMORY_LAWS
from funcnn.testing.lawbook.of_children import CHILDREN_LAWS
from funcnn.testing.lawbook.numeric import NUMERIC_LAWS
from funcnn.testing.lawbook.outside import OUTSIDE_LAWS
from funcnn.testing.lawbook.params import PARAMS_LAWS
from funcnn.testing.lawbook.precision import PRECISION_LAWS
from funcnn.testing.lawbook.randomness import RANDOM_LAWS, UNBIASED
from funcnn.testing.lawbook.refusing import REFUSAL_LAWS
from funcnn.testing.lawbook.smoothness import SMOOTHNESS_LAWS
from funcnn.testing.lawbook.stepwise import STEPWISE_LAWS
from funcnn.testing.lawbook.ties import TIE_LAWS
from funcnn.testing.trials.running import May
from funcnn.types import is_mapping

C = TypeVar("C")
L = TypeVar("L")

_GENERAL = (
    *EXACT_LAWS, *REFUSAL_LAWS, *NUMERIC_LAWS, *PRECISION_LAWS, *DERIVATIVE_LAWS, *SMOOTHNESS_LAWS, *TIE_LAWS,
    *ANALYTIC_LAWS, *PARAMS_LAWS, *RANDOM_LAWS, *COMPOSITION_LAWS, *CHILDREN_LAWS, *STEPWISE_LAWS, *OUTSIDE_LAWS,
    *MEMORY_LAWS,
)  # fmt: skip

LAWS: Final[Mapping[str, Law[Case]]] = listed("LAWS", *_GENERAL, *DOMAIN_LAWS, *ALONG_TIME_LAWS, UNBIASED)
"""Every law about layers, by name. Those of a domain hold for some layers only, and are asked for with `also=`."""


OF_LAYERS: Final = frozenset(
    law.name
    for law in (*PARAMS_LAWS, *RANDOM_LAWS, *COMPOSITION_LAWS, *STEPWISE_LAWS)
) | {
    "declared_shape", "shape_rule", "value_of_rule", "nothing_to_write_through", "empty_batch", "refuses_wrong_shapes",
    "fresh_gradients",
}  # fmt: skip
"""Laws that are not asked of plain functions, see `pair`: they are about shape rules, params and keys."""


REST_ON: Final = dict.fromkeys(("at_ties", "full_precision", "exact_pullback", "remembers_nothing"), "true_pullback")
"""Laws that believe the pullback, and say nothing new where another is said not to hold: they are left out then."""


class Claims(NamedTuple):
    """What is said about a layer. What is said is checked: a claim that is not true breaks a law.

    kinks        True: the derivative jumps somewhere; False: it does not; None: nothing is claimed
    mixes_batch  an example's output depends on other examples, at inference
    linear       linear in x, but for a constant
    analytic     the rule runs on complex numbers
    batched      one axis of the input is a batch
    """

    kinks: bool | None = None
    mixes_batch: bool = False
    linear: bool = False
    analytic: bool = False
    batched: bool = True


def laws_for(layer: Layer[Any, Any] | None, claims: Claims) -> dict[str, str]:
    """The names of the laws a layer is held to, each with the reason why it must fail, or "" where it must hold.

    Of a family of layers, `None`, one does not know whether they are random: the law about keys looks for itself.
    """
    verdicts: dict[str, str | None] = {
        "": "",
        "rows": None if claims.mixes_batch or not claims.batched else "",
        "linear": "" if claims.linear else None,
        "analytic": "" if claims.analytic else None,
        "random": "" if layer is None or layer.apply.random else None,
        "children": "" if layer is None or layer.definition.children else None,
        "steps": "" if layer is not None and goes_on(layer) else None,
        "smooth": {True: "kinks are declared", False: "", None: None}[claims.kinks],
    }
    plain = layer is not None and parts(layer) is not None
    chosen = {law.name: verdicts[law.wants] for law in _GENERAL if not (plain and law.name in OF_LAYERS)}
    if claims.mixes_batch and claims.batched:
        chosen["independent_rows"] = "it is declared that examples see each other"
    return {name: reason for name, reason in chosen.items() if reason is not None}


def several(option: str, laws: Iterable[L], *more: L) -> list[L]:
    """The laws that are given, and more.

    Errors
        TypeError   one name is given, and no list of names
    """
    given: object = laws
    if isinstance(given, str):
        raise TypeError(f"{option} takes a list of laws, got {given!r}; write [{given!r}]")
    return [*laws, *more]


class Chosen(NamedTuple):
    """A law to try; the reason why it must fail, or ""; and whether it was named."""

    law: Law[Any]
    reason: str
    asked: bool


def selected(
    table: Mapping[str, Law[C]],
    chosen: Mapping[str, str],
    only: Iterable[str],
    also: Iterable[str | Law[C]],
    except_: Mapping[str, str],
    may_fail: Mapping[str, str] = {},
    dtypes: Sequence[str] = ("float32", "float64"),
) -> dict[str, Chosen]:
    """The laws to try, each with the reason why it must fail, or "": those chosen, after what a user says.

    Laws for other dtypes than those asked for are left out, unless they are named.

    Errors
        TypeError    `except_` is no mapping, `only` or `also` no list
        ValueError   a name there is not among the laws, or that is not tried here; an exception without a reason; a
                     law that is named and is for other dtypes; dtypes that no law is for
    """
    wanted_names = several("only", only)
    laws = {name: (table[name], reason) for name, reason in chosen.items()}
    asked: set[str] = set()
    for law in also:
        if isinstance(law, str) and law not in table:
            raise ValueError(f"there is no law {law!r}; the laws are {', '.join(sorted(table))}")
        value = table[law] if isinstance(law, str) else law
        laws[value.name] = (value, "")
        asked.add(value.name)
    wanted = set(wanted_names)
    for option, said, how in (("except_", except_, str), ("may_fail", may_fail, May)):
        if not is_mapping(said):
            raise TypeError(f"{option} takes {{law: reason}}, got {brief(said)}; say why each does not hold")
        for name, reason in said.items():
            got = f"{option} takes {{law: reason}}, got {name!r}: {reason!r}"
            if name not in laws:
                raise ValueError(f"{got}; the laws are {', '.join(laws)}")
            if not reason or not isinstance(reason, str):
                raise ValueError(f"{got}; say why it does not hold")
            if wanted and name not in wanted:
                out = f"{option} says that {name} does not hold, which only= leaves out"
                raise ValueError(f"{out}; drop one of the two")
            laws[name] = (laws[name][0], how(reason))
    for name, on in REST_ON.items():
        if name in laws and (on in except_ or on in may_fail) and name not in except_ and name not in wanted:
            del laws[name]
    if missing := wanted - laws.keys():
        raise ValueError(f"not held to {', '.join(sorted(missing))}; the laws are {', '.join(laws)}")
    tried = {name: law for name, law in laws.items() if not wanted or name in wanted}
    left = _in_dtypes(tried, dtypes, {*wanted, *asked, *except_, *may_fail})
    named = wanted | asked
    return {name: Chosen(law, reason, name in named) for name, (law, reason) in left.items()}


def _in_dtypes(
    laws: Mapping[str, tuple[Law[C], str]], dtypes: Sequence[str], named: Iterable[str]
) -> dict[str, tuple[Law[C], str]]:
    """The laws that are for one of the dtypes.

    Errors
        ValueError   a law that is named is for others, or there is no dtype that any law is for
    """
    known = sorted({"float32", "float64", *(dtype for law, _ in laws.values() for dtype in law.dtypes)})
    if not dtypes or isinstance(dtypes, str) or any(dtype not in known for dtype in dtypes):
        raise ValueError(f"dtypes takes a tuple of some of {', '.join(known)}, got {brief(dtypes)}")
    left = {name: law for name, law in laws.items() if common(dtypes, law[0].dtypes)}
    out = [f"{name} is for {' and '.join(laws[name][0].dtypes)}" for name in laws if name in named and name not in left]
    if out:
        raise ValueError(
            f"dtypes={brief(dtypes)} leaves out what is asked for: {'; '.join(out)}; add the dtype, or drop the law"
        )
    return left


def common(dtypes: Sequence[str], of_law: Sequence[str]) -> Sequence[str]:
    """The dtypes to try a law in: those asked for that it is for."""
    return [dtype for dtype in dtypes if dtype in of_law]
