"""A network as scikit-learn's regressor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin, Tags
from sklearn.utils.validation import validate_data

from funcnn.estimators.rows import checked_weights
from funcnn.estimators.settings import Net, Steps
from funcnn.estimators.training import DTYPES, NetworkEstimator
from funcnn.foreign.calls import understood
from funcnn.losses import Loss, squared_error
from funcnn.losses.penalties import Penalty
from funcnn.metrics import r2
from funcnn.networks import Layer
from funcnn.types import Array


class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """A network as scikit-learn's regressor, of one number or several for every row. It trains by `train`.

    net            a network with an output for every target, or a function of the numbers of features and
                   of outputs that makes one, `lambda features, outputs: serial(Dense(64), Relu, Dense(outputs))`;
                   `mlp` where nothing is said
    hidden         the widths of its hidden layers, (100,) where nothing is said
    activation     between them, `Relu` where nothing is said
    loss           of outputs and targets, `squared_error` where nothing is said
    optimizer      a function of the rate such as `adamw`, or an optimizer; `adam` where nothing is said
    rate           for such a function, 1e-3 where nothing is said
    epochs         how many
    batch_size     rows of a step
    validation     a fraction of the rows that is kept out of training; the params of the best epoch are kept
    patience       how many epochs without a better one are waited for
    penalties      such as `[l2(1e-4)]`
    random_state   a seed: with it the same data give the same bits

    It computes in the dtype of the features, float32 or float64; others become float64. Targets are best of a size of
    about 1, as from `sklearn.compose.TransformedTargetRegressor`. Weights of rows count inside their batch, as for
    `fit`; rows of weight 0 are left out.

    Attributes, once it is fitted: `net_`, `params_`, `state_`, `history_`, `loss_curve_`, and `n_features_in_`,
    `feature_names_in_` as scikit-learn has them.

    Errors, from `fit` and `partial_fit`
        ValueError   features or targets that scikit-learn refuses; settings that do not go together; and as for `train`
        TypeError    a setting that is none; sparse features
        ShapeError   the network has not an output for every target
    Source: Buitinck et al., API design for machine learning software: experiences from the scikit-learn project (2013).

    >>> x = Key(1).generator().normal(size=(100, 2))
    >>> y = x[:, 0] * x[:, 1]
    >>> regressor = NetworkRegressor(hidden=(32,), rate=0.03, random_state=0).fit(x, y)
    >>> bool(regressor.score(x, y) > 0.9), regressor.predict(x).shape
    (True, (100,))
    """

    _metric = r2
    _targets: int | None  # None where they came without an axis of their own

    @understood
    def __init__(
        self,
        net: Net | None = None,
        *,
        hidden: Sequence[int] | None = None,
        activation: Layer[Array, Array] | None = None,
        loss: Loss[Array, Array] | None = None,
        optimizer: Steps | None = None,
        rate: float | None = None,
        epochs: int = 200,
        batch_size: int = 200,
        validation: float | None = None,
        patience: int | None = None,
        penalties: Sequence[Penalty] = (),
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
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train from new params."""
        return self._fitted(X, y, sample_weight, further=False)

    def partial_fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train one epoch more, on these rows.

        Errors
            ValueError   there are more targets a row than before, or fewer
            as for `fit`
        """
        return self._fitted(X, y, sample_weight, further=True)

    def predict(self, X: npt.ArrayLike) -> Array:
        """The targets of every row: (rows,), or (rows, targets) where they had two axes."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._targets is None else outputs

    def _fitted(
        self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None, *, further: bool
    ) -> Self:
        again = further and hasattr(self, "state_")
        x, given = validate_data(self, X, y, dtype=DTYPES, multi_output=True, y_numeric=True, reset=not again)
        targets = None if given.ndim == 1 else int(given.shape[1])
        if again and targets != self._targets:
            raise ValueError(f"partial_fit: rows had {self._targets or 1} targets, got y of {given.shape}; fit anew")
        target = given.reshape(len(x), -1).astype(x.dtype)
        loss = squared_error if self.loss is None else self.loss
        go = self._go_on if further else self._train
        go(loss, x, target, checked_weights(type(self).__name__, sample_weight, x), target.shape[1])
        self._targets = targets
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
