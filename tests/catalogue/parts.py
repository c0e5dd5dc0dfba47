"""One row for every metric, schedule, initializer and penalty."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from tests.catalogue.rows import PartRow

_ONES: Final[dict[str, Any]] = {"target": "binary"}
_LABELS: Final[dict[str, Any]] = {"target": "labels"}


def _share(y: Any, t: Any) -> Any:
    return np.mean(np.argmax(y, -1) == t)


# fmt: off
METRICS: Final = (
    PartRow("accuracy", {**_LABELS, "value": _share}),
    PartRow("top_k_accuracy(2)", _LABELS),
    PartRow("binary_accuracy()", _ONES, ("B",)),
    PartRow("confusion_matrix", _LABELS),
    PartRow("f1()", _LABELS),
    PartRow("precision('micro')", _LABELS),
    PartRow("recall('none')", _LABELS),
    PartRow("roc_auc", _ONES, ("B",)),
    PartRow("average_precision", _ONES, ("B",)),
    PartRow("mean_absolute_error", {"value": lambda y, t: np.mean(np.abs(y - t))}),
    PartRow("mean_squared_error", {"value": lambda y, t: np.mean((y - t) ** 2)}),
    PartRow("root_mean_squared_error", {"value": lambda y, t: np.sqrt(np.mean((y - t) ** 2))}),
    PartRow("r2"),
    PartRow("mean_of(squared_error)", {"value": lambda y, t: np.mean((y - t) ** 2)}),
    PartRow("perplexity", _LABELS),
)

SCHEDULES: Final = (
    PartRow("schedules.constant(0.1)", {"value": lambda step: 0.1}),
    PartRow("exponential_decay(0.1, 100, 0.5)", {"value": lambda step: 0.1 * 0.5 ** (step / 100)}),
    PartRow("cosine_decay(0.1, 9, final=0.01)"),
    PartRow("warmup(4, cosine_decay(0.5, 100))"),
    PartRow("schedules.inverse_time_decay(0.1, 5, 1.0)", {"value": lambda step: 0.1 / (1 + step / 5)}),
    PartRow("schedules.polynomial_decay(0.1, 5, 0.01, power=2.0)"),
    PartRow("schedules.linear(0.0, 0.1, 5)", {"value": lambda step: 0.02 * min(step, 5)}),
    PartRow("schedules.piecewise_constant(0.1, {3: 0.5})", {"value": lambda step: 0.1 if step < 3 else 0.05}),
    PartRow("schedules.join([0.1, cosine_decay(0.2, 5)], [3])"),
    PartRow("schedules.warmup_linear(0.1, 3, 9)"),
    PartRow("schedules.warmup_cosine(0.1, 3, 9)"),
    PartRow("schedules.one_cycle(0.1, 10)"),
    PartRow("schedules.cyclic(0.1, 0.2, 3)"),
)

INITIALIZERS: Final = (
    PartRow("initializers.zeros"),
    PartRow("initializers.ones"),
    PartRow("initializers.identity(0.5)"),
    PartRow("initializers.constant(0.5)"),
    PartRow("initializers.normal(0.1)", {"variance": lambda n, m: 0.01}),
    PartRow("initializers.uniform(0.3)", {"variance": lambda n, m: 0.03}),
    PartRow("truncated_normal(0.5)"),
    PartRow("orthogonal()"),
    PartRow("glorot_uniform", {"variance": lambda n, m: 2 / (n + m)}),
    PartRow("glorot_normal", {"variance": lambda n, m: 2 / (n + m)}),
    PartRow("he_uniform", {"variance": lambda n, m: 2 / n}),
    PartRow("he_normal", {"variance": lambda n, m: 2 / n}),
    PartRow("lecun_uniform", {"variance": lambda n, m: 1 / n}),
    PartRow("lecun_normal", {"variance": lambda n, m: 1 / n}),
    PartRow("variance_scaling(3.0, 'fan_out', 'truncated_normal')", {"variance": lambda n, m: 3 / m}),
)

PENALTIES: Final = (
    PartRow("l1(0.1)"),
    PartRow("l2(0.1)"),
    PartRow("l2(0.1, where='b')"),
    PartRow("elastic_net(0.1, 0.2)"),
)
