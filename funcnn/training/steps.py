"""What training is about, as values: the state after a step, and what is known of the step."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

from funcnn.foreign.lookups import answering
from funcnn.keys import Key
from funcnn.params import Params
from funcnn.training.showing import as_html, as_text

S = TypeVar("S")


@answering
class TrainState(NamedTuple, Generic[S]):
    """All that training needs to go on: `step` steps have been made, `optimizer` is the state of the optimizer.

    `epoch` and `batch` are the numbers of what comes next, both from 0. Training on arrays reads them off `step`;
    training on batches that are made elsewhere goes on from them. A value: it never changes, and it pickles. `fit` goes
    on from it.

    >>> net = Dense(1)
    >>> _, params = net.init(0, (-1, 2))
    >>> data = np.ones((4, 2)), np.ones((4, 1))
    >>> _, second, third = (state for state, _ in fit(squared_error, net.apply, sgd(0.1), params, data, epochs=3))
    >>> [state == third for state, _ in fit(squared_error, net.apply, sgd(0.1), second, data, epochs=3)]
    [True]
    >>> second
    TrainState(step 2, epoch 2, batch 0, 12 bytes)
      params          Params(2 leaves, 3 values, float32, 12 bytes)
      optimizer.step  2
      key             Key.fromhex('0b024b06484e2cd5119ba54d30852b39')
    """

    step: int
    params: Params
    optimizer: S
    key: Key
    epoch: int = 0
    batch: int = 0

    def __repr__(self) -> str:
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)


@answering
class StepMetrics(NamedTuple):
    """What is known about a step.

    step            how many have been made with this one, as in the state
    epoch           the epoch it belongs to, from 0
    loss            the loss of its batch, penalties included, before the step
    examples        how many rows its batch had
    last_of_epoch   whether the epoch ends with it
    """

    step: int
    epoch: int
    loss: float
    examples: int
    last_of_epoch: bool
