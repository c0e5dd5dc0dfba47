"""Branches are alternatives: a network that is wrong on one of them is wrong, and conditions hold wherever they stand."""

import argparse
import os
import sys

from funcnn import Array, BatchNorm, Conv, Dense, Flatten, Key, Layer, Relu, Tanh, residual, serial

key = Key(0)
flag = len(sys.argv) > 3
deep = os.environ.get("DEEP") is not None

if flag:
    net = serial(Flatten, Conv(8, (3, 3)), Relu, Dense(10))  # E[funcnn-shape]: Conv takes
else:
    net = serial(Flatten, Dense(64), Relu, Dense(10))
net.init(key, (-1, 28, 28, 1))

# the same condition decides alike
body = Conv(4, (3, 3)) if flag else Dense(4)
if flag:
    shape: tuple[int, ...] = (-1, 8, 8, 1)
else:
    shape = (-1, 8)
body.init(key, shape)
if not flag:
    serial(body, residual(Dense(4))).init(key, (-1, 8))

width = 8 if deep else 16
serial(Dense(width), residual(Dense(width))).init(key, (-1, 3))
serial(Dense(width), residual(Dense(8 if deep else 16))).init(key, (-1, 3))
serial(Dense(width), residual(Dense(16 if deep else 8))).init(key, (-1, 3))  # E[funcnn-shape]: residual adds

layers: list[Layer[Array, Array]] = [Dense(8)]
if deep:
    layers.append(Dense(16))
if flag:
    layers.append(BatchNorm())
serial(*layers, residual(Dense(16) if deep else Dense(8))).init(key, (-1, 3))
serial(*layers, residual(Dense(7))).init(key, (-1, 3))  # E[funcnn-shape]: residual adds
serial(*layers, residual(Dense(8))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 8) and (?, 16)

# two conditions that may depend on each other accuse nobody
n = len(sys.argv)
a = Dense(3) if n > 3 else Dense(4)
b = residual(Dense(3)) if n > 2 else residual(Dense(4))
serial(a, b).init(key, (-1, 3))

if n == 1:
    sys.exit("nothing to do")
elif n == 2:
    raise SystemExit
serial(Dense(4), Tanh).init(key, (-1, 3))

try:
    import nowhere_to_be_found  # type: ignore[import-not-found]

    hidden = 3
except ImportError:
    hidden = 4
serial(Dense(hidden), residual(Dense(4))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 4) and (?, 3)

args = argparse.ArgumentParser().parse_args()
serial(Dense(args.width), residual(Dense(args.hidden))).init(key, (-1, 3))
serial(Conv(args.width, (3, 3)), Relu, Flatten, Conv(1, (1, 1))).init(key, (-1, 8, 8, 1))  # E[funcnn-shape]: Conv takes

exec("width = 3")
serial(Dense(width), residual(Dense(4))).init(key, (-1, 3))
