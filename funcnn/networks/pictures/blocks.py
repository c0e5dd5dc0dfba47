"""Parts of a picture with their sizes: each is entered in the middle of its top, and left in that of its bottom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from funcnn.networks.pictures import svg
from funcnn.networks.pictures.plans import Plan

_LABEL, _NOTE, _EDGE = 12.0, 10.0, 9.5  # sizes of text
_PAD, _GAP, _SIDE, _ROUND = 10.0, 22.0, 18.0, 9.0  # around text, between boxes, beside each other, of a sign
_MOST: Final = 34  # characters of a label


class Block(NamedTuple):
    """A piece of the picture: how large it is, how it is drawn with its corner at (x, y), and the shape it gives."""

    width: float
    height: float
    draw: Callable[[float, float], list[str]]
    out: str = ""


def _nothing(x: float, y: float) -> list[str]:
    return []


_END: Final = Block(1, 1, _nothing)


def drawn(plan: Plan, taken: str) -> str:
    """The whole picture, from the shape that comes in to the shape that goes out."""
    body = _block(plan, top=True)
    ends = _stack([_END, body, _END], (taken, plan.out))
    return svg.document(ends.width + 24, ends.height + 20, ends.draw(12, 10))


def _block(plan: Plan, top: bool = False) -> Block:
    if plan.flow == "leaf":
        return _leaf(plan)
    parts = [_block(part) for part in plan.parts]
    if plan.flow in ("row", "times") or len(parts) == 1:
        inside = _stack(parts, [part.out for part in parts[:-1]])
    else:
        inside = _beside(parts)
    if plan.flow == "sum":
        inside = _added(inside, skips=len(parts) == 1)
    inside = inside._replace(out=plan.out)
    return inside if top and plan.flow in ("row", "branches") else _framed(plan, inside)


def _leaf(plan: Plan) -> Block:
    """A box with what was called and, below, the name and the number of params."""
    label, note = svg.clipped(plan.label, _MOST), _note(plan)
    width = max(svg.width_of(label, _LABEL), svg.width_of(note, _NOTE), 40) + 2 * _PAD
    height = 40.0 if note else 26.0
    fill, stroke = ("#e8f0fe", "#7aa2e3") if plan.params else ("#f4f5f7", "#b6bcc6")

    def draw(x: float, y: float) -> list[str]:
        middle = x + width / 2
        pieces = [svg.box(x, y, width, height, fill, stroke), svg.text(middle, y + 17, label, _LABEL)]
        if note:
            pieces.append(svg.text(middle, y + 32, note, _NOTE, svg.FAINT))
        return [svg.group(pieces, plan.source)]

    return Block(width, height, draw, plan.out)


def _note(plan: Plan) -> str:
    params = "" if not plan.params else f"{plan.params:,} params"
    return svg.clipped(" · ".join(filter(None, (plan.name, params))), _MOST + 8)


def _stack(blocks: Sequence[Block], between: Sequence[str]) -> Block:
    """Blocks one below the other, with arrows between them, beside which stand the shapes."""
    shapes = [svg.clipped(shape, _MOST) for shape in between]
    labels = max((svg.width_of(shape, _EDGE) for shape in shapes if shape), default=0)
    width = max(max(b.width for b in blocks), 2 * (labels + 8) if labels else 0)
    height = sum(b.height for b in blocks) + _GAP * (len(blocks) - 1)

    def draw(x: float, y: float) -> list[str]:
        middle, pieces = x + width / 2, list[str]()
        for i, block in enumerate(blocks):
            pieces += block.draw(middle - block.width / 2, y)
            y += block.height
            if i + 1 < len(blocks):
                pieces.append(svg.line((middle, y), (middle, y + _GAP), arrow=True))
                if shapes[i]:
                    pieces.append(svg.text(middle + 7, y + _GAP / 2 + 3, shapes[i], _EDGE, svg.FAINT, "start"))
                y += _GAP
        return pieces

    return Block(width, height, draw, blocks[-1].out)


def _beside(blocks: Sequence[Block]) -> Block:
    """Blocks side by side: lines lead from the middle above to each, and from each to the middle below."""
    shapes = [svg.clipped(b.out, _MOST) for b in blocks]
    widths = [max(b.width, 2 * (svg.width_of(s, _EDGE) + 8) if s else 0) for b, s in zip(blocks, shapes, strict=True)]
    width = sum(widths) + _SIDE * (len(blocks) - 1)
    tall = max(b.height for b in blocks)
    height = tall + 2 * _GAP

    def draw(x: float, y: float) -> list[str]:
        middle, left, pieces = x + width / 2, x, list[str]()
        for block, w, shape in zip(blocks, widths, shapes, strict=True):
            own = left + w / 2
            pieces.append(svg.line((middle, y), (middle, y + 6), (own, y + 6), (own, y + _GAP), arrow=True))
            pieces += block.draw(own - block.width / 2, y + _GAP)
            below, end = y + _GAP + block.height, y + height
            pieces.append(svg.line((own, below), (own, end - 6), (middle, end - 6), (middle, end)))
            if shape:
                pieces.append(svg.text(own + 7, below + 11, shape, _EDGE, svg.FAINT, "start"))
            left += w + _SIDE
        return pieces

    return Block(width, height, draw)


def _added(inside: Block, skips: bool) -> Block:
    """What is inside and, where nothing else is beside it, the input, added in a sign below."""
    lane = 14.0 if skips else 0.0
    width, height = inside.width + 2 * lane, inside.height + 2 * _GAP / 2 + 2 * _ROUND + (8 if skips else 0)

    def draw(x: float, y: float) -> list[str]:
        middle, top = x + width / 2, y + (8 if skips else 0)
        below = top + inside.height
        center = below + _GAP / 2 + _ROUND
        pieces = inside.draw(x + lane, top)
        pieces.append(svg.line((middle, below), (middle, center - _ROUND)))
        if skips:
            right = x + width - 2
            pieces.append(svg.line((middle, y), (middle, top)))
            pieces.append(svg.line((middle, y + 2), (right, y + 2), (right, center), (middle + _ROUND, center)))
        pieces.append(svg.circle(middle, center, _ROUND, "+"))
        pieces.append(svg.line((middle, center + _ROUND), (middle, y + height)))
        return pieces

    return Block(width, height, draw)


def _framed(plan: Plan, inside: Block) -> Block:
    """A frame around the parts of a combinator, with what it is above them."""
    label, note = svg.clipped(plan.label, _MOST), _note(plan)
    title = max(svg.width_of(label, 11), svg.width_of(note, _NOTE))
    half = max(inside.width / 2 + _PAD, title + 2 * _PAD)  # the title stands left of the line that comes in
    width, head = 2 * half, 34.0 if note else 22.0
    height = head + inside.height + _PAD
    fill = "#fbf7ee" if plan.flow.startswith("times") else "#fafbfc"

    def draw(x: float, y: float) -> list[str]:
        middle = x + half
        pieces = [svg.box(x, y, width, height, fill, "#cdd2da", 7, dashed=True)]
        pieces.append(svg.text(x + _PAD, y + 15, label, 11, svg.INK, "start", bold=True))
        if note:
            pieces.append(svg.text(x + _PAD, y + 28, note, _NOTE, svg.FAINT, "start"))
        pieces.append(svg.line((middle, y), (middle, y + head)))
        pieces += inside.draw(middle - inside.width / 2, y + head)
        pieces.append(svg.line((middle, y + head + inside.height), (middle, y + height)))
        return [svg.group(pieces)]

    return Block(width, height, draw, plan.out)
