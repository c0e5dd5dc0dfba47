"""What classifiers and regressors share: a network, its training, and what it says of rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import nan
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from funcnn.arguments import is_number
from funcnn.errors import brief
from funcnn.estimators.rows import counting
from funcnn.estimators.settings import Net, Steps, network_of, optimizer_of
from funcnn.foreign.lookups import answering
from funcnn.keys import Key
from funcnn.losses import Loss
from funcnn.losses.penalties import Penalty
from funcnn.metrics import Metric
from funcnn.networks import Layer
from funcnn.optimizers import Optimizer
from funcnn.params import Params
from funcnn.training import History, Trained, TrainState, batches, predict, train
from funcnn.types import Array

DTYPES = (np.float64, np.float32)
"""Features of another dtype become float64. The network computes in that of the features it was fitted with."""


@answering
class NetworkEstimator(BaseEstimator):
    """A network with settings, params and random state in one object, as scikit-learn wants it.

    Attributes, once it is fitted
        net_           the network
        params_        its params: for `predict`, `summary` and everything else
        state_         the state of training, from which `partial_fit` and `fit` go on
        history_       a row for every epoch
        loss_curve_    the column "train_loss" of it, as a list
        n_features_in_, feature_names_in_   as scikit-learn has them
    """

    net: Net | None
    hidden: Sequence[int] | None
    activation: Layer[Array, Array] | None
    loss: Loss[Any, Any] | None
    optimizer: Steps | None
    rate: float | None
    epochs: int
    batch_size: int
    validation: float | None
    patience: int | None
    penalties: Sequence[Penalty]
    random_state: int | np.random.RandomState | None

    net_: Layer[Array, Array]
    params_: Params
    state_: TrainState[Any]
    history_: History
    loss_curve_: list[float]
    n_features_in_: int

    _metric: ClassVar[Metric[Any, Any, Any, Any]]

    def _train(
        self, loss: Loss[Any, Any], x: Array, target: npt.NDArray[Any], weights: Array | None, outputs: int
    ) -> None:
        """Train new params, all epochs."""
        who = type(self).__name__
        if self.validation is not None and not is_number(self.validation):
            raise TypeError(f"{who}: validation is a fraction of the rows, got {brief(self.validation)}; write 0.1")
        data: Any = counting(who, x, target, weights)
        optimizer = optimizer_of(who, self.optimizer, self.rate)
        net, start = self._begun(optimizer, x, outputs)
        metrics = () if self.validation is None else (self._metric,)
        trained = train(
            loss, net, optimizer, data, epochs=self.epochs, start=start, rng=start.key, batch_size=self.batch_size,
            validation=self.validation, metrics=metrics, patience=self.patience, penalties=self.penalties,
            quiet=True,
        )  # fmt: skip
        self._keep(net, trained, trained.history)

    def _go_on(
        self, loss: Loss[Any, Any], x: Array, target: npt.NDArray[Any], weights: Array | None, outputs: int
    ) -> None:
        """One epoch more, with rows of which there may be another number than before."""
        who = type(self).__name__
        data: Any = counting(who, x, target, weights)
        optimizer = optimizer_of(who, self.optimizer, self.rate)
        before = History()
        if hasattr(self, "state_"):
            net, start, before = self.net_, self.state_, self.history_
        else:
            net, start = self._begun(optimizer, x, outputs)

        def epoch_of(epoch: int) -> Iterable[tuple[Any, ...]]:
            return batches(data, self.batch_size, key=start.key, epoch=epoch)

        trained = train(
            loss, net, optimizer, epoch_of, epochs=start.epoch + 1, start=start, rng=start.key,
            penalties=self.penalties, quiet=True,
        )  # fmt: skip
        self._keep(net, trained, _longer(before, trained.history))

    def _begun(
        self, optimizer: Optimizer[Any], x: Array, outputs: int
    ) -> tuple[Layer[Array, Array], TrainState[Any]]:
        """The network, and the state with which its training begins."""
        features = int(x.shape[1])
        net = network_of(type(self).__name__, self.net, self.hidden, self.activation, features, outputs)
        key = Key(int(check_random_state(self.random_state).randint(2**31 - 1)))
        params = net.init(key, (-1, features), dtype=x.dtype)[1]
        return net, TrainState(0, params, optimizer.init(params), key)

    def _keep(self, net: Layer[Array, Array], trained: Trained[Any], history: History) -> None:
        """Keep what came out, all at once."""
        self.net_, self.params_, self.history_ = net, trained.params, history
        self.state_ = trained.state._replace(params=trained.params)  # of the best epoch, as they are predicted with
        self.loss_curve_ = [float(value) for value in history["train_loss"]]

    def _outputs(self, x: npt.ArrayLike) -> Array:
        """What the network says of rows, in the dtype of its params."""
        check_is_fitted(self, "params_")
        return predict(self.net_.apply, self.params_, validate_data(self, x, reset=False, dtype=DTYPES))


def _longer(before: History, history: History) -> History:
    """One history behind another, which may have columns of validation."""
    names = before.columns or history.columns
    return History([*before.rows, *({name: row.get(name, nan) for name in names} for row in history.rows)], before.best)
