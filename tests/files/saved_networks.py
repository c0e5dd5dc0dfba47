"""A network that is saved and loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from funcnn import Params, load_network, save_network

PARAMS = Params({"w": np.ones(2)})


def again(folder: Path, net: Any, params: Any = PARAMS, **layers: Any) -> Any:
    """The network, saved and loaded."""
    save_network(folder / "net.npz", net, params)
    loaded, its = load_network(folder / "net.npz", layers=layers)
    assert its == params
    return loaded
