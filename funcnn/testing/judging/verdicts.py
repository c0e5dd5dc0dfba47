"""Laws as values, what breaks them, and what a run of one says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final, Generic, Literal, NamedTuple, Protocol, TypeAlias, TypeVar, cast

from funcnn.networks import is_layer
from funcnn.testing.casebook.pairs import parts, standing
from funcnn.testing.casebook.programs import Named, global_name, shown
from funcnn.testing.drawing.contents import KINDS
from funcnn.testing.judging.causes import near, of_a_pair, place
from funcnn.testing.judging.flags import heeded
from funcnn.testing.judging.reach import rules

C = TypeVar("C")


class Attempt(Protocol):
    """What a law is tried on: a case of a layer, a loss or an optimizer."""

    attempt: int

    def again(self, attempt: int) -> Any: ...

    def program(self, source: str, *others: object) -> str: ...


class Verdict(Enum):
    """What a law says of one case. A broken law raises `LawBroken` instead."""

    HOLDS = "holds"
    NONE = "no verdict"  # a kink, or noise that hides the answer; a run with nothing else fails
    MOOT = "moot"  # the law says nothing about such a case


class LawBroken(AssertionError):
    """A law does not hold.

    law    the law, None where a run of one is at fault
    what   what was found: the leaf, both numbers, the error bar; or what the layer raises, and where
    case   what it was tried on; its repr rebuilds it
    told   the law that has told of the same exception before, "" if none has
    """

    law: Law[Any] | None
    what: str
    case: Any
    told: str

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what, self.law, self.case, self.told = what, None, None, ""

    def __str__(self) -> str:
        law, what = self.law, self.what.replace("\n", f"\n{'':12}")
        if law is None:
            return self.what
        if self.told:
            return f"{law.name} is broken by the same exception as {self.told}, which tells more: {_short(self.what)}"
        where = _of_functions(self.case)
        return f"{law.name} is broken\n  the law:  {law.statement}\n{where}  found:    {what}\n  again:\n{self.again}"

    @property
    def headline(self) -> str:
        """What is broken, and by what, in one line."""
        if self.law is None:
            return self.what
        return f"{self.law.name}: as {self.told}, {_short(self.what)}" if self.told else f"{self.law.name}: {self.what}"

    @property
    def again(self) -> str:
        """A program that tries the law on this case again."""
        law, case = self.law, self.case
        if law is None:
            return ""
        if law.table:
            return cast(str, case.program(f"{law.table}[{law.name!r}]({case!r})", Named("funcnn.testing", law.table)))
        if law.made_by:
            make, *arguments = law.made_by
            source = f"{shown(make)}({', '.join(map(shown, arguments))})"
            return cast(str, case.program(f"{source}({case!r})", *law.made_by))
        home = global_name(law, law.check.__module__) or Named("", law.name)
        return cast(str, case.program(f"{home.name}({case!r})", home))


MOST_RULES: Final = 3  # that a message names


def _short(what: str, room: int = 160) -> str:
    """The first words of what has been told in full."""
    return what if len(what) <= room else f"{what[:room].rsplit(' ', 1)[0]} ..."


def _of_functions(case: Any) -> str:
    """The line of a message that says where the functions of a pair stand, or the rule of what is the user's own."""
    functions = parts(case.layer) if is_layer(getattr(case, "layer", None)) else None
    if functions is not None:
        names = (functions.signature.forward, functions.signature.backward)
        named = [(name, standing(f)) for name, f in zip(names, functions[:2], strict=True)]
    else:
        named = [(f.__name__, standing(f)) for f in rules(case)][:MOST_RULES]
    told = ", ".join(f"{name} ({near(place)})" for name, place in named if place)
    return f"  where:    {told}\n" if told else ""


def _by_name(what: str, case: Any) -> str:
    """A message in which the inputs of a pair have the names of its arguments, where there are several."""
    functions = parts(case.layer) if is_layer(getattr(case, "layer", None)) else None
    if functions is None:
        return what
    names = functions.signature.inputs
    if len(names) == 1:
        return re.sub(r"\bx\b(?=[:\[]| is| of)", names[0], what)
    return re.sub(r"\bx\[(\d+)\]", lambda found: names[int(found[1])], what)


def broken(what: str) -> LawBroken:
    """What a law raises; its name, its statement and the case are added on the way out."""
    return LawBroken(what)


Kind: TypeAlias = Literal["exact", "numeric", "derivative"]


class Law(NamedTuple, Generic[C]):
    """A law: called with a case, it returns a `Verdict` or raises `LawBroken`.

    name        how it is asked for, excepted, reported
    statement   a sentence
    kind        "exact" laws convict at once. "numeric" ones convict if they fail again on fresh values: outliers of
                rounding and near-kinks do not repeat, faults do. "derivative" ones repeat by themselves
    check       a function of a case: returns None (it holds) or `Verdict.NONE`, or raises
    dtypes      the dtypes it is tried in, and `kinds` what the arrays hold
    passes      "inference", "training", or "both" (the training pass only where the layer is random)
    wants       the claim about the layer that it checks; it runs only where the claim is made: "" for every layer
    table       the table of laws it is listed in, for messages
    made_by     the function that made it, and its arguments, where it is listed nowhere; for messages
    shrinks     whether the smallest case is looked for where it is broken, which takes some hundred cases more
    large       whether it is tried on a few large cases, too, where the template leaves sizes free
    rare        kinds that a few more cases are of
    """

    name: str
    statement: str
    kind: Kind
    check: Callable[[C], Verdict | None]
    dtypes: tuple[str, ...] = ("float32", "float64")
    kinds: tuple[str, ...] = KINDS
    passes: Literal["inference", "training", "both"] = "both"
    wants: str = ""
    table: str = ""
    made_by: tuple[Callable[..., Any], ...] = ()
    shrinks: bool = True
    large: bool = False
    rare: tuple[str, ...] = ()

    def __call__(self, case: C) -> Verdict:
        """What this law says of one case.

        Errors
            LawBroken   it does not hold; an exception that the layer raises breaks every law
        """
        try:
            return self._tried(case)
        except LawBroken as first:
            if self.kind == "numeric":
                fresh: Attempt = cast(Any, case)
                if not any([self._fails(fresh.again(k)) for k in (1, 2)]):
                    return Verdict.NONE
            first.law, first.case, first.what = self, case, _by_name(first.what, case)
            raise

    def _tried(self, case: C) -> Verdict:
        try:
            return self._checked(case)
        except LawBroken:
            raise
        except Exception as error:
            where = "" if of_a_pair(error) else f" ({place(error)})"  # its functions are told of by themselves
            raise LawBroken(f"{type(error).__name__}: {error}{where}") from error

    def _checked(self, case: C) -> Verdict:
        return heeded(lambda: self.check(case)) or Verdict.HOLDS

    def _fails(self, case: C) -> bool:
        try:
            self._tried(case)
        except LawBroken:
            return True
        return False

    def __repr__(self) -> str:
        return f"<law {self.name}: {self.statement}>"


def listed(table: str, *laws: Law[C]) -> Mapping[str, Law[C]]:
    """Laws by name, as a table of this name."""
    return {law.name: law._replace(table=table) for law in laws}


FLOAT64: Final = ("float64",)
SMOOTH_KINDS: Final = ("normal", "separated")
