"""A frozen backbone under a new head."""

from funcnn import Conv, Dense, GlobalAvgPool, Key, Relu, freeze, serial, residual

backbone = serial(Conv(8, (3, 3)), Relu, GlobalAvgPool)
_, pre = backbone.init(Key(0), (-1, 8, 8, 3))
# wrong: net = serial(freeze(backbone, pre), residual(Dense(10)))
net = serial(freeze(backbone, pre), residual(Dense(8)))  # guilty
net.init(Key(1), (-1, 8, 8, 3))
