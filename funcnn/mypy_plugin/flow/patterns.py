"""Patterns: which arm of a `match` is taken, and what it binds."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from funcnn.mypy_plugin.flow.classes import Classes
from funcnn.mypy_plugin.flow.files import stored_names
from funcnn.mypy_plugin.flow.frames import NEXT, Frame
from funcnn.mypy_plugin.flow.keys import keyed
from funcnn.mypy_plugin.flow.values import DOUBT, Class, Row, Table, Thing, descends, listed, tabled
from funcnn.mypy_plugin.recipes import ANY, Value


class Patterns(Classes):
    """Reads `match`."""

    def match_(self, s: ast.Match, frame: Frame) -> Any:
        """What comes of a `match`."""
        subject = self.value(s.subject, frame)

        def arms(cases: list[ast.match_case]) -> Any:
            if not cases:
                return NEXT
            first, rest = cases[0], cases[1:]
            known = self._matches(first.pattern, subject, frame)
            if known is True and first.guard is not None:
                known = self.truth(self.value(first.guard, frame))
            asked = f"{DOUBT if self._strange(first.pattern, frame) else ''}{self.fresh()}"
            decided = asked if known is None else known
            return self.ways(decided, lambda: self.block(first.body, frame), lambda: arms(rest))

        return arms(s.cases)

    def _matches(self, pattern: ast.pattern, subject: Any, frame: Frame) -> bool | None:
        match pattern:
            case ast.MatchValue(value=value):
                found = self.value(value, frame)
                if keyed(found) is not None and keyed(subject) is not None:
                    return bool(keyed(found) == keyed(subject))
                return None
            case ast.MatchSingleton(value=value):
                return subject.value is value if isinstance(subject, Value) else None
            case ast.MatchOr(patterns=patterns):
                found = [self._matches(p, subject, frame) for p in patterns]
                return True if True in found else None if None in found else False
            case ast.MatchAs(pattern=None, name=name):
                if name is not None:
                    frame.bind(name, subject)
                return True
            case ast.MatchClass() if isinstance(subject, Thing) and not subject.spoiled:
                return self._of_class_pattern(pattern, subject, frame)
            case ast.MatchSequence(patterns=parts) if isinstance(subject, Row) and listed(subject.items):
                starred = any(isinstance(p, ast.MatchStar) for p in parts)
                if not starred and len(parts) != len(subject.items):
                    return False
                return self._unknown(pattern, frame) if starred else self._every(parts, subject.items, pattern, frame)
            case ast.MatchMapping(keys=keys, patterns=parts, rest=None) if isinstance(subject, Table):
                found = subject.items if tabled(subject.items) else {}
                names = [keyed(self.value(key, frame)) for key in keys]
                if None in names or not tabled(subject.items):
                    return self._unknown(pattern, frame)
                missing = any(name not in found for name in names)
                return False if missing else self._every(parts, [found[n] for n in names], pattern, frame)
            case _:
                return self._unknown(pattern, frame)

    def _strange(self, pattern: ast.pattern, frame: Frame) -> bool:
        """Is it decided by a class of the program of which nothing is known, its metaclass say?"""
        kinds = (self.value(p.cls, frame) for p in ast.walk(pattern) if isinstance(p, ast.MatchClass))
        return any(isinstance(kind, Class) and not kind.understood for kind in kinds)

    def _of_class_pattern(self, pattern: ast.MatchClass, subject: Thing, frame: Frame) -> bool | None:
        kind = self.value(pattern.cls, frame)
        if not isinstance(kind, Class) or not kind.understood or not subject.kind.understood:
            return self._unknown(pattern, frame)
        if not descends(subject.kind, kind):
            return False
        names = [*(kind.fields or {})][: len(pattern.patterns)]
        if len(names) < len(pattern.patterns) or "__match_args__" in kind.members:
            return self._unknown(pattern, frame)
        values = [self.attribute(subject, name) for name in (*names, *pattern.kwd_attrs)]
        return self._every([*pattern.patterns, *pattern.kwd_patterns], values, pattern, frame)

    def _every(
        self, patterns: Sequence[ast.pattern], values: Sequence[Any], whole: ast.pattern, frame: Frame
    ) -> bool | None:
        """Does each of these values match its pattern?"""
        found = [self._matches(p, v, frame) for p, v in zip(patterns, values, strict=True)]
        if all(f is True for f in found):
            return True
        self._unknown(whole, frame)
        return False if False in found else None

    def _unknown(self, pattern: ast.pattern, frame: Frame) -> bool | None:
        """It may match or not, and nothing is known of what it binds."""
        for name in stored_names([ast.Match(ast.Constant(0), [ast.match_case(pattern, None, [])])]):
            frame.bind(name, ANY)
        return None
