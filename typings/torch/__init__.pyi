# What the package says of PyTorch's types, and the tests use of it: it need not be installed to check ours.
from typing import Any

from torch import autograd as autograd, nn as nn

def __getattr__(name: str) -> Any: ...
