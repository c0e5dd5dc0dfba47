"""Networks that objects hold, configurations of every kind, and cells of notebooks that bind a name again."""

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, TypedDict

from funcnn import Array, Conv, Dense, Flatten, Key, Layer, Params, Relu, residual, serial

key = Key(0)


class Classifier:
    def __init__(self, width: int, hidden: int = 64) -> None:
        self.width = width
        self.net = serial(Dense(hidden), Relu, residual(Dense(width)))  # E[funcnn-shape]: got (?, 32) and (?, 64)
        _, self.params = self.net.init(key, (-1, 784))

    def __call__(self, x: Array) -> Array:
        return self.net.apply(self.params, x)


Classifier(64)
Classifier(32)


class Fixed:
    def __init__(self) -> None:
        self.net = serial(Dense(4), residual(Dense(5)))  # E[funcnn-shape]: got (?, 5) and (?, 4)
        self.other = Dense(4)

    def params(self) -> Params:
        return self.net.init(key, (-1, 3))[1]

    def replace(self) -> None:
        self.other = Dense(5)

    def more(self) -> None:
        serial(self.other, residual(Dense(5))).init(key, (-1, 3))


class Model:
    @property
    def net(self) -> Layer[Array, Array]:
        return serial(Dense(64), residual(Dense(32)))  # E[funcnn-shape]: got (?, 32) and (?, 64)

    @cached_property
    def good(self) -> Layer[Array, Array]:
        return serial(Dense(64), residual(Dense(64)))

    @staticmethod
    def made(n: int) -> Layer[Array, Array]:
        return serial(Dense(n), residual(Dense(4)))


Model().net.init(key, (-1, 784))
Model().good.init(key, (-1, 784))
Model.made(4).init(key, (-1, 784))


@dataclass(frozen=True)
class Config:
    width: int = 64
    hidden: int = 128
    sizes: tuple[int, ...] = (8, 4)
    extra: list[int] = field(default_factory=list)

    def body(self) -> Layer[Array, Array]:
        return serial(*[Dense(n) for n in self.sizes])


def built(cfg: Config) -> Layer[Array, Array]:
    return serial(Dense(cfg.width), Relu, residual(serial(Dense(cfg.hidden), Relu, Dense(cfg.width))))


config = Config()
built(config).init(key, (-1, 3))
serial(built(dataclasses.replace(config, width=32)), residual(Dense(32))).init(key, (-1, 3))
serial(built(dataclasses.replace(config, width=32)), residual(Dense(64))).init(key, (-1, 3))  # E[funcnn-shape]: got
serial(config.body(), residual(Dense(4))).init(key, (-1, 3))
serial(config.body(), residual(Dense(8))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 8) and (?, 4)
serial(*[Dense(n) for n in config.extra], residual(Dense(3))).init(key, (-1, 3))


class Sizes(NamedTuple):
    width: int
    hidden: int = 3


sizes = Sizes(4)
serial(Dense(sizes.width), residual(Dense(sizes.hidden))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 3) and (?, 4)
width, hidden = Sizes(4, 4)
serial(Dense(width), residual(Dense(hidden))).init(key, (-1, 3))


class Settings(TypedDict):
    width: int
    hidden: int


settings: Settings = {"width": 4, "hidden": 5}
serial(Dense(settings["width"]), residual(Dense(settings["hidden"]))).init(key, (-1, 3))  # E[funcnn-shape]: got
options: dict[str, Any] = {"width": 4}
options["width"] = 5
options.update(hidden=5)
serial(Dense(options["width"]), residual(Dense(options["hidden"]))).init(key, (-1, 3))


@dataclass
class Experiment:
    net: Layer[Array, Array]
    shape: tuple[int, ...] = (-1, 8, 8, 1)

    def start(self) -> Params:
        return self.net.init(key, self.shape)[1]


Experiment(serial(Conv(4, (3, 3)), Flatten, Dense(3))).start()
Experiment(serial(Conv(4, (3, 3)), Flatten, Conv(3, (1, 1)))).start()  # E[funcnn-shape]: Conv takes
Experiment(serial(Dense(3)), (-1, 4)).start()


class Base:
    size = 4

    def net(self) -> Layer[Array, Array]:
        return serial(Dense(4), residual(Dense(self.size)))  # E[funcnn-shape]: got (?, 5) and (?, 4)


class Derived(Base):
    size = 5


Base().net().init(key, (-1, 3))
Derived().net().init(key, (-1, 3))

# %% a cell of a notebook, and the next one, which binds the name again
cell = serial(Dense(64), Relu, Dense(10))
_, params = cell.init(key, (-1, 784))
# %%
cell = serial(Dense(64), Relu, residual(Dense(32)))  # E[funcnn-shape]: got (?, 32) and (?, 64)
_, params = cell.init(key, (-1, 784))
for _ in range(2):
    pass


class Later:
    found: Layer[Array, Array]


later = Later()
later.found = serial(Dense(4), residual(Dense(4)))
later.found.init(key, (-1, 3))
setattr(later, "found", Dense(3))
serial(later.found, residual(Dense(4))).init(key, (-1, 3))  # E[funcnn-shape]: got (?, 4) and (?, 3)


def touched(thing: Later) -> None:
    thing.found = Dense(4)


touched(later)
serial(later.found, residual(Dense(4))).init(key, (-1, 3))
