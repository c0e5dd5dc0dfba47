"""Errors know where they happened."""

from __future__ import annotations

import copy
import pickle

import pytest

from funcnn import (
    CheckpointError,
    DTypeError,
    ExportError,
    FuncnnError,
    ImmutableError,
    LabelError,
    MissingExtraError,
    NonFiniteError,
    ParamsError,
    ShapeError,
    UndecidedError,
)
from funcnn.errors import NotAnalyticError, RanksError, locate

TABLE = {
    ShapeError: ValueError,
    UndecidedError: TypeError,
    DTypeError: TypeError,
    ExportError: TypeError,
    LabelError: ValueError,
    NonFiniteError: ArithmeticError,
    ParamsError: ValueError,
    NotAnalyticError: TypeError,
    ImmutableError: TypeError,
    CheckpointError: ValueError,
    MissingExtraError: ImportError,
    RanksError: RuntimeError,
}


@pytest.mark.parametrize("kind", TABLE, ids=lambda kind: kind.__name__)
def test_every_error_is_also_a_built_in_one(kind: type[FuncnnError]) -> None:
    """So that code which knows nothing of funcnn can catch it."""
    assert issubclass(kind, FuncnnError) and issubclass(kind, TABLE[kind])


def test_the_table_is_complete() -> None:
    """Every subclass of the page of errors stands in it; what the laws plant into layers is no error of theirs."""
    assert {kind for kind in FuncnnError.__subclasses__() if kind.__module__ == "funcnn.errors"} == TABLE.keys()


@pytest.mark.parametrize("kind", TABLE, ids=lambda kind: kind.__name__)
def test_the_place_comes_first(kind: type[FuncnnError]) -> None:
    """The path of the layer, then the network, then the message."""
    error = kind("message")
    assert (str(error), error.message) == ("message", "message")
    locate(error, "dense_1")
    locate(error, "body")
    assert (str(error), error.path) == ("body/dense_1: message", ("body", "dense_1"))
    error.network = "serial"
    assert str(error) == "body/dense_1 in serial: message"


@pytest.mark.parametrize("again", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
@pytest.mark.parametrize("kind", TABLE, ids=lambda kind: kind.__name__)
def test_errors_pickle(kind: type[FuncnnError], again: object) -> None:
    """With their place: a worker process may raise one."""
    error = kind("message", path=("a",))
    error.network = "serial"
    found = again(error)  # type: ignore[operator]
    assert (type(found), str(found), found.path) == (kind, "a in serial: message", ("a",))


def test_foreign_exceptions_get_a_note() -> None:
    """One for every name, and stay what they are."""
    error = KeyError("w")
    locate(error, "dense_1")
    locate(error, "body")
    assert (str(error), error.__notes__) == ("'w'", ["in dense_1", "in body"])
