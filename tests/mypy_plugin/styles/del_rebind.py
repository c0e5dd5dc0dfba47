"""Names that are deleted, items that change places."""

from funcnn import Dense, Key, Relu, residual, serial

width = 3
net = serial(Dense(width), Relu)
del width
# wrong: width = 4
width = 3
net = serial(net, residual(Dense(width)))  # guilty
net.init(Key(0), (-1, 3))
xs = [1, 2]
xs[0], xs[1] = xs[1], xs[0]
# wrong: serial(Dense(xs[0]), residual(Dense(1))).init(Key(0), (-1, 3))
serial(Dense(xs[0]), residual(Dense(2))).init(Key(0), (-1, 3))  # guilty
