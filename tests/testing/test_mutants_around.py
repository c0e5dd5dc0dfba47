"""Faults that no single layer can have: in combinators, in params, in files. Each breaks the law that is about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from funcnn import Dense, Identity, Layer, Params, Tanh, parallel, residual, serial
from funcnn.combinators.fans import FanOut
from funcnn.networks.pair import altered
from funcnn.params import wrap
from funcnn.testing import LAWS, LOSS_LAWS, OPTIMIZER_LAWS, Case, LawBroken
from tests.testing import mutants, test_mutants_losses, test_mutants_parts
from tests.testing.escapes import ESCAPES
from tests.testing.escapes_losses import LOSS_ESCAPES, OPTIMIZER_ESCAPES
from tests.testing.fifth_corpus import FIFTH
from tests.testing.fourth_corpus import FOURTH
from tests.testing.second_corpus import SECOND
from tests.testing.sixth_corpus import SIXTH
from tests.testing.third_corpus import THIRD

pytestmark = pytest.mark.usefixtures("same_cases")

CASE = Case(serial(Dense(3), Tanh), (2, 3), seed=1)


def bent(change: Callable[[Any, Any], Any]) -> Callable[[Layer[Any, Any]], Layer[Any, Any]]:
    """Another layer, whose rule is passed through `change(y, back) -> (y, back)`, forward and backward alike."""

    def bend(net: Layer[Any, Any]) -> Layer[Any, Any]:
        def rule(*args: Any) -> Any:
            return change(*net.apply.rule(*args))

        def value(*args: Any) -> Any:
            return rule(*args)[0]

        return altered(net, rule=rule, value=value)

    return bend


def twice(back: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A pullback that gives the input twice its cotangent."""

    def pullback(dy: Any) -> Any:
        dparams, dx = back(dy)
        return dparams, forced_double(dx)

    return pullback


def forced_double(dx: Any) -> Any:
    """Twice a cotangent, of an array or a tuple of arrays."""
    dx = dx.now() if hasattr(dx, "now") else dx
    return tuple(2 * d for d in dx) if isinstance(dx, tuple) else 2 * dx


def only_when(condition: Callable[..., bool], make: Any, bend: Callable[[Any], Any]) -> Callable[..., Any]:
    """A combinator that is wrong for some of its arguments."""

    def combinator(*layers: Any) -> Any:
        net = make(*layers)
        return bend(net) if condition(*layers) else net

    return combinator


double_value = bent(lambda y, back: (2 * y, back))
double_cotangent = bent(lambda y, back: (y, twice(back)))

COMBINATORS: dict[str, tuple[str, Callable[..., Any]]] = {  # law: (the name in the module of these laws, a wrong one)
    "associative": ("serial", only_when(lambda *layers: len(layers) == 3, serial, double_value)),
    "identity": ("serial", only_when(lambda *layers: layers[-1:] == (serial(),), serial, double_value)),
    "chain_rule": ("serial", only_when(lambda *layers: layers[-1].init.name == "g", serial, double_cotangent)),
    "interchange": ("parallel", only_when(lambda *layers: layers[0].init.name == "up", parallel, double_cotangent)),
    "fan_out": ("FanOut", lambda n: double_cotangent(FanOut(n))),
    "residual": ("residual", lambda f: double_cotangent(cast(Any, residual)(f))),
}


