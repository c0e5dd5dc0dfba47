# What the package says of JAX's types, and the tests use of it: it need not be installed to check ours.
from typing import Any, TypeAlias

Array: TypeAlias = Any

def __getattr__(name: str) -> Any: ...
