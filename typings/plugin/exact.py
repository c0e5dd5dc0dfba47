"""What the plugin knows where types alone say little: tuples on their way, arrays made in place, options of losses."""

from typing import assert_type

import numpy as np

from funcnn import (
    Array, Dense, Embedding, FanOut, Identity, Layer, Tokens, accuracy, evaluate, first, joint, keep, mean_of, parallel,
    select, serial, softmax_cross_entropy, squared_error,
)  # fmt: skip

# what comes out is known behind a mistake of wiring, and is not told of again
broken = serial(Dense(3), Embedding(4, 3), Dense(4))  # E[funcnn-wiring]: Embedding(...) takes Tokens
assert_type(broken, Layer[Array, Array])


def use() -> Layer[Array, Array]:
    """Of one mistake, one error."""
    return serial(broken, Dense(3))


# lists keep what goes in and what comes out
layers: list[Layer[Array, Array]] = [Dense(3)]
forks: list[Layer[Array, tuple[Array, Array]]] = [FanOut(2)]
assert_type(serial(*layers), Layer[Array, Array])
assert_type(serial(Embedding(3, 4), *layers, Dense(3)), Layer[Tokens, Array])
assert_type(serial(*layers, FanOut(2)), Layer[Array, tuple[Array, Array]])
assert_type(serial(*layers, *layers, FanOut(2)), Layer[Array, tuple[Array, Array]])

# the rest of a tuple stays what it was
two = parallel(Embedding(9, 3), Identity)
three = parallel(Embedding(9, 3), Identity, Dense(3))
assert_type(serial(two, first(FanOut(2))), Layer[tuple[Tokens, Array], tuple[tuple[Array, Array], Array]])
assert_type(serial(three, keep(select(2))), Layer[tuple[Tokens, Array, Array], tuple[Array, Array, Array]])
assert_type(serial(three, select(2, 1, 0)), Layer[tuple[Tokens, Array, Array], tuple[Array, Array, Array]])
assert_type(serial(three, select(1)), Layer[tuple[Tokens, Array, Array], Array])

# arrays made in place have their own dtype, not the one that is wanted
words = Embedding(9, 3)
_, params = words.init(0, (-1,))
words.apply(params, np.array([1, 2]))
words.apply(params, np.arange(3))
words.apply(params, np.zeros((2, 3), np.float32))  # E[funcnn-wiring]: Tokens are taken, but this is an Array
words.apply(params, np.array([1.0, 2.0]))  # E[funcnn-shape]: the input has dtype float64, but tokens are integers

# metrics take predictions first
labels, logits = np.array([1, 0]), np.array([[0.1, 0.2], [0.3, 0.4]])
accuracy(logits, labels)
accuracy(labels, logits)  # E[funcnn-shape]: accuracy got logits (2,) and labels (2, 2)
accuracy(np.array([1, 0]), np.array([[0.1, 0.2], [0.3, 0.4]]))  # E[funcnn-shape]: accuracy got logits (2,)
net = Dense(2)  # E[funcnn-shape]: accuracy got logits (5, 2) and labels (5, 4)
_, start = net.init(0, (-1, 3))
evaluate(net.apply, start, (np.zeros((5, 3)), np.zeros(5, np.int64)), accuracy, mean_of(squared_error))
evaluate(net.apply, start, (np.zeros((5, 3)), np.zeros((5, 4), np.int64)), accuracy)

# losses have the options of their rules
softmax_cross_entropy.bind(label_smoothing=0.1, reduce="sum")
squared_error.bind(nonsense=1.0)  # E[funcnn-value]: squared_error has no option nonsense; it has reduce
squared_error.bind(nonsense=float(len(logits)))  # E[funcnn-value]: squared_error has no option nonsense
squared_error(logits, logits, label_smoothing=0.3)  # E[funcnn-value]: squared_error has no option label_smoothing
squared_error(logits, logits, reduce="sum", weights=np.ones(2))
joint(squared_error, squared_error).bind(reduce="sum")
