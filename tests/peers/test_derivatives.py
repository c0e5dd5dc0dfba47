"""Every kind of derivative, and losses made of them, against the recorded numbers of JAX."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from tests.peers import derivatives, recipes
from tests.peers.jax_networks import NETWORKS


@pytest.mark.parametrize("kind", derivatives.KINDS)
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_every_analytic_layer(name: str, kind: str) -> None:
    """In float64, to 1e-12 of the largest number: values, gradients, and what is pulled back through derivatives."""
    with np.load(derivatives.FILE) as file:
        wanted = file[f"{name}|{kind}"]
    assert derivatives.distance(derivatives.ours(NETWORKS[name], kind), wanted) < 1e-12
    assert len(np.unique(wanted)) > 3


def test_what_is_recorded_are_the_networks() -> None:
    """No numbers without a network, none that another pass left behind."""
    with np.load(derivatives.FILE) as file:
        assert sorted(file.files) == sorted(f"{name}|{kind}" for name in NETWORKS for kind in derivatives.KINDS)


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_recipes(name: str) -> None:
    """The same gradients as JAX's, for at most 15 lines more."""
    with np.load(recipes.FILE) as file:
        wanted = file[name]
    found, recipe = recipes.ours(name), recipes.RECIPES[name]
    assert abs(found - wanted).max() <= 1e-12 * abs(wanted).max()
    mine, their = (len(inspect.getsource(f).splitlines()) for f in (recipe.ours, recipe.jax))
    losses = sum(len(inspect.getsource(f.rule).splitlines()) for f in (recipes.signed, recipes.unit_slope))
    assert mine + (losses if name == "gradient penalty" else 0) <= their + 15
