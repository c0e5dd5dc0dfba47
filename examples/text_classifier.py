"""Where does a sentence come from? Lines of six modules of the standard library on this machine, told by their words.

    python examples/text_classifier.py            half a minute
    python examples/text_classifier.py --quick    some seconds: fewer lines and epochs

Lines become words, words become numbers, rows of different lengths become a rectangle with a mask. The network embeds
the words, reads them in both directions, and takes the mean over those that are there. Beside it, counts of words
(naive Bayes), which know no order. Lines of short modules weigh more: all modules count alike. On Python 3.11 the
network is right for 87.5 % of the lines it has not seen, counts of words for 86.1 %.
"""

from __future__ import annotations

import argparse
import re
import sysconfig
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np

from funcnn import (
    GRU, Array, Dense, Dropout, Embedding, Key, Mask, MeanOver, Params, Tokens, accuracy, adam, bidirectional, confusion_matrix,
    evaluate, first, keep, predict, serial, softmax_cross_entropy, train,
)  # fmt: skip
from funcnn.plotting import confusion

MODULES = "argparse", "datetime", "decimal", "doctest", "tarfile", "typing"
WORDS, LENGTH = 2000, 16  # of the vocabulary, 0 for all others; of a line at most

net = serial(
    first(Embedding(WORDS, 24)), first(Dropout(0.5)), keep(bidirectional(GRU(16, masked=True))),
    MeanOver(1, masked=True), Dropout(0.3), Dense(len(MODULES)),
)  # fmt: skip


class Lines(NamedTuple):
    """Numbers of words (n, 16), which of them are there, and modules (n,)."""

    tokens: Tokens
    mask: Mask
    labels: Tokens


def words_of(line: str) -> list[str]:
    """The words and signs of a line."""
    return re.findall(r"[A-Za-z]+|[0-9]+|[^\sA-Za-z0-9]", line)[:LENGTH]


def load(key: Key, limit: int) -> tuple[Lines, Lines, list[str]]:
    """Lines to learn from, a fifth of them to be measured on, none in both; and the vocabulary."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    found: list[tuple[list[str], int]] = []
    seen: set[str] = set()
    for label, name in enumerate(MODULES):
        for line in (folder / f"{name}.py").read_text(encoding="utf-8").splitlines()[:limit]:
            words = words_of(line)
            if len(words) >= 4 and line.strip() not in seen:
                seen.add(line.strip())
                found.append((words, label))
    order = key.generator().permutation(len(found))
    test = len(found) // 5
    counts = Counter(word for i in order[test:] for word in found[i][0])
    vocabulary = [word for word, _ in counts.most_common(WORDS - 1)]
    numbers = {word: i + 1 for i, word in enumerate(vocabulary)}
    tokens = np.zeros((len(found), LENGTH), np.int64)
    mask = np.zeros((len(found), LENGTH), np.bool_)
    for row, i in enumerate(order):
        words = found[i][0]
        tokens[row, : len(words)] = [numbers.get(word, 0) for word in words]
        mask[row, : len(words)] = True
    labels = np.array([found[i][1] for i in order])
    found_lines = Lines(tokens[test:], mask[test:], labels[test:])
    return found_lines, Lines(tokens[:test], mask[:test], labels[:test]), vocabulary


def by_counts(train_lines: Lines, test: Lines) -> float:
    """How often the module is right whose words these are most likely, each for itself."""
    counts = np.ones((len(MODULES), WORDS))
    for tokens, mask, label in zip(*train_lines, strict=True):
        np.add.at(counts[label], tokens[mask], 1)
    likely = np.log(counts / counts.sum(axis=1, keepdims=True))
    scores = np.where(test.mask[..., None], likely.T[test.tokens], 0).sum(axis=1)
    return float((scores.argmax(axis=1) == test.labels).mean())


def guess(params: Params, vocabulary: list[str], line: str) -> str:
    """The module a line is most likely from."""
    numbers = {word: i + 1 for i, word in enumerate(vocabulary)}
    words = words_of(line)
    tokens = np.array([[numbers.get(word, 0) for word in words] + [0] * (LENGTH - len(words))])
    scores: Array = predict(net.apply, params, (tokens, np.arange(LENGTH)[None] < len(words)))
    return MODULES[int(scores.argmax())]


def main(arguments: list[str] | None = None) -> tuple[float, float]:
    """Train, and measure; how often the network is right, and the counts."""
    parser = argparse.ArgumentParser(description="Tell modules by their lines.")
    parser.add_argument("--quick", action="store_true", help="fewer lines and epochs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="the folder for a picture; without it there is none")
    options = parser.parse_args(arguments)
    key = Key(options.seed)
    lines, test, vocabulary = load(key, 700 if options.quick else 10_000)
    print(f"{len(lines.labels)} lines to learn from, {len(test.labels)} others")

    each = np.bincount(lines.labels)
    loss = softmax_cross_entropy.bind(class_weights=each.mean() / each)
    trained = train(
        loss, net, adam(3e-3), ((lines.tokens, lines.mask), lines.labels), epochs=8 if options.quick else 20,
        validation=0.1, metrics=[accuracy], monitor="accuracy", patience=5, batch_size=64, rng=key,
    )  # fmt: skip
    data = (test.tokens, test.mask), test.labels
    found = evaluate(net.apply, trained.params, data, accuracy)["accuracy"]
    counted = by_counts(lines, test)
    print(trained.history)
    print(f"the network is right for {found:.1%} of the lines, counts of words for {counted:.1%}")
    for line in ("self._tzinfo = tzinfo", "raise ArgumentError(action, msg)", "return self.fileobj.read(512)"):
        print(f"{guess(trained.params, vocabulary, line):10} {line}")
    if options.out is not None:
        matplotlib.use("Agg")
        options.out.mkdir(parents=True, exist_ok=True)
        matrix = confusion_matrix(predict(net.apply, trained.params, data[0]), test.labels)
        figure: Any = confusion(matrix, names=MODULES).figure
        figure.savefig(options.out / "text_classifier.png", dpi=80)
    return found, counted


if __name__ == "__main__":
    main()
