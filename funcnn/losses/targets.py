"""What predictions and targets may be: converted once, compared, never broadcast."""

from __future__ import annotations

from typing import Any, Final, cast

import numpy as np

from funcnn.errors import DTypeError, LabelError, ShapeError
from funcnn.inputs import COMPUTED, convert, refuse_stored
from funcnn.kernels.sums import totals
from funcnn.nested import arrays
from funcnn.shapes import display
from funcnn.types import Array, is_array, is_tuple

_TOLERANCE: Final = 1e-3  # sums of float16 rows are off by this; what is no distribution is further off


def real(prediction: Any) -> Any:
    """A prediction as people give it, of real numbers; floating-point from here on.

    Errors
        DTypeError   complex, masked, sparse, ...; float16, which is for storage
    """
    if type(prediction) is np.ndarray and prediction.dtype in COMPUTED:
        return cast(Any, prediction)
    if is_tuple(prediction):
        return tuple(map(real, prediction))
    found: Any = getattr(prediction, "dtype", None)
    dtype = found.newbyteorder("=") if getattr(found, "kind", "") == "f" else np.dtype(np.float32)
    refuse_stored("the prediction is", dtype, ".astype(np.{wide})")
    return convert(prediction, "features", dtype, "the prediction")


def refuse_truths(rule: Any, prediction: Any) -> None:
    """Refuse tokens and truth values, which networks without params pass on, as predictions.

    Errors
        DTypeError   with what came
    """
    for part in arrays(prediction):
        if part.dtype.kind not in "fc":
            raise DTypeError(
                f"{getattr(rule, '__name__', 'the loss')} takes predictions of floating-point numbers, got {part.dtype}; "
                f"write .astype(np.float32), or put a layer that computes in front"
            )


def like(name: str, prediction: Array, target: Any) -> Array:
    """A target of the prediction's own shape, in its dtype.

    Errors
        ShapeError   it has another shape; nothing is broadcast
        DTypeError   complex, masked, sparse, ...
    """
    if is_tuple(prediction):
        raise ShapeError(f"{name} takes one array, the prediction is a tuple of {len(prediction)}; use joint(...)")
    if type(target) is not np.ndarray or target.dtype != prediction.dtype:
        target = converted(target, prediction.dtype, name)
    if target.shape != prediction.shape:
        raise ShapeError(_unlike(name, prediction.shape, target.shape))
    return cast(Array, target)


def converted(target: Any, dtype: np.dtype[Any], name: str, kind: str = "features") -> Any:
    """A target in the dtype of the prediction, once."""
    if is_tuple(target):
        raise ShapeError(f"{name} takes one array, the target is a tuple of {len(target)}; make it one with np.array")
    if dtype.kind == "c" and is_array(target) and target.dtype.kind == "c":  # the laws run rules on complex numbers
        return np.asarray(target, dtype)
    return convert(target, kind, dtype, "the target")


def _unlike(name: str, prediction: tuple[int, ...], target: tuple[int, ...]) -> str:
    fix = "nothing is broadcast, give one target for every value of the prediction"
    if prediction == (*target, 1):
        fix = "nothing is broadcast, write target[:, None]" if len(target) == 1 else "write target[..., None]"
    elif target == (*prediction, 1):
        fix = "nothing is broadcast, write target[..., 0]"
    return f"{name} takes a target of the shape of the prediction, {display(prediction)}, got {display(target)}; {fix}"


def class_targets(name: str, logits: Array, labels: Any) -> Any:
    """Class numbers, one axis fewer than the logits, or distributions of their shape, in their dtype.

    Errors
        LabelError   labels out of range, of another kind or form; rows that are no distributions
        ShapeError   the leading axes differ
        DTypeError   masked, sparse, complex, ... labels
    """
    if is_tuple(logits):
        raise ShapeError(f"{name} takes one array of logits, got a tuple of {len(logits)}; use joint(...)")
    if not logits.ndim or not logits.shape[-1]:
        raise ShapeError(f"{name} takes logits of shape (..., classes), got {display(logits.shape)}")
    if type(labels) is not np.ndarray or labels.dtype.kind not in "iu":
        labels = converted(labels, logits.dtype, name, "any")
    classes = logits.shape[-1]
    if labels.ndim == logits.ndim - 1:
        return _class_numbers(name, logits, labels, classes)
    if labels.shape == logits.shape:
        return _distributions(name, labels.astype(logits.dtype, copy=False), classes)
    if labels.shape == (*logits.shape[:-1], 1):
        raise LabelError(
            f"{name}: labels have shape {display(labels.shape)} for logits {display(logits.shape)}; "
            f"write labels[..., 0]: {_forms(classes)}"
        )
    raise ShapeError(_unpaired(name, logits, labels, classes))


def _class_numbers(name: str, logits: Array, labels: Any, classes: int) -> Any:
    if labels.dtype.kind not in "iu":
        first = f", the first is {labels.flat[0]}" if labels.size else ""
        raise LabelError(
            f"{name}: labels have dtype {labels.dtype} and one axis fewer than the logits{first}; "
            f"write labels.astype(np.int64): {_forms(classes)}"
        )
    if labels.shape != logits.shape[:-1]:
        raise ShapeError(_unpaired(name, logits, labels, classes))
    # one maximum finds labels on both sides of the range: read as unsigned, those below zero are the largest
    if labels.size and labels.view(f"{labels.dtype.byteorder}u{labels.dtype.itemsize}").max() >= classes:
        at = np.argwhere((labels < 0) | (labels >= classes))[0]
        index = ", ".join(map(str, at)) or "()"
        raise LabelError(
            f"{name}: label {labels[tuple(at)]} at index {index} is outside the range 0 to {classes - 1}: "
            f"{_forms(classes)}"
        )
    return labels.astype(np.intp, copy=False)


def _distributions(name: str, t: Array, classes: int) -> Array:
    off = totals(t).real - 1
    bad = ~((off <= _TOLERANCE) & (off >= -_TOLERANCE)) | (np.minimum.reduce(t.real, -1) < 0)  # NaN is bad too
    if np.any(bad):
        at = np.argwhere(bad)[0]
        row = t[tuple(at)]
        raise LabelError(
            f"{name}: row {', '.join(map(str, at)) or '()'} of the labels is {np.array2string(row, threshold=8)}, "
            f"and sums to {row.sum():.6g}; its numbers must be in the range 0 to 1 and sum to 1: {_forms(classes)}"
            + ("; where predictions are class numbers already, give the logits instead" if t.ndim == 1 else "")
        )
    return t


def _forms(classes: int) -> str:
    return (
        f"labels are integers from 0 to {classes - 1} with one axis fewer than the logits, "
        f"or distributions of the same shape as the logits, whose rows sum to 1"
    )


def _unpaired(name: str, logits: Array, labels: Any, classes: int) -> str:
    got = f"logits {display(logits.shape)} and labels {display(labels.shape)}"
    return f"{name} got {got}, which do not fit: {_forms(classes)}"
