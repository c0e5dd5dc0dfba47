"""A dictionary of networks, filled in a loop."""

from funcnn import Array, Dense, Key, Layer, Relu, residual, serial

nets: dict[str, Layer[Array, Array]] = {}
for name, width in {"a": 4, "b": 8}.items():
    nets[name] = serial(Dense(width), Relu)
params = {name: net.init(Key(0), (-1, 3))[1] for name, net in nets.items()}
# wrong: serial(nets["b"], residual(Dense(4))).init(Key(0), (-1, 3))
serial(nets["b"], residual(Dense(8))).init(Key(0), (-1, 3))  # guilty
