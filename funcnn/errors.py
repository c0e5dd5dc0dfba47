"""Every error funcnn raises on purpose, each also the built-in exception that it specialises.

An error knows the path of the layer it is about: combinators extend `path` while it travels outwards, the public door
notes the `network` it happened in, and `str()` shows both first:

    dense_1 in serial: takes (..., 784), got (32, 9); ...
"""

from __future__ import annotations


class FuncnnError(Exception):
    """The root of the hierarchy. `path` holds the names of the children down to the guilty layer."""

    path: tuple[str, ...]
    network: str

    def __init__(self, message: str, *, path: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.path = path
        self.network = ""

    def seen_in(self, network: str) -> None:
        """Note the network it happened in, unless one further in has been noted."""
        self.network = self.network or network

    @property
    def message(self) -> str:
        """The message without the place."""
        return str(self.args[0]) if self.args else ""

    def __str__(self) -> str:
        place = printable("/".join(self.path), lines=False)
        if place and self.network:
            place = f"{place} in {self.network}"
        return printable(f"{place}: {self.message}" if place else self.message)


class ShapeError(FuncnnError, ValueError):
    """Shapes do not fit together."""


class UndecidedError(FuncnnError, TypeError):
    """A shape rule wanted to decide something about a dimension that is not known yet."""


class DTypeError(FuncnnError, TypeError):
    """An array of a kind that has no place here: complex, object, masked, sparse, mixed."""


class LabelError(FuncnnError, ValueError):
    """Labels or tokens out of range, or of a form the function does not take."""


class NonFiniteError(FuncnnError, ArithmeticError):
    """NaN or infinity where training or prediction needs finite numbers."""


class ParamsError(FuncnnError, ValueError):
    """Params that do not belong to the network: missing, extra, renamed, of other shapes or dtypes."""


class NotAnalyticError(FuncnnError, TypeError):
    """A rule does not carry complex numbers, so that derivatives through it would be wrong."""


class ImmutableError(FuncnnError, TypeError):
    """Params were assigned to; they never change, `.set(path, array)` makes new ones."""


class CheckpointError(FuncnnError, ValueError):
    """A checkpoint file that is damaged, foreign, or newer than this library."""


class ExportError(FuncnnError, TypeError):
    """A network has a part that the format it is to be written in has no words for."""


class MissingExtraError(FuncnnError, ImportError):  # type: ignore[misc]  # both have a `path`; ours is set last
    """An optional package is not installed."""


class RanksError(FuncnnError, RuntimeError):
    """The ranks of a job do not do the same, or some of them are gone."""


class FuncnnWarning(UserWarning):
    """Something works, and most likely not as it is meant; the message says what to do."""


class UnsettledWarning(FuncnnWarning, RuntimeWarning):
    """Numbers that were to settle have not; 0.1.0 gave a RuntimeWarning, and who filters those finds it."""


def printable(text: str, *, lines: bool = True) -> str:
    """The text with escapes for what would do something to a terminal: names may come from other people's files.
    New lines stay where there may be some.

    >>> printable("a\\x1b[2Jb") == "a" + chr(92) + "x1b[2Jb"
    True
    """
    if text.isprintable():
        return text
    kept = "\n" if lines else ""
    return "".join(c if c.isprintable() or c in kept else c.encode("unicode_escape").decode("ascii") for c in text)


def brief(value: object) -> str:
    """How messages show a value: one line, and not a long one."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def locate(error: Exception, name: str) -> None:
    """Say that `error` came out of the child `name`: ours grow their path, foreign ones get a note.

    A child without a name has told its name already: it adds no level.
    """
    if not name:
        return
    if isinstance(error, FuncnnError):
        error.path = (name, *error.path)
    else:
        error.add_note(f"in {name}")
