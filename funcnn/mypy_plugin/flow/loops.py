"""Loops, and what is tried."""

from __future__ import annotations

import ast
from typing import Any, Final

from funcnn.mypy_plugin.flow.data import Stream
from funcnn.mypy_plugin.flow.files import loaded_names, stored_names
from funcnn.mypy_plugin.flow.frames import (
    BREAK,
    CONTINUE,
    NEVER,
    NEXT,
    YIELDED,
    Frame,
    Unrollable,
    filled,
    leaves,
    within,
)
from funcnn.mypy_plugin.flow.patterns import Patterns
from funcnn.mypy_plugin.flow.values import Either, listed, spoil
from funcnn.mypy_plugin.recipes import ANY
from funcnn.mypy_plugin.results import expected_lines_of

WHILE: Final = 64  # rounds whose condition is known
ROUNDS: Final = 2_000  # of a loop over known things


class Loops(Patterns):
    """Reads what goes round, and what goes one of several ways."""

    def for_(self, s: ast.For | ast.AsyncFor, frame: Frame) -> Any:
        """What comes of a `for`."""
        over = self.value(s.iter, frame)
        if isinstance(over, Stream):
            return self._streaming(s, over, frame)
        items = self.items(over)
        if listed(items) and len(items) <= ROUNDS and isinstance(s, ast.For):
            kept = self.keep() if jumps(s.body) else None
            try:
                for item in items:
                    self.assign(s.target, item, frame)
                    came = self._round(self.block(s.body, frame))
                    if came is BREAK:
                        return NEXT
                    if came is not NEXT:
                        return came
                return self.block(s.orelse, frame)
            except Unrollable:
                if kept is None:
                    raise
                self.restore(kept)
        return self._often([s.target, *s.body], s.body, s.orelse, frame)

    def _streaming(self, s: ast.For | ast.AsyncFor, over: Stream, frame: Frame) -> Any:
        """Any number of rounds with the like of this, which is at hand behind them too."""
        self.havoc([s.target, *s.body], frame)
        self.assign(s.target, over.item(), frame)
        came = self.ways(self.fresh(), lambda: within(self.block(s.body, frame)), lambda: NEXT)
        self.havoc(s.body, frame)
        bound = stored_names(s.body) & stored_names([ast.For(s.target, s.iter, [], [])])
        if not bound:
            self.assign(s.target, over.item(), frame)
        rest = self.block(s.orelse, frame)
        return filled(came, rest, self.fresh) if isinstance(came, Either) else rest if came is NEXT else came

    def _round(self, came: Any) -> Any:
        """What comes of one round: on, out, or away; where it cannot be told, the loop is not followed."""
        kinds: set[object] = {leaf if leaf in (NEXT, CONTINUE, BREAK, NEVER) else "returned" for leaf in leaves(came)}
        if kinds in ({NEXT}, {CONTINUE}, {NEXT, NEVER}):
            return NEXT
        if not isinstance(came, Either):
            return came
        raise Unrollable

    def while_(self, s: ast.While, frame: Frame) -> Any:
        """What comes of a `while`."""
        kept = self.keep()
        try:
            for _ in range(WHILE):
                wanted = self.truth(self.value(s.test, frame))
                if wanted is False:
                    return self.block(s.orelse, frame)
                if wanted is None:
                    break
                came = self._round(self.block(s.body, frame))
                if came is BREAK:
                    return NEXT
                if came is not NEXT:
                    return came
        except Unrollable:
            pass
        self.restore(kept)
        return self._often(s.body, s.body, s.orelse, frame)

    def _often(self, changed: list[Any], body: list[ast.stmt], orelse: list[ast.stmt], frame: Frame) -> Any:
        """Any number of rounds, none too."""
        self.havoc(changed, frame)
        came = self.ways(self.fresh(), lambda: within(self.block(body, frame)), lambda: NEXT)
        self.havoc(changed, frame)
        if not isinstance(came, Either):
            return self.block(orelse, frame) if came is NEXT else came
        rest = self.block(orelse, frame)
        return filled(came, rest, self.fresh)

    def havoc(self, body: list[Any], frame: Frame) -> None:
        """Nothing is known any more of what these statements may change."""
        for name in loaded_names(body):
            spoil([frame.env.get(name)])
        if any(isinstance(n, (ast.Yield, ast.YieldFrom)) for s in body for n in ast.walk(s)):
            spoil([frame.env.get(YIELDED)])
        statements = [s if isinstance(s, ast.stmt) else ast.Expr(s) for s in body]
        for name in stored_names(statements):
            frame.bind(name, ANY)

    def try_(
        self, s: ast.stmt, body: list[ast.stmt], handlers: list[list[ast.stmt]], orelse: list[ast.stmt],
        final: list[ast.stmt], frame: Frame,
    ) -> Any:  # fmt: skip
        def caught(rest: list[list[ast.stmt]]) -> Any:
            self.havoc(body, frame)
            if len(rest) == 1:
                return self.block(rest[0], frame)
            return self.ways(self.fresh(), lambda: self.block(rest[0], frame), lambda: caught(rest[1:]))

        def tried() -> Any:
            with self.expecting(bool(expected_lines_of(s))):
                return self.block([*body, *orelse], frame)

        if handlers:
            came = self.ways(self.fresh(), tried, lambda: caught(handlers))
        else:
            came = self.block([*body, *orelse], frame)
        if final:
            last = self.block(final, frame)
            return came if last is NEXT else last
        return came


def jumps(body: list[ast.stmt]) -> bool:
    """May a round leave the loop, or its function?"""
    return any(isinstance(n, (ast.Break, ast.Continue, ast.Return)) for s in body for n in ast.walk(s))
