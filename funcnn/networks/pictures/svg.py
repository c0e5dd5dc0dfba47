"""What pictures are made of: lines, boxes and text as SVG, and how wide text is."""

from __future__ import annotations

import unicodedata
from typing import Final

from funcnn.errors import printable

FONT: Final = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"
INK, FAINT, LINE, PAPER = "#1f2430", "#6b7280", "#8b93a1", "#ffffff"
_ADVANCE: Final = 0.61  # of the size of a monospaced font, rounded up: text never leaves its box


def escaped(text: str) -> str:
    """Text as it stands in markup.

    >>> from funcnn.networks.pictures.svg import escaped
    >>> escaped('a<b>&"c"')
    'a&lt;b&gt;&amp;&quot;c&quot;'
    """
    marks = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;"))
    for mark, code in marks:
        text = text.replace(mark, code)
    return printable(text, lines=False)


def clipped(text: str, most: int) -> str:
    """At most so many characters, of what a terminal could show."""
    text = printable(" ".join(text.split()), lines=False)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def width_of(text: str, size: float) -> float:
    """How wide a line of text is; letters of some scripts take two places."""
    places = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
    return places * size * _ADVANCE


def number(value: float) -> str:
    """A coordinate, as short as it is exact enough."""
    return f"{value:.1f}".removesuffix(".0")


def text(
    x: float, y: float, what: str, size: float, fill: str = INK, anchor: str = "middle", bold: bool = False
) -> str:
    """A line of text whose baseline is at y."""
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{number(x)}" y="{number(y)}" font-size="{number(size)}" fill="{fill}" '
        f'text-anchor="{anchor}"{weight}>{escaped(what)}</text>'
    )


def box(x: float, y: float, w: float, h: float, fill: str, stroke: str, radius: float = 5, dashed: bool = False) -> str:
    """A rectangle with round corners."""
    dashes = ' stroke-dasharray="4 3"' if dashed else ""
    return (
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(w)}" height="{number(h)}" rx="{number(radius)}" '
        f'fill="{fill}" stroke="{stroke}"{dashes}/>'
    )


def line(*points: tuple[float, float], arrow: bool = False) -> str:
    """A line through points, with a head at its end where wanted."""
    path = " ".join(f"{'L' if i else 'M'}{number(x)} {number(y)}" for i, (x, y) in enumerate(points))
    found = f'<path d="{path}" fill="none" stroke="{LINE}"/>'
    if arrow:
        x, y = points[-1]
        tip = " ".join(f"{number(x + dx)},{number(y + dy)}" for dx, dy in ((-3.5, -6), (3.5, -6), (0, 0)))
        found += f'<polygon points="{tip}" fill="{LINE}"/>'
    return found


def circle(x: float, y: float, radius: float, sign: str) -> str:
    """A round node with a sign in it."""
    shape = f'<circle cx="{number(x)}" cy="{number(y)}" r="{number(radius)}" fill="{PAPER}" stroke="{LINE}"/>'
    return shape + text(x, y + 4.5, sign, 13)


def group(pieces: list[str], title: str = "") -> str:
    """Pieces together, with a text that is shown where the mouse is."""
    told = f"<title>{escaped(title)}</title>" if title else ""
    return f"<g>{told}{''.join(pieces)}</g>"


def document(width: float, height: float, pieces: list[str]) -> str:
    """The whole picture, on paper of its own: notebooks may be dark."""
    w, h = number(width), number(height)
    paper = box(0.5, 0.5, width - 1, height - 1, PAPER, "#e5e7eb", 8)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" '
        f'font-family="{FONT}">{paper}{"".join(pieces)}</svg>'
    )
