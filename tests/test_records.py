"""What a value was made by."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import numpy as np
import pytest

from funcnn import Dense, Gradients, ImmutableError, Key, Params, Relu, Updates, exponential_decay, squared_error
from funcnn.initializers import zeros
from funcnn.networks.constructors import snake_case
from funcnn.records import Record


def make(a: Any, b: Any = 2, *, c: Any = None) -> tuple[Any, Any, Any]:
    """A constructor."""
    return a, b, c


def called(*args: Any, **kwargs: Any) -> Record:
    """The record of a call of `make`."""
    return Record(__name__, "make", make, args, kwargs)


@pytest.mark.parametrize(
    ("record", "shown"),
    [
        (called(1, 2.5, c="x"), "make(1, 2.5, c='x')"),
        (called((1,), (2, (3, 4)), c=[5]), "make((1,), (2, (3, 4)), c=[5])"),
        (called(zeros, c=len), "make(zeros, c=len)"),
        (called(Dense(3), Relu), "make(Dense(3), Relu)"),
        (called(np.float32), "make(float32)"),
        (Record("funcnn", "Relu"), "Relu"),
    ],
)
def test_a_record_prints_as_source(record: Record, shown: str) -> None:
    """Functions by the name they are imported by."""
    assert repr(record) == shown


@pytest.mark.parametrize("record", [called(1, c=2), called(Dense(3)), Record("funcnn", "Relu")])
def test_replaying_gives_the_value_again(record: Record) -> None:
    """After pickling too."""
    assert pickle.loads(pickle.dumps(record)) == record
    assert pickle.loads(pickle.dumps(record)).replay() == record.replay()


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (called(1, 2), called(1, b=2)),
        (called(1), called(1, 2, c=None)),
        (called(1, b=3, c=4), called(1, c=4, b=3)),
        (called(1, 3, c=4), called(c=4, a=1, b=3)),
        (called(np.array([np.nan])), called(np.array([np.nan]))),
        (called([np.ones(2)], {"x": (np.ones(2),)}), called([np.ones(2)], {"x": (np.ones(2),)})),
        (called(Dense(3)), called(Dense(units=3))),
    ],
)
def test_the_same_call_is_equal(a: Record, b: Record) -> None:
    """However the arguments are given; arrays are compared bit for bit."""
    assert a == b and hash(a) == hash(b) and not a != b


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (called(1), called(2)),
        (called(1), called(1.0)),
        (called(True), called(1)),
        (called((1, 2)), called([1, 2])),
        (called(np.ones(2)), called(np.ones(2, np.float32))),
        (called(np.ones(2)), called(np.ones((2, 1)))),
        (called(np.ones(2)), called([1.0, 1.0])),
        (called({"x": 1}), called({"y": 1})),
        (called({"x": 1, "y": 2}), called({"y": 2, "x": 1})),
        (called(1), Record(__name__, "other", make, (1,))),
    ],
)
def test_another_call_is_not_equal(a: Record, b: Record) -> None:
    """Types count: a network that was made with 1.0 prints otherwise than one that was made with 1."""
    assert a != b and not a == b


@pytest.mark.parametrize(
    ("name", "kind"), [("Dense", "dense"), ("BatchNorm", "batch_norm"), ("GRU", "gru"), ("serial", "serial")]
)
def test_kinds_are_names_in_small_letters(name: str, kind: str) -> None:
    """Words are told apart by their capitals."""
    assert snake_case(name) == kind


VALUES: dict[str, tuple[Any, type[Exception], str]] = {
    "a key": (Key(0), AttributeError, "keys never change; make another with .fold('{name}')"),
    "params": (Params({"w": np.ones(2)}), ImmutableError, "params never change; make others with .set('{name}', array)"),
    "gradients": (Gradients({}), ImmutableError, "gradients never change; make others with .set('{name}', array)"),
    "updates": (Updates({}), ImmutableError, "updates never change; make others with .set('{name}', array)"),
    "an init": (Relu.init, AttributeError, "layers never change; {name} cannot be set"),
    "an apply": (Relu.apply, AttributeError, "layers never change; {name} cannot be set"),
    "a loss": (
        squared_error, AttributeError, "losses never change; {name} cannot be set, make another loss with .bind",
    ),
    "a recorded function": (
        exponential_decay(0.1, 2, 0.5), AttributeError, "exponential_decay(0.1, 2, 0.5) never changes; {name} cannot be set",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("value", "error", "said"), VALUES.values(), ids=VALUES)
def test_values_never_change(value: Any, error: type[Exception], said: str) -> None:
    """Nothing in them is set or deleted, whether it is there or not, and a copy is the value itself."""
    fields = [name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ())] or list(vars(value))
    for name in (*fields, "other"):
        with pytest.raises(error, match=f"^{re.escape(said.format(name=name))}$"):
            setattr(value, name, None)
        with pytest.raises(error, match=f"^{re.escape(said.format(name=name))}$"):
            delattr(value, name)
    assert copy.copy(value) is value is copy.deepcopy(value)


def test_items_of_params_never_change() -> None:
    """They are refused in the same words."""
    params: Any = Params({"w": np.ones(2)})
    said = r"^params never change; make others with .set\('w', array\)$"
    with pytest.raises(ImmutableError, match=said):
        params["w"] = 1
    with pytest.raises(ImmutableError, match=said):
        del params["w"]