@pytest.mark.parametrize("law", COMBINATORS)
def test_laws_of_composition_find_wrong_combinators(law: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A combinator that is wrong breaks the law about it, and the right one does not."""
    LAWS[law](CASE)
    name, wrong = COMBINATORS[law]
    monkeypatch.setattr(f"funcnn.testing.lawbook.composition.{name}", wrong)
    with pytest.raises(LawBroken, match=law):
        LAWS[law](CASE)


def test_initial_values_that_depend_on_the_place_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A serial that names its children by their place moves initial values when a layer is put before them."""

    def by_place(*layers: Any) -> Any:
        return serial(*(child.named(f"{i}") for i, child in enumerate(layers)))

    monkeypatch.setattr("funcnn.testing.lawbook.params.serial", lambda *layers: _probed(by_place(*layers), layers))
    with pytest.raises(LawBroken, match="init_by_path"):
        LAWS["init_by_path"](CASE)


def _probed(net: Layer[Any, Any], layers: tuple[Layer[Any, Any], ...]) -> Layer[Any, Any]:
    """The same network with the names put back after the drawing."""
    names = [child.init.name for child in layers]

    class Net:
        @staticmethod
        def init(*args: Any, **kwargs: Any) -> Any:
            out, params = net.init(*args, **kwargs)
            return out, Params({names[int(place)]: tree for place, tree in params.to_dict().items()})

    return Net()  # type: ignore[return-value]  # the law draws and does nothing else


class Writeable(Case):
    """A case whose params can be written to."""

    @property
    def params(self) -> Any:
        """Leaves that are not sealed."""
        return wrap({"dense_0": {"w": np.ones((3, 3)), "b": np.ones(3)}})


def test_params_that_can_be_written_to_are_found() -> None:
    """A leaf that is not read-only breaks the law about params."""
    with pytest.raises(LawBroken, match="immutable_params"):
        LAWS["immutable_params"](Writeable(serial(Dense(3)), (2, 3)))


class Open(Case):
    """A case whose door hands out the caller's own memory."""

    def apply(self, params: Any = None, x: Any = None) -> Any:
        """Writes through to x."""
        owner = np.array(self.x)
        self.__dict__["x"] = owner[:]
        return owner


def test_a_door_that_hands_out_memory_is_found() -> None:
    """A value that is writeable and shares memory with the input breaks the law about memory."""
    with pytest.raises(LawBroken, match="nothing_to_write_through"):
        LAWS["nothing_to_write_through"](Open(Identity, (2, 3)))


def test_a_file_that_loses_a_bit_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading something else than was saved breaks the round trip."""
    monkeypatch.setattr("funcnn.testing.lawbook.params.load_params", lambda file: Params({"dense_0": {"w": np.ones((3, 3))}}))
    with pytest.raises(LawBroken, match="round_trip"):
        LAWS["round_trip"](CASE.like(seed=4))  # files are tried at every fourth seed


def test_every_law_is_seen_to_fail() -> None:
    """There is no law that nothing breaks: a mutant, a stranger or a test here names each of them."""
    here = {*COMBINATORS, "init_by_path", "immutable_params", "nothing_to_write_through", "round_trip"}
    assert {m.law for m in [*mutants.MUTANTS, *ESCAPES]} | mutants.STRANGERS.keys() | here == set(LAWS)


def _of_corpora(kind: str) -> set[str]:
    return {fault.law for fault in (*THIRD, *FIFTH) if fault.kind == kind}


def test_every_law_of_losses_and_optimizers_is_seen_to_fail() -> None:
    """A mutant names each of them."""
    losses = {law for _, law, *_ in [*test_mutants_losses.LOSSES, *LOSS_ESCAPES]} | _of_corpora("loss")
    optimizers = {law for _, law, *_ in [*test_mutants_losses.OPTIMIZERS, *OPTIMIZER_ESCAPES]} | _of_corpora("optimizer")
    assert (losses - {"plain_value"}, optimizers - {"closed_form"}) == (set(LOSS_LAWS), set(OPTIMIZER_LAWS))


def test_the_readme_counts_the_planted_faults() -> None:
    """In layers, losses and optimizers."""
    losses = len(test_mutants_losses.LOSSES) + len(LOSS_ESCAPES) + test_mutants_parts.COUNT
    count = len(mutants.MUTANTS) + len(ESCAPES) + losses + len(test_mutants_losses.OPTIMIZERS) + len(OPTIMIZER_ESCAPES)
    count += len(SECOND) + len(THIRD) + len(FOURTH) + len(FIFTH) + len(SIXTH)
    assert f" {count} planted faults" in (Path(__file__).parents[2] / "docs" / "laws.md").read_text(encoding="utf-8")
