"""Optional packages: imported where they are used, or an error that says how to install them."""

from __future__ import annotations

import importlib
from typing import Any

from funcnn.errors import MissingExtraError


def needed(package: str, why: str, *, extra: str | None = None) -> Any:
    """The module of an optional package; its extra has its name unless another is given.

    Errors
        MissingExtraError   it is not installed

    >>> from funcnn.bridges.extras import needed
    >>> needed("no_such_package", "this example")
    Traceback (most recent call last):
    funcnn.errors.MissingExtraError: this example needs no_such_package: pip install 'funcnn[no_such_package]'
    """
    top = package.partition(".")[0]
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != top:
            raise  # it is there, and lacks something itself
        raise MissingExtraError(f"{why} needs {top}: pip install 'funcnn[{extra or top}]'") from None
