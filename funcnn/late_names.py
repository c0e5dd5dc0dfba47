"""Packages that load a name when it is first asked for, and answer for the names of other libraries with ours."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from importlib import import_module


def answers_for(package: str, homes: Mapping[str, str] = {}) -> None:  # noqa: B006
    """Let a package answer for what it does not have yet: a name of its own, one of its modules, a name of others.

    `homes` are modules of the package, and the names that come from each. A name is loaded when it is first asked for,
    by `from funcnn import Dense` or as `funcnn.Dense`, and is an ordinary one from then on; so is a module, as
    `funcnn.layers`. It is done at run time, so that type checkers go on to know which names there are.

    Errors, from then on
        ImportError      where the name of another library is imported, with our word for it
        AttributeError   where it is taken from the package; where nobody has such a name

    >>> from funcnn import Linear
    Traceback (most recent call last):
    ImportError: funcnn has no 'Linear'; its word is Dense, whose inputs are not given: Dense(8)
    """
    home = {name: f"{package}.{module}" for module, names in homes.items() for name in names.split()}
    there = sys.modules[package]

    def found(name: str) -> object:
        if name in home:
            value: object = getattr(import_module(home[name]), name)
            setattr(there, name, value)
            return value
        if not name.startswith("_") and importlib.util.find_spec(f"{package}.{name}"):
            return import_module(f"{package}.{name}")
        from funcnn.foreign.lookups import missing  # its tables are for those who ask for what is not there

        missing(package, name)

    setattr(there, "__getattr__", found)  # noqa: B010
