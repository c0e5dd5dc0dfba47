# What the tests use of it.
from typing import Any

def __getattr__(name: str) -> Any: ...
