"""What is said of attributes and names that are not there, with our word for what was meant."""

from __future__ import annotations

import inspect
import sys
from typing import Any, Final, NoReturn, TypeVar

from funcnn.foreign.attributes import ATTRIBUTES
from funcnn.foreign.names import NAMES
from funcnn.foreign.results import RESULTS

C = TypeVar("C")

_IMPORTING: Final = "_handle_fromlist"  # the function of Python's own that asks a package for the names after `import`


def answering(cls: type[C]) -> type[C]:
    """The same class, whose values answer for attributes that they do not have, as `unknown` does.

    Type checkers see the class as it is, and refuse such attributes by themselves.
    """
    setattr(cls, "__getattr__", unknown)  # noqa: B010
    return cls


def unknown(self: object, name: str) -> NoReturn:
    """The `__getattr__` of a class: what its values do not have.

    Errors
        AttributeError   with our word for it, where the name is another library's

    >>> adam(1e-3).zero_grad()
    Traceback (most recent call last):
    AttributeError: Optimizer has no attribute 'zero_grad'; there is nothing to clear; gradients are values: loss, \
grads = value_and_grad(squared_error, net.apply)(params, x, target)
    """
    kind = type(self).__name__
    raise AttributeError("; ".join((f"{kind} has no attribute {name!r}", *advice(kind, name))), name=name, obj=self)


def advice(kind: str, name: str) -> tuple[str, ...]:
    """What values of this kind have instead of the attribute: one sentence, or none."""
    said = (ATTRIBUTES.get(kind) or RESULTS.get(kind, {})).get(name)
    return (said,) if said else ()


def spelled(value: object) -> str:
    """What to write instead of a word in quotes, or a function of NumPy, where one of ours is meant; or nothing.

    >>> from funcnn.foreign.lookups import spelled
    >>> spelled("relu"), spelled("he_normal"), spelled("cat")
    ('; the word for it is Relu, a layer: serial(Dense(8), Relu)', '; write he_normal, without quotes', '')
    """
    name: object = value if isinstance(value, str) else getattr(value, "__name__", "")
    if not isinstance(name, str) or not (isinstance(value, str) or type(value).__module__ == "numpy"):
        return ""
    if isinstance(value, str) and name in vars(sys.modules[__name__.partition(".")[0]]).get("__all__", ()):
        return f"; write {name}, without quotes"
    return f"; the word for it is {NAMES[name]}" if name in NAMES else ""


def missing(module: str, name: str) -> NoReturn:
    """What a package's `__getattr__` ends in where there is no such name, with our word for it if another library has it.

    Errors
        ImportError      where the name of another library is imported
        AttributeError   where it is taken from the package; where nobody has such a name
    """
    said, frame = instead(module, name), inspect.currentframe()
    asking = frame.f_back.f_back if frame and frame.f_back else None
    if said and asking and asking.f_code.co_name == _IMPORTING:
        # who imports a name would see nothing of the message of an AttributeError
        raise ImportError(said, name=module)
    raise AttributeError(said or f"module {module!r} has no attribute {name!r}", name=name, obj=sys.modules[module])


def instead(module: str, name: str) -> str:
    """What is said of a name that a package of ours does not have; nothing where nobody else has it either."""
    said = NAMES.get(name)
    if said is None:
        package = sys.modules[__name__.partition(".")[0]]
        public: Any = vars(package).get("__all__", ())
        if module != package.__name__ and name in public:
            return f"{module} has no {name!r}; it stands in {package.__name__}: from {package.__name__} import {name}"
        return ""
    return f"{module} has no {name!r}; {'' if said.startswith(('not ', 'everything', 'is ')) else 'its word is '}{said}"
