"""Metrics: what is said about predictions, exactly the same whichever way the data are cut into batches."""

from funcnn.late_names import answers_for
from funcnn.metrics.definition import Metric, Ratio
from funcnn.metrics.classification import accuracy, binary_accuracy, top_k_accuracy
from funcnn.metrics.confusion import confusion_matrix, f1, precision, recall
from funcnn.metrics.ranking import average_precision, roc_auc
from funcnn.metrics.regression import mean_absolute_error, mean_squared_error, r2, root_mean_squared_error
from funcnn.metrics.of_losses import mean_of, perplexity
from funcnn.metrics.functions import metric

__all__ = [
    "Metric", "Ratio",
    "accuracy", "binary_accuracy", "top_k_accuracy",
    "confusion_matrix", "f1", "precision", "recall",
    "average_precision", "roc_auc",
    "mean_absolute_error", "mean_squared_error", "r2", "root_mean_squared_error",
    "mean_of", "perplexity",
    "metric",
]  # fmt: skip

answers_for(__name__)
