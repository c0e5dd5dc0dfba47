"""Right and wrong functions of JAX's with rules of their own, held to the laws. Needs it: `python -m tests.bridges jax`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import jax
import jax.numpy as jnp
import pytest

from funcnn.bridges.jax import from_jax
from funcnn.testing import LawBroken, holds
from tests.bridges.jax_functions import drawn


def made(value: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """A function with a rule by `jax.custom_vjp`, by its value and its slope."""

    own: Any = jax.custom_vjp(value)
    own.defvjp(lambda x: (value(x), x), lambda x, dy: (dy * slope(x),))
    return lambda params, x: own(x) * params["g"]


def centred(params: Any, x: Any) -> Any:
    """Less the mean of the batch."""
    return (x - x.mean(0)) * params["g"]


def _rounded(params: Any, x: Any) -> Any:
    return x.astype(jnp.float32).astype(x.dtype) * params["g"]


RIGHT: Final = {
    "a sine": made(jnp.sin, jnp.cos),
    "a softplus": made(jax.nn.softplus, jax.nn.sigmoid),
    "a square": made(lambda x: x * x, lambda x: 2 * x),
}
WRONG: Final = {
    "half a slope": ("true_pullback", made(jnp.sin, lambda x: jnp.cos(x) / 2)),
    "no slope beyond 20": ("true_pullback", made(lambda x: x * 2, lambda x: 2.0 * (abs(x) < 20))),
    "a slope of 3 at zero": ("at_ties", made(jax.nn.relu, lambda x: jnp.where(x == 0, 3.0, (x > 0) * 1.0))),
    "rows see each other": ("independent_rows", centred),
    "float32 inside": ("full_precision", _rounded),
}


@pytest.mark.law
@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_keeps_the_laws(name: str) -> None:
    """All of them."""
    holds(from_jax(RIGHT[name], {"g": drawn(3)})[0], (4, 3), examples=4)


@pytest.mark.law
@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_convicted(name: str) -> None:
    """By the law that names the fault."""
    law, f = WRONG[name]
    with pytest.raises(LawBroken, match=law):
        holds(from_jax(f, {"g": drawn(3)})[0], (4, 3), only=[law])
