"""A network as scikit-learn's classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data

from funcnn.estimators.rows import checked_weights
from funcnn.estimators.settings import Net, Steps
from funcnn.estimators.training import DTYPES, NetworkEstimator
from funcnn.foreign.calls import understood
from funcnn.kernels.softmax import softmax
from funcnn.losses import Loss, softmax_cross_entropy
from funcnn.losses.penalties import Penalty
from funcnn.metrics import accuracy
from funcnn.networks import Layer
from funcnn.types import Array, Tokens


class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """A network as scikit-learn's classifier, of labels of any kind. It trains by `train`.

    net            a network with an output, a logit, for every class, or a function of the numbers of features and
                   of outputs that makes one, `lambda features, outputs: serial(Dense(64), Relu, Dense(outputs))`;
                   `mlp` where nothing is said
    hidden         the widths of its hidden layers, (100,) where nothing is said
    activation     between them, `Relu` where nothing is said
    loss           of logits and the numbers of classes, `softmax_cross_entropy` where nothing is said
    optimizer      a function of the rate such as `adamw`, or an optimizer; `adam` where nothing is said
    rate           for such a function, 1e-3 where nothing is said
    epochs         how many
    batch_size     rows of a step
    validation     a fraction of the rows that is kept out of training; the params of the best epoch are kept
    patience       how many epochs without a better one are waited for
    penalties      such as `[l2(1e-4)]`
    class_weight   how often classes count: weights by label, or "balanced"
    random_state   a seed: with it the same data give the same bits

    It computes in the dtype of the features, float32 or float64; others become float64. `predict_proba` takes the
    softmax of the logits. `decision_function` gives the logits, and of two classes their difference. Weights of rows
    count inside their batch, as for `fit`; rows of weight 0 are left out.

    Attributes, once it is fitted: `classes_`, `net_`, `params_`, `state_`, `history_`, `loss_curve_`, and
    `n_features_in_`, `feature_names_in_` as scikit-learn has them.

    Errors, from `fit` and `partial_fit`
        ValueError   features or labels that scikit-learn refuses; settings that do not go together; and as for `train`
        TypeError    a setting that is none; sparse features
        ShapeError   the network has not an output for every class
    Source: Buitinck et al., API design for machine learning software: experiences from the scikit-learn project (2013).

    >>> x = Key(1).generator().normal(size=(100, 2))
    >>> y = np.where(x[:, 0] > x[:, 1], "left", "right")
    >>> classifier = NetworkClassifier(hidden=(16,), rate=0.03, epochs=50, random_state=0).fit(x, y)
    >>> classifier.predict([[3.0, -3.0], [-3.0, 3.0]])
    array(['left', 'right'], dtype='<U5')
    >>> bool(classifier.score(x, y) > 0.95)
    True
    """

    classes_: npt.NDArray[Any]
    class_weight: Mapping[Any, float] | str | None
    _metric = accuracy

    @understood
    def __init__(
        self,
        net: Net | None = None,
        *,
        hidden: Sequence[int] | None = None,
        activation: Layer[Array, Array] | None = None,
        loss: Loss[Array, Tokens] | None = None,
        optimizer: Steps | None = None,
        rate: float | None = None,
        epochs: int = 200,
        batch_size: int = 200,
        validation: float | None = None,
        patience: int | None = None,
        penalties: Sequence[Penalty] = (),
        class_weight: Mapping[Any, float] | str | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.net = net
        self.hidden = hidden
        self.activation = activation
        self.loss = loss
        self.optimizer = optimizer
        self.rate = rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation = validation
        self.patience = patience
        self.penalties = penalties
        self.class_weight = class_weight
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train from new params."""
        x, labels = validate_data(self, X, y, dtype=DTYPES)
        check_classification_targets(labels)
        classes, numbers = np.unique(column_or_1d(labels, warn=True), return_inverse=True)
        weights = self._weights(sample_weight, x, classes, numbers)
        self._train(self._loss(), x, numbers, weights, len(classes))
        self.classes_ = classes  # where training fails, those of the params that there are
        return self

    def partial_fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        classes: npt.ArrayLike | None = None,
        sample_weight: npt.ArrayLike | None = None,
    ) -> Self:
        """Train one epoch more, on these rows. The first call says which classes there are.

        Errors
            ValueError   the first call has no `classes`, or a later one has others; a label is none of them;
                         `class_weight` is "balanced", which some of the rows do not tell
            as for `fit`
        """
        first = not hasattr(self, "state_")
        if first and classes is None:
            raise ValueError("partial_fit: the first call needs all the classes, classes=np.unique(y_of_all_rows)")
        if self.class_weight == "balanced":
            raise ValueError('partial_fit: class_weight="balanced" needs all rows at once; give weights by label')
        given = None if classes is None else np.unique(np.asarray(classes))
        if given is not None and not first and not np.array_equal(given, self.classes_):
            raise ValueError(f"partial_fit: classes were {self.classes_.tolist()}, got {given.tolist()}; fit anew")
        x, labels = validate_data(self, X, y, dtype=DTYPES, reset=first)
        check_classification_targets(labels)
        known = self.classes_ if given is None else given
        labels = column_or_1d(labels, warn=True)
        if not (found := np.isin(labels, known)).all():
            other = labels[~found].tolist()[0]
            raise ValueError(f"partial_fit: label {other!r} is none of the classes {known.tolist()}")
        numbers = np.searchsorted(known, labels)
        weights = self._weights(sample_weight, x, known, numbers)
        self._go_on(self._loss(), x, numbers, weights, len(known))
        self.classes_ = known
        return self

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The label of every row."""
        numbers = self._outputs(X).argmax(axis=1)
        labels: npt.NDArray[Any] = self.classes_[numbers]
        return labels

    def predict_proba(self, X: npt.ArrayLike) -> Array:
        """The probability of every class, for every row: (rows, classes)."""
        return softmax(self._outputs(X))

    def decision_function(self, X: npt.ArrayLike) -> Array:
        """The logits, (rows, classes); of two classes (rows,), how much that of the second is larger."""
        outputs = self._outputs(X)
        return outputs[:, 1] - outputs[:, 0] if outputs.shape[1] == 2 else outputs

    def _loss(self) -> Loss[Array, Tokens]:
        return softmax_cross_entropy if self.loss is None else self.loss

    def _weights(
        self, sample_weight: npt.ArrayLike | None, x: Array, classes: npt.NDArray[Any], numbers: npt.NDArray[np.intp]
    ) -> Array | None:
        """Weights of rows and of their classes together."""
        weights = checked_weights(type(self).__name__, sample_weight, x)
        if self.class_weight is None:
            return weights
        by_class = compute_class_weight(self.class_weight, classes=classes, y=classes[numbers])
        if not (by_class >= 0).all():
            raise ValueError(f"NetworkClassifier: class_weight must not be negative, got {by_class.tolist()}")
        each = by_class.astype(x.dtype)[numbers]
        return each if weights is None else weights * each
