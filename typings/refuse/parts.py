"""Shapes, sharing and freezing called wrongly, each refused where it is."""

import numpy as np

from funcnn import (
    Bilinear, Dense, EinsumDense, Embedding, FanOut, Layer, Relu, Reshape, Tokens, Transpose, checkpoint, count,
    ensemble, freeze, gelu, inference, leaky_relu, partition, reinit, reparam, repeat, shape_dependent, split,
    straight_through, thaw, tie, transposed,
)  # fmt: skip

net = Dense(3)
_, params = net.init(0, (2, 3))
x = np.zeros((2, 3))

Reshape(12)  # E[arg-type]
Transpose((0, "2"))  # E[arg-type]
split("2")  # E[call-overload]
Bilinear(3).apply(params, x)  # E[arg-type]
EinsumDense(3)  # E[arg-type]
EinsumDense("bd,de->be", e="4")  # E[arg-type]
leaky_relu("0.2")  # E[arg-type]
gelu(exact="tanh")  # E[arg-type]
Dense(3, bias=0.5)  # E[arg-type]

tie(net, 3)  # E[arg-type]
tie(net, {"w": 3})  # E[dict-item]
tie(net, {"w": transposed(3)})  # E[arg-type]
tie({"w": "v"}, net)  # E[arg-type]
repeat(FanOut(2), 2)  # E[misc]
repeat(net, 2.0)  # E[arg-type]
repeat(Dense, 2)  # E[arg-type]
freeze(params, net)  # E[arg-type]
freeze(net, params, 3)  # E[arg-type]
thaw(net)  # E[call-arg]
partition(params)  # E[call-overload]
count(net)  # E[arg-type]
reinit(net, params, "w", 0.5, (2, 3))  # E[arg-type]
reparam(net, {}, lambda p: p, lambda g: g)  # E[arg-type]
ensemble(net, "3")  # E[arg-type]
checkpoint(Dense)  # E[arg-type]
inference(3)  # E[arg-type]
straight_through(Embedding(9, 3))  # E[arg-type]
shape_dependent(net)  # E[call-overload]
words: Layer[Tokens, Tokens] = checkpoint(Embedding(9, 3))  # E[arg-type]
arrays: Layer[Tokens, Tokens] = Relu  # E[assignment]
