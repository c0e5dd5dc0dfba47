"""Drawings of networks: what they show, that nothing overlaps or leaves its box, and that they stay small."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given

import funcnn
from funcnn import picture
from funcnn.networks.pictures.folding import folded
from funcnn.networks.pictures.svg import width_of
from funcnn.testing import networks

f: Any = funcnn


def nested(levels: int) -> Any:
    """Serials in serials."""
    net = f.Relu
    for _ in range(levels):
        net = f.serial(f.Dense(4), net)
    return net


NETS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "row": (f.serial(f.Dense(64), f.Relu, f.Dense(10)), (-1, 784)),
    "one layer": (f.Relu, (-1, 3)),
    "nothing": (f.serial(), (-1, 3)),
    "residual": (f.serial(f.residual(f.serial(f.Dense(6), f.Tanh)), f.residual(f.Dense(3), f.Dense(3))), (-1, 6)),
    "branches": (f.serial(f.FanOut(2), f.parallel(f.Dense(8), f.mlp((5, 4))), f.FanInConcat()), (-1, 6)),
    "images": (f.serial(f.Conv(8, (3, 3), W_init=f.he_normal), f.BatchNorm(), f.Flatten), (-1, 8, 8, 3)),
    "blocks": (f.serial(f.Embedding(9, 8), *[f.TransformerBlock(8, 2)] * 6, f.Dense(9)), (-1, 5)),
    "others": (f.serial(f.repeat(f.Dense(8), 3), f.checkpoint(f.Dense(3)), f.inference(f.Dropout(0.5))), (-1, 8)),
    "members": (f.ensemble(f.serial(f.Dense(8), f.Relu), 5), (-1, 8)),
    "sequence": (f.serial(f.Embedding(9, 8), f.bidirectional(f.LSTM(8)), f.map_over(f.Dense(4))), (-1, 12)),
    "names": (f.serial(*[f.Dense(3).named(name) for name in ("<b>&'\"", "x" * 90, "名前" * 9)]), (-1, 2)),
    "many alike": (f.serial(*[g for _ in range(500) for g in (f.Dense(64), f.Relu)]), (-1, 64)),
    "many unlike": (f.serial(*[f.Dense(i + 1) for i in range(1000)]), (-1, 64)),
    "wide": (f.serial(f.FanOut(40), f.parallel(*[f.Dense(i + 2) for i in range(40)]), f.FanInConcat()), (-1, 8)),
    "wide alike": (f.serial(f.FanOut(40), f.parallel(*[f.Dense(2)] * 40), f.FanInConcat()), (-1, 8)),
    "deep": (nested(60), (-1, 4)),
    "a function of the shape": (f.shape_dependent(lambda shape: f.Dense(shape[-1])), (-1, 4)),
}


class Rect(NamedTuple):
    """A rectangle."""

    x: float
    y: float
    right: float
    bottom: float

    def holds(self, other: Rect) -> bool:
        """Does the other lie within it?"""
        return self.x <= other.x and self.y <= other.y and self.right >= other.right and self.bottom >= other.bottom

    def meets(self, other: Rect) -> bool:
        """Do they have some area in common?"""
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom


def rects(svg: str) -> list[Rect]:
    """The boxes and frames of a picture, the paper first."""
    found = []
    for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect"):
        x, y, w, h = (float(node.attrib[name]) for name in ("x", "y", "width", "height"))
        found.append(Rect(x, y, x + w, y + h))
    return found


def texts(svg: str) -> Iterator[tuple[str, Rect]]:
    """The lines of text of a picture, with the room each takes."""
    for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        x, y, size = (float(node.attrib[name]) for name in ("x", "y", "font-size"))
        said = node.text or ""
        left = x if node.attrib["text-anchor"] == "start" else x - width_of(said, size) / 2
        yield said, Rect(left, y - 0.75 * size, left + width_of(said, size), y + 0.2 * size)


def check(svg: str) -> None:
    """Rectangles lie within each other or apart; text lies apart from other text, and each within what it is in."""
    boxes, lines = rects(svg), list(texts(svg))
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            assert a.holds(b) or b.holds(a) or not a.meets(b), (a, b)
    for i, (said, a) in enumerate(lines):
        assert boxes[0].holds(a), said
        for box in boxes[1:]:
            assert box.holds(a) or not box.meets(a), (said, box)
        for other, b in lines[i + 1 :]:
            assert not a.meets(b), (said, other)


@pytest.mark.parametrize("name", NETS)
def test_nothing_overlaps(name: str) -> None:
    """With shapes and without, in a file and in a notebook."""
    net, shape = NETS[name]
    for shown in (picture(net, shape), picture(net), net._repr_svg_(), picture(net, shape, depth=1)):
        check(shown)


@given(networks())
def test_nothing_overlaps_in_any_network(drawn: Any) -> None:
    """Those that nobody thought of."""
    check(picture(drawn.layer, drawn.shape))


@pytest.mark.parametrize("name", NETS)
def test_pictures_stay_small(name: str) -> None:
    """However many layers there are, and however they lie in each other."""
    shown = picture(*NETS[name])
    paper = rects(shown)[0]
    assert len(shown) < 60_000 and paper.right < 1600 and paper.bottom < 2200


def said(svg: str) -> list[str]:
    """The text of a picture."""
    return [line for line, _ in texts(svg)]


def test_what_a_row_shows() -> None:
    """Constructors, names, numbers of params, and the shapes from top to bottom."""
    assert said(picture(*NETS["row"])) == [
        "(?, 784)", "Dense(64)", "dense_0 · 50,240 params", "(?, 64)", "Relu", "relu_0",
        "(?, 64)", "Dense(10)", "dense_1 · 650 params", "(?, 10)",
    ]  # fmt: skip
    assert said(NETS["row"][0]._repr_svg_()) == ["Dense(64)", "dense_0", "Relu", "relu_0", "Dense(10)", "dense_1"]


def test_what_branches_show() -> None:
    """A sign where things are added; what is side by side stands at one height; frames say what they are."""
    shown = picture(*NETS["residual"])
    assert said(shown).count("+") == 2 and said(shown).count("residual") == 2
    assert "residual_0 · 42 params" in said(shown) and shown.count("<circle") == 2
    found = {line: place for line, place in texts(picture(*NETS["branches"]))}
    left, right = found["Dense(8)"], found["mlp((5, 4))"]
    assert left.right < right.x and abs(left.y - right.y) < 5 and found["parallel"].bottom < left.y


def test_what_repeats_is_drawn_once() -> None:
    """With how often, and the params of all."""
    shown = said(picture(*NETS["many alike"]))
    assert shown.count("Dense(64)") == 1 and "500 times" in shown and "dense_0 ... · 2,080,000 params" in shown
    assert "6 times" in said(picture(*NETS["blocks"])) and "40 times" in said(picture(*NETS["wide alike"]))


def test_what_is_too_much_is_counted() -> None:
    """Layers of a long row, branches, and levels."""
    shown = said(picture(*NETS["many unlike"]))
    assert "976 more layers" in shown and "Dense(1)" in shown and "Dense(1000)" in shown
    assert "34 more layers" in said(picture(*NETS["wide"]))
    assert "serial of 55 layers" in said(picture(nested(60), depth=6))
    assert "serial of 9 layers" in said(picture(nested(9), depth=1))


def test_markup_is_text() -> None:
    """Names may hold anything; long ones are cut, and whole where the mouse is."""
    shown = picture(*NETS["names"])
    assert "<b>" not in shown and any(line.startswith("<b>&'\"") for line in said(shown))
    long = f.serial(f.elementwise(np.sin, np.cos), f.Conv(64, (3, 3), (2, 2), "SAME", W_init=f.he_normal, bias=False))
    assert any(line.endswith("…") for line in said(picture(long)))
    assert "bias=False" in picture(long) and not any("bias=False" in line for line in said(picture(long)))


def test_refusals() -> None:
    """As `summary`; and the depth."""
    with pytest.raises(f.ShapeError, match="dense_0"):
        picture(f.serial(f.Dense(3), f.Flatten), ())
    with pytest.raises(TypeError, match="picture takes layers, argument 0 is Params"):
        f.picture(f.Params({}))
    with pytest.raises(ValueError, match="depth"):
        picture(f.Relu, depth=0)


def test_patterns_that_repeat() -> None:
    """Short patterns first, only where it saves something; what is left over stays."""

    def times(pattern: Any, n: int) -> str:
        return f"{n}*{''.join(pattern)}"

    for text, wanted in {
        "": [], "abc": ["a", "b", "c"], "aaa": ["a", "a", "a"], "aaaa": ["4*a"], "abab": ["2*ab"],
        "xaaaaay": ["x", "5*a", "y"], "abcabcab": ["2*abc", "a", "b"], "aaaabbbb": ["4*a", "4*b"],
    }.items():  # fmt: skip
        assert list(folded(text, lambda c: c, times)) == wanted


def test_a_picture_is_a_text_that_notebooks_show() -> None:
    """As SVG, not as the text; it pickles and goes to files like any other."""
    shown = picture(funcnn.Dense(3), (-1, 2))
    assert isinstance(shown, str) and shown.startswith("<svg ")
    assert shown._repr_svg_() == shown and type(shown._repr_svg_()) is str
    assert pickle.loads(pickle.dumps(shown)) == shown
