"""The rows of the catalogue: what is said of a layer, a loss, an optimizer or a part."""

from __future__ import annotations

from collections.abc import Mapping
from types import EllipsisType
from typing import Any, NamedTuple, TypeAlias, Union

Template: TypeAlias = "tuple[Union[int, str, range, EllipsisType, Template], ...]"
"""What `funcnn.testing.shapes` takes."""


class LayerRow(NamedTuple):
    """A layer or a network made by a combinator."""

    source: str
    shape: Template
    tokens: int | range = 5  # what token inputs hold: integers below this, or of this range
    kinks: bool = False  # not differentiable everywhere (Relu, MaxPool): few points may go without a verdict
    mixes_batch: bool = False  # at inference, an example's output depends on the other examples
    domain: tuple[float, float] | None = None  # features are drawn between these, where it is not for all numbers
    linear: bool = False  # y is linear in x, but for a constant
    also: tuple[str, ...] = ()  # laws of a domain that hold: "rows_sum_to_one", ..., see lawbook/domains.py
    except_: Mapping[str, str] = {}  # law: why it does not hold  # noqa: RUF012  (read only)


class LossRow(NamedTuple):
    """A loss, with its options bound: `softmax_cross_entropy.bind(label_smoothing=0.1)`."""

    source: str
    prediction: Template
    # a key of `funcnn.testing.TARGETS` (like, labels, distribution, binary, signs, counts, positive), a function
    # (rng, shape of the prediction, dtype) -> target, or a tuple of these for a tuple of predictions
    target: Any = "like"
    domain: tuple[float, float] | None = None  # the prediction is drawn between these
    weighted: bool = True  # takes `weights=`
    except_: Mapping[str, str] = {}  # noqa: RUF012  (read only)


class OptimizerRow(NamedTuple):
    """An optimizer. `steps` names the function of tests/closed_forms.py that works its first steps out by hand."""

    source: str
    steps: str = ""
    except_: Mapping[str, str] = {}  # noqa: RUF012  (read only)
    part: bool = False  # a part of a chain, which gives no steps of its own


class PartRow(NamedTuple):
    """A metric, a schedule, an initializer or a penalty, with what `metric_laws`, ... are told of it."""

    source: str
    options: Mapping[str, Any] = {}  # noqa: RUF012  (read only)
    shape: Template = ("B", 3)  # of a metric's predictions


Row: TypeAlias = Union[LayerRow, LossRow, OptimizerRow]
