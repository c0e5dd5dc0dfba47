"""The pictures of docs/concepts.md: the five nouns as boxes and arrows, in SVG.

    python examples/concepts.py --out docs/pictures/concepts

What stands in the boxes is computed: shapes, paths and numbers are those of the network that the page speaks of.
"""

from __future__ import annotations

import argparse
import tempfile
from html import escape
from pathlib import Path

import numpy as np

from funcnn import Dense, Key, Params, Relu, adam, serial, squared_error, value_and_grad

net = serial(Dense(16), Relu, Dense(1))
WIDTH, HEIGHT = 150, 38  # of a box
BLUE, GREEN, PLAIN = "#dbe4ff", "#d8f5dd", "#f4f4f4"


class Drawing:
    """Boxes, arrows between them, and words: each call adds one."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
            f'font-family="sans-serif" font-size="13"><title>{escape(title)}</title>'
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
            'orient="auto"><path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>'
            f'<rect width="{width}" height="{height}" fill="#fff"/>'
        ]

    def box(self, x: int, y: int, text: str, fill: str = PLAIN, width: int = WIDTH) -> None:
        """A box with its left upper corner at a point; lines of its text are told apart by line ends."""
        lines = text.split("\n")
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{HEIGHT}" rx="5" fill="{fill}" stroke="#555"/>'
        )
        for i, line in enumerate(lines):
            self.word(x + width // 2, y + HEIGHT // 2 + 4 + 15 * i - 7 * (len(lines) - 1), line)

    def word(self, x: int, y: int, text: str, colour: str = "#111", anchor: str = "middle") -> None:
        """Words around a point, or beginning there."""
        self.parts.append(f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>')

    def arrow(self, x: int, y: int, to_x: int, to_y: int, colour: str = "#555") -> None:
        """From a point to another."""
        self.parts.append(
            f'<line x1="{x}" y1="{y}" x2="{to_x}" y2="{to_y}" stroke="{colour}" stroke-width="1.4" '
            'marker-end="url(#tip)"/>'
        )

    def text(self) -> str:
        """All of it as SVG."""
        return "\n".join([*self.parts, "</svg>\n"])


def params(tree: Params) -> Drawing:
    """A tree, and the one that `set` makes of it: what does not change is shared."""
    new = tree.set("dense_1/b", np.ones(1, np.float32))
    drawing = Drawing(760, 230, "params.set makes another tree, which shares the leaves that stay")
    for left, name, root in ((40, "params", tree), (420, 'params.set("dense_1/b", ones)', new)):
        drawing.box(left + 75, 15, name, BLUE, 190 if left > 40 else WIDTH)
        for i, child in enumerate(("dense_0", "dense_1")):
            x = left + 170 * i - 10
            drawing.arrow(left + 150, 51, x + 75, 80)
            drawing.box(x, 80, child, BLUE)
        for i, leaf in enumerate(("dense_1/w", "dense_1/b")):
            x = left + 170 * i - 10
            drawing.arrow(left + 235, 116, x + 75, 145)
            shared = root.at(leaf) is tree.at(leaf)
            drawing.box(x, 145, f"{leaf}\n{root.at(leaf).shape}", PLAIN if shared else GREEN)
    drawing.word(380, 215, "dense_0 and dense_1/w are the same arrays in both; the first tree never changes")
    return drawing


def keys(key: Key) -> Drawing:
    """Keys that are folded out of a key, and a number that each draws."""
    drawing = Drawing(760, 200, "fold makes keys out of a key and a name, the same ones each time")
    drawing.box(20, 75, "key = Key(0)", BLUE)
    for i, name in enumerate(("weights", "order", "dropout")):
        one = key.fold(name)
        y = 15 + 60 * i
        drawing.arrow(170, 98, 300, y + 18)
        drawing.box(300, y, f'key.fold("{name}")', BLUE, 180)
        drawing.arrow(480, y + 18, 570, y + 18)
        drawing.box(570, y, f"{one.generator().random():.12f}")
    return drawing


def vjp() -> Drawing:
    """Values go to the right, cotangents back; every layer leaves a gradient of its params."""
    drawing = Drawing(760, 235, "values forward, cotangents back")
    names = ["dense_0", "relu_0", "dense_1"]
    drawing.word(20, 43, "x")
    drawing.word(20, 133, "dx")
    for i, name in enumerate(names):
        x = 60 + 230 * i
        drawing.arrow(x - 30 if i == 0 else x - 80, 38, x, 38)
        drawing.box(x, 20, name, BLUE if "dense" in name else PLAIN)
        drawing.arrow(x + 75, 56, x + 75, 110, "#aaa")
        drawing.box(x, 110, f"pullback of {name}", PLAIN)
        drawing.arrow(x, 128, x - 30 if i == 0 else x - 80, 128)
        if "dense" in name:
            drawing.arrow(x + 75, 146, x + 75, 185)
            drawing.box(x, 185, f"gradients\nof {name}", GREEN)
    drawing.arrow(670, 38, 720, 38)
    drawing.arrow(720, 128, 670, 128)
    drawing.word(738, 43, "y")
    drawing.word(738, 133, "dy")
    return drawing


def layer() -> Drawing:
    """A pair of functions: one draws params for a shape, the other uses them."""
    shape, tree = net.init(Key(0), (-1, 4))
    drawing = Drawing(760, 175, "init draws params for a shape, apply uses them")
    drawing.box(20, 20, "key, shape (-1, 4)")
    drawing.arrow(170, 38, 290, 38)
    drawing.box(290, 20, "net.init", BLUE)
    drawing.arrow(440, 38, 560, 38)
    drawing.box(560, 20, f"shape {shape},\nparams", GREEN, 180)
    drawing.box(20, 115, "params, x (32, 4)")
    drawing.arrow(170, 133, 290, 133)
    drawing.box(290, 115, "net.apply", BLUE)
    drawing.arrow(440, 133, 560, 133)
    drawing.box(560, 115, f"y {net.apply(tree, np.zeros((32, 4), np.float32)).shape}", GREEN, 180)
    return drawing


def optimizer(tree: Params) -> Drawing:
    """One step of training, in which everything that goes in is still there afterwards."""
    rule = adam(1e-2)
    loss, gradients = value_and_grad(squared_error, net.apply)(tree, np.ones((8, 4), np.float32), np.ones((8, 1)))
    after, _ = rule.step(gradients, rule.init(tree), tree)
    moved = max(float(np.abs(after.at(path) - tree.at(path)).max()) for path in tree.paths())
    drawing = Drawing(760, 190, "a step: objective, gradients, update, new params")
    drawing.box(20, 20, "params", BLUE)
    drawing.arrow(170, 38, 215, 38)
    drawing.box(215, 20, f"objective: loss {loss:.2f}", PLAIN, 170)
    drawing.arrow(385, 38, 430, 38)
    drawing.box(430, 20, "gradients", GREEN, 110)
    drawing.arrow(485, 56, 485, 110)
    drawing.box(20, 110, "optimizer state", BLUE)
    drawing.arrow(170, 128, 400, 128)
    drawing.box(400, 110, "adam(1e-2).update", PLAIN, 170)
    drawing.arrow(570, 128, 610, 128)
    drawing.box(610, 110, f"updates ({moved:.2g} at most),\nnext state", GREEN, 145)
    drawing.word(380, 175, "apply_updates(params, updates) are the next params")
    return drawing


def main(arguments: list[str] | None = None) -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="the folder; one of its own where none is given")
    parser.add_argument("--quick", action="store_true", help="the same: it takes no time")
    folder = parser.parse_args(arguments).out or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    _, tree = net.init(Key(0), (-1, 4))
    drawings = {"params": params(tree), "key": keys(Key(0)), "vjp": vjp(), "layer": layer()}
    drawings["optimizer"] = optimizer(tree)
    for name, drawing in drawings.items():
        (folder / f"{name}.svg").write_text(drawing.text(), encoding="utf-8")
    print(f"{len(drawings)} pictures in {folder}")


if __name__ == "__main__":
    main()
