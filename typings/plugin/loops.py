"""Loops over known things go round; others leave nothing known of what they change."""

import sys

from funcnn import Array, Conv, Dense, Flatten, Key, Layer, Relu, residual, serial

key = Key(0)

layers: list[Layer[Array, Array]] = []
for channels in (4, 8):
    layers += [Conv(channels, (3, 3)), Relu]
serial(*layers, Flatten, Dense(10)).init(key, (-1, 28, 28, 1))
serial(*layers, Flatten, Conv(10, (1, 1))).init(key, (-1, 28, 28, 1))  # E[funcnn-shape]: Conv takes

sizes = [8, 16, 32]
widths = [n * 2 for n in sizes if n > 8]
net = serial(*[Dense(n) for n in widths])
serial(net, residual(Dense(64))).init(key, (-1, 3))
serial(net, residual(Dense(32))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 32) and (?, 64)

for n in (3, 4):
    serial(Dense(n), residual(Dense(n))).init(key, (-1, 3))
    serial(Dense(n), residual(Dense(3))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 3) and (?, 4)

for i, n in enumerate(sizes):
    if i == 1:
        continue
    if n == 32:
        break
    serial(Dense(n), residual(Dense(8))).init(key, (-1, 3))

total = serial(Dense(4))
for _ in range(3):
    total = total >> residual(Dense(4))
total.init(key, (-1, 3))
(total >> residual(Dense(5))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 5) and (?, 4)

found: list[Layer[Array, Array]] = [Dense(2)]
for argument in sys.argv:
    found.append(Dense(len(argument)))
serial(*found, residual(Dense(3))).init(key, (-1, 3))
width = 3
for argument in sys.argv:
    serial(Dense(width), residual(Dense(3))).init(key, (-1, 3))
    width += 1
serial(Dense(width), residual(Dense(3))).init(key, (-1, 3))
while width < 9:
    width += 1
serial(Dense(width), residual(Dense(3))).init(key, (-1, 3))

stack = [Dense(n) for n in (1, 2, 3)]
stack.reverse()
stack.insert(0, Dense(9))
serial(*stack[1:], residual(Dense(1))).init(key, (-1, 3))
serial(*stack, residual(Dense(2))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 2) and (?, 1)
first, *rest = stack
serial(*rest, residual(Dense(1))).init(key, (-1, 3))
for a, b in zip((3, 4), (3, 5), strict=True):
    serial(Dense(a), residual(Dense(b))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 5) and (?, 4)
