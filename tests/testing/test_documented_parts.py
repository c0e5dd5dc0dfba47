"""What the pages on contributing show obeys the laws: whoever copies it begins with a right one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from funcnn.testing import Trial
from funcnn.testing.trials.of_combinators import combinator_trials
from funcnn.testing.trials.of_layers import trials
from funcnn.testing.trials.of_losses import loss_trials
from funcnn.testing.trials.of_optimizers import optimizer_trials
from funcnn.testing.trials.of_parts import initializer_trials, metric_trials
from tests.docs.pages import ROOT, blocks

pytestmark = pytest.mark.usefixtures("same_cases")

DECAYS = {"fixed_point": "weights decay"}


def shown(page: str) -> dict[str, Any]:
    """All names of the code of a page."""
    names: dict[str, Any] = {"__name__": page.removesuffix(".md")}
    for code in blocks(ROOT / "docs" / "contributing" / page, "python"):
        exec(compile(code, page, "exec"), names)  # noqa: S102
    return names


PARTS: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Trial]]] = {
    "Scale": lambda names: trials(names["Scale"](), ("B", ..., "D"), kinks=False),
    "ReZero": lambda names: combinator_trials(names["ReZero"], ("B", ..., "D")),
    "absolute": lambda names: loss_trials(names["absolute"], ("B", 4), value=lambda y, t: abs(y - t)),
    "my_adamw": lambda names: optimizer_trials(names["my_adamw"](1e-3), except_=DECAYS),
    "sign_descent": lambda names: optimizer_trials(names["sign_descent"](0.1)),
    "gradient_share": lambda names: optimizer_trials(names["gradient_share"](0.1)),
    "largest": lambda names: metric_trials(names["largest"], ("B", 4), "like", None, None, False, True, {}),
    "small": lambda names: initializer_trials(names["small"], ("float32", "float64"), None, {}),
}
PAGES = {"Scale": "layer.md", "ReZero": "combinator.md"}


@pytest.mark.parametrize("name", PARTS)
def test_what_is_shown_obeys_the_laws(name: str) -> None:
    """All of them."""
    for trial in PARTS[name](shown(PAGES.get(name, "parts.md"))).values():
        trial.run(10)
