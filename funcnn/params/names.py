"""Names of params where people take them for arrays, and methods of other mappings where they look for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from funcnn.errors import ImmutableError, ParamsError, printable
from funcnn.foreign.lookups import advice


def shown(names: Iterable[str]) -> str:
    """Names or paths in a message: they may come from somebody else's file."""
    return ", ".join(printable(name, lines=False) for name in names) or "none"


class MissingMethodError(ImmutableError, AttributeError):
    """A method that would change a tree, which has none."""


class Name(str):
    """A name that a tree gives in a loop. It is a string, which says what it is when somebody computes with it.

    >>> w, b = {"w": 1, "b": 2}    # as every mapping, these are names
    >>> np.ones(2) @ Name(w)
    Traceback (most recent call last):
        ...
    funcnn.errors.ParamsError: 'w' is a name, not an array: a loop over params gives names; take params.at('w')
    """

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)

    if not TYPE_CHECKING:  # for type checkers it is a string like any other
        __array_ufunc__ = None  # so that arrays ask us

        def _refused(self, other=None):
            raise ParamsError(
                f"{str(self)!r} is a name, not an array: a loop over params gives names; take params.at({str(self)!r})"
            )

        __matmul__ = __rmatmul__ = __sub__ = __rsub__ = __truediv__ = __rtruediv__ = __pow__ = __rpow__ = _refused
        __neg__ = __abs__ = __float__ = _refused

        def __add__(self, other):
            return str.__add__(self, other) if isinstance(other, str) else self._refused()

        def __radd__(self, other):
            return NotImplemented if isinstance(other, str) else self._refused()

        def __mul__(self, other):
            return str.__mul__(self, other) if type(other) is int else self._refused()

        def __rmul__(self, other):
            return str.__mul__(self, other) if type(other) is int else self._refused()


_METHODS = {
    "update": "{tree} | {{...}} gives both trees in one, .set(path, array) one with another leaf",
    "setdefault": "{tree} | {{...}} gives both trees in one",
    "pop": "make others out of what stays, {kind}({{...}})",
    "popitem": "make others out of what stays, {kind}({{...}})",
    "clear": "{kind}({{}}) is an empty tree",
    "copy": "they need no copies; .to_dict() gives some that you may write to",
}


def instead_of(kind: str, name: str, is_entry: bool) -> str:
    """What to write instead of an attribute that a tree does not have.

    Errors
        MissingMethodError   where it would have been a method that changes the tree
    """
    tree = kind.lower()
    if name in _METHODS:
        raise MissingMethodError(f"{tree} never change; {_METHODS[name].format(tree=tree, kind=kind)}")
    if is_entry:
        return f"names in {tree} are no attributes; write {tree}[{name!r}], or .at(path) for an array"
    if name in ("shape", "dtype", "ndim", "size", "T", "astype", "reshape", "sum", "mean"):
        return f"{tree} are a tree of arrays and have no .{name}; take one of them with .at(path), or use tree_map"
    return "; ".join((f"{kind} has no attribute {name!r}", *advice(kind, name)))
