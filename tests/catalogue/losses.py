"""One row for every loss."""

from __future__ import annotations

from tests.catalogue.rows import LossRow

# fmt: off
LOSSES: tuple[LossRow, ...] = (
    LossRow("absolute_error", ("B", ..., "D")),
    LossRow("cosine_distance", ("B", ..., 3)),
    LossRow("ctc", ("B", 5, 4), target=lambda rng, shape, dtype: rng.integers(1, 4, (shape[0], 2))),
    LossRow("focal", ("B", ..., "D"), target="binary"),
    LossRow("focal.bind(gamma=0.5, alpha=0.25)", ("B", "D"), target="binary"),
    LossRow("hinge", ("B", ..., "D"), target="signs"),
    LossRow(
        "gaussian_nll", (("B", "D"), ("B", "D")),
        target=lambda rng, shape, dtype: rng.normal(size=shape[0]).astype(dtype), domain=(-6, 6),
    ),
    LossRow("huber", ("B", ..., "D")),
    LossRow("huber.bind(delta=0.3, reduce='batch')", ("B", "D")),
    LossRow("kl_divergence", ("B", ..., 3), target="distribution"),
    LossRow("log_cosh", ("B", ..., "D")),
    LossRow(
        "mixture_nll", (("B", 2), ("B", 2, "D"), ("B", 2, "D")),
        target=lambda rng, shape, dtype: rng.normal(size=(shape[1][0], shape[1][2])).astype(dtype), domain=(-6, 6),
    ),
    LossRow(
        "on_item(1, squared_error)", (("B", "D"), ("B", "E")),
        target=lambda rng, shape, dtype: rng.normal(size=shape[1]).astype(dtype),
    ),
    LossRow("poisson_nll", ("B", ..., "D"), target="counts", domain=(-4, 4)),
    LossRow("sigmoid_binary_cross_entropy", ("B", ..., "D"), target="binary"),
    LossRow("sigmoid_binary_cross_entropy.bind(label_smoothing=0.1, positive_weight=3.0)", ("B", "D"), target="binary"),
    LossRow("joint(squared_error, sum_squared_error, scales=(0.5, 2.0))", (("B", "D"), ("B", ..., "E"))),
    LossRow("softmax_cross_entropy", ("B", ..., 4), target="labels"),
    LossRow("softmax_cross_entropy.bind(reduce='batch')", ("B", "T", 3), target="distribution"),
    LossRow("softmax_cross_entropy.bind(label_smoothing=0.1)", ("B", 4), target="labels"),
    LossRow("softmax_cross_entropy.bind(label_smoothing=0.25, reduce='sum')", ("B", 3), target="distribution"),
    LossRow("squared_error", ("B", ..., "D")),
    LossRow("squared_error.bind(reduce='batch')", ("B", ..., "D")),
    LossRow("sum_squared_error", ("B", ..., "D")),
)
