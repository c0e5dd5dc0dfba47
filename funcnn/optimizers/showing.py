"""Optimizers in notebooks: the call that made one, and all of its arguments."""

from __future__ import annotations

from typing import Any

from funcnn.recorded_functions import is_recorded
from funcnn.records import as_argument


def as_html(optimizer: Any) -> str:
    """The source, and a row for each argument, those that were left out too. What looks like markup is text."""
    import html  # only notebooks need it

    source = f"<code>{html.escape(repr(optimizer))}</code>"
    if not is_recorded(optimizer.init) or optimizer.init.record.make is None:
        return source
    given = optimizer.init.record.bound().arguments
    rows = [f"<tr><td>{name}</td><td>{html.escape(as_argument(value))}</td></tr>" for name, value in given.items()]
    return f"<table><caption>{source}</caption>{''.join(rows)}</table>"
