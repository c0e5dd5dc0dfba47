"""What is said when something is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest


def refusal(act: Callable[[], object], kind: type[Exception] | tuple[type[Exception], ...]) -> str:
    """The message with which `act` is refused."""
    with pytest.raises(kind) as caught:
        act()
    return str(caught.value)
