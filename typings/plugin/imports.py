"""Networks from another module, checked here."""

import funcnn
from funcnn import Conv, Dense, Key, serial
from plugin import models
from plugin.models import backbone, head, init, make, rebound
from plugin.models import head as other

key = Key(0)
backbone.init(key, (2, 3))  # E[funcnn-shape]: got (2, 3) (layer built at typings/plugin/models.py:6)
models.backbone.init(key, (2, 3))  # E[funcnn-shape]: (layer built at typings/plugin/models.py:6)
models.backbone.init(key, (2, 8, 8, 1))
serial(backbone, head).init(key, (2, 3))  # E[funcnn-shape]: (layer built at typings/plugin/models.py:6)
serial(backbone, Conv(1, (2, 2))).init(key, (2, 8, 8, 1))  # E[funcnn-shape]: got (2, 288)
serial(other, Conv(1, (2, 2))).init(key, (2, 3))  # E[funcnn-shape]: got (2, 32)
(models.head >> Conv(1, (2, 2))).init(key, (2, 3))  # E[funcnn-shape]: got (2, 32)
init(key, (2, 8, 8))  # E[funcnn-shape]: got (2, 64) (layer built at typings/plugin/models.py:11)
models.init(key, (2, 8, 8))  # E[funcnn-shape]: got (2, 64)
make(3).init(key, (2, 3))  # E[funcnn-shape]: got (2, 3)
rebound.init(key, (2, 3))  # E[funcnn-shape]: got (2, 3)
models.rebound.init(key, (2, 3))  # E[funcnn-shape]: got (2, 3)
funcnn.serial(funcnn.Flatten, funcnn.Conv(1, (2, 2))).init(shape=(2, 3), rng=key)  # E[funcnn-shape]: got (2, 3)
funcnn.Dense(3).out_shape(())  # E[funcnn-shape]: Dense takes an array of at least 1 axis, got ()
Dense(models.WIDTH).init(key, (2, 3))
