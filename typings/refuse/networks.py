"""Programs that are wrong, each refused where it is."""

import numpy as np

from funcnn import (
    Array, Dense, Embedding, FanInSum, FanOut, Init, Key, Layer, Relu, Tokens, first, keep, parallel, residual, select,
    serial,
)  # fmt: skip

key = Key(0)
net = serial(Dense(3), Relu)
_, params = net.init(key, (2, 3))
x = np.zeros((2, 3))
words = np.zeros((2, 3), np.int64)

# what a layer takes and gives
net.apply(params, words.tolist())  # E[arg-type]
Embedding(9, 3).apply(params, x)  # E[arg-type]
FanInSum.apply(params, x)  # E[arg-type]
tokens: Layer[Tokens, Array] = Dense(3)  # E[assignment]
pair: Layer[Array, tuple[Array, Array]] = FanOut(3)  # E[assignment]
wrong: Array = net.apply  # E[assignment]
serial(Dense(3), Embedding(9, 3))  # E[funcnn-wiring]
serial(Dense(3), 3)  # E[funcnn-wiring]: serial takes layers, got int
serial(Dense)  # E[funcnn-wiring]: serial takes layers, Dense makes one: call it
serial(Relu, Embedding, Relu)  # E[funcnn-wiring]: serial takes layers, Embedding makes one: call it
serial(Dense(3), Relu())  # E[operator]: not callable
parallel(Dense(3), 3)  # E[call-overload]
residual(Embedding(9, 3))  # E[arg-type]
residual(FanOut(2))  # E[arg-type]
keep(Dense(3))  # E[arg-type]
first(3)  # E[arg-type]
select("0")  # E[call-overload]
Dense(3) >> 3  # E[operator]
Dense("3")  # E[arg-type]
Dense(3, W_init=0.1)  # E[arg-type]
Dense(3, activation=Relu)  # E[call-arg]

# pairs are not sequences of layers
net + net  # E[operator]
net * 2  # E[operator]
2 * net  # E[operator]
net.init = net.init  # E[misc]: Property "init" defined in "Layer" is read-only
net.apply.rule = None  # E[assignment]
net.name  # E[attr-defined]
init, apply, rest = net  # E[misc]: Need more than 2 values to unpack
init_only: Init = net.apply  # E[assignment]

# params
net.apply(net.init(key, (2, 3)), x)  # E[arg-type]
net.apply(x, params)  # E[arg-type]
net.apply(params)  # E[call-arg]
params["dense_0"] = x  # E[index]: Unsupported target for indexed assignment
del params["dense_0"]  # E[attr-defined]
params.w = x  # E[attr-defined]
params.at(0)  # E[arg-type]
params["dense_0"]["w"]  # E[call-overload]
params.at("dense_0/w")["w"]  # E[call-overload]

# shapes and keys
net.init(key, 3)  # E[call-overload]
net.init(key, (2, 3.0))  # E[arg-type]
net.init(key, [2, 3])  # E[call-overload]
net.init(None, (2, 3))  # E[call-overload]
net.init(0.5, (2, 3))  # E[call-overload]
net.init((2, 3), key)  # E[call-overload]
Key(0).fold(0.5)  # E[arg-type]
Key(0.5)  # E[arg-type]
