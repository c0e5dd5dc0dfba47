"""What Hypothesis calls when it is imported: how layers, params and keys are drawn where tests ask for their types."""

from __future__ import annotations

from typing import Any, get_args

from funcnn.keys import Key
from funcnn.networks import Layer
from funcnn.params import Gradients, Params, Updates


def register() -> None:
    """Make `st.from_type(Layer[Array, Array])`, and `@given(...)` by annotation, draw networks."""
    from hypothesis import strategies as st

    st.register_type_strategy(Layer, _layers)
    for kind in (Params, Gradients, Updates):
        st.register_type_strategy(kind, _trees)
    st.register_type_strategy(Key, _keys)


def _layers(wanted: Any) -> Any:
    from funcnn.testing.drawing.networks import networks_of_type  # not above: who imports Hypothesis need not want laws

    return networks_of_type(*get_args(wanted))


def _trees(wanted: Any) -> Any:
    from funcnn.testing.drawing.strategies import trees  # not above, as in _layers

    return trees().map(wanted)


def _keys(wanted: Any) -> Any:
    from funcnn.testing.drawing.strategies import keys  # not above, as in _layers

    return keys()
