"""Keys are values: the same key gives the same numbers, for ever."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcnn import Key
from funcnn.keys import as_key

SEGMENTS = st.one_of(st.integers(-(2**70), 2**70), st.text(max_size=20))


@pytest.mark.parametrize(
    ("key", "state"),
    [
        (Key(0), "0b024b06484e2cd5119ba54d30852b39"),
        (Key("0"), "4215584275ef866786341dbeb1a9a842"),
        (Key(-1), "126843bcd3cd5727e2d7882aca8059fa"),
        (Key(2**70), "3a885cf5c7fa76d098db52f828dc8d6d"),
        (Key("ü"), "87a4556018a4a4f8711f8bb81f96910a"),
        (Key(0).fold(3), "db33bce746915076c36cd5bda146b3eb"),
        (Key(0).fold("dense_0").fold("w"), "bee06a2d2cc1b808c7b4f17d0506881f"),
        (Key(0).split(2)[1], "d7758f75d3a6cb1ad82eeb28371bbbd9"),
    ],
    ids=str,
)
def test_key_bytes_never_change(key: Key, state: str) -> None:
    """Networks initialised by an older version can be initialised again."""
    assert bytes(key).hex() == state


def test_a_generator_gets_the_bytes_of_the_key() -> None:
    """The bit generator is Philox with the key itself as its key: nothing is drawn from the system."""
    direct = np.random.Philox(key=np.frombuffer(bytes(Key(0)), np.uint64))
    assert Key(0).generator().bit_generator.random_raw(4).tolist() == direct.random_raw(4).tolist()


def test_a_generator_is_fresh_at_every_call() -> None:
    """Drawing from one changes no other."""
    key = Key(1)
    key.generator().random(7)
    assert key.generator().random() == key.generator().random()


def test_a_generator_pickles() -> None:
    """As NumPy's own do."""
    generator = Key(0).generator()
    generator.random(3)
    assert pickle.loads(pickle.dumps(generator)).random() == generator.random()


@given(a=SEGMENTS, b=SEGMENTS)
def test_different_segments_give_different_keys(a: int | str, b: int | str) -> None:
    """Numbers and names are told apart: 0 is not "0"."""
    same = type(a) is type(b) and a == b
    assert (Key(a) == Key(b), Key(7).fold(a) == Key(7).fold(b)) == (same, same)


def test_the_path_of_folds_counts() -> None:
    """Folding "a" and then "b" is neither "b" and then "a" nor "ab"."""
    key = Key(0)
    assert len({key.fold("a").fold("b"), key.fold("b").fold("a"), key.fold("ab"), key}) == 4


@pytest.mark.parametrize("number", [np.int64(3), np.uint8(3), np.array(3)])
def test_numbers_of_numpy_are_numbers(number: int) -> None:
    """`fold(3)` is `fold(np.int64(3))`, and so are seeds."""
    assert (Key(0).fold(number), Key(number)) == (Key(0).fold(3), Key(3))


def test_split_gives_other_keys_than_fold() -> None:
    """None of the keys of `split(n)` is a fold of a small number, or of its name."""
    key = Key(0)
    folds = {key.fold(i) for i in range(8)} | {key.fold(f"p{i}") for i in range(8)}
    assert len(set(key.split(8)) | folds) == 24


def test_split_begins_with_the_shorter_split() -> None:
    """`split(2)` is the beginning of `split(3)`."""
    assert Key(0).split(3)[:2] == Key(0).split(2)


def test_split_takes_no_negative_number() -> None:
    """The number is named."""
    with pytest.raises(ValueError, match=r"n >= 0, got -1"):
        Key(0).split(-1)


def test_a_numpy_generator_becomes_a_key_by_drawing_once() -> None:
    """The one impure act: 16 bytes are drawn."""
    first, second = np.random.default_rng(0), np.random.default_rng(0)
    assert bytes(Key(first)) == second.bytes(16)
    assert first.random() == second.random()


def test_repr_evaluates() -> None:
    """What is printed is the key."""
    key = Key(5).fold("w")
    assert eval(repr(key)) == key


def test_copies_and_pickles_are_equal() -> None:
    """A key is its bytes."""
    key = Key(5)
    assert pickle.loads(pickle.dumps(key)) == copy.copy(key) == copy.deepcopy(key) == key
    assert hash(pickle.loads(pickle.dumps(key))) == hash(key)


def test_a_key_is_equal_to_keys_alone() -> None:
    """Not to its bytes."""
    assert Key(0) != bytes(Key(0))


def test_keys_never_change() -> None:
    """Neither by assignment nor by deletion."""
    key = Key(0)
    with pytest.raises(AttributeError, match=r"keys never change; make another with \.fold\('seed'\)"):
        key.seed = 1  # type: ignore[attr-defined]  # which type checkers say too
    with pytest.raises(AttributeError, match="keys never change"):
        del key._state
    assert key == Key(0)


@pytest.mark.parametrize("seed", [None, 1.5, True, np.random.RandomState(0), np.float32(1), b"0", [0]])
def test_other_seeds_are_refused(seed: object) -> None:
    """The message says what to write."""
    with pytest.raises(TypeError, match=r"write Key\(0\)"):
        Key(seed)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"write Key\(0\)"):
        Key(0).fold(seed)  # type: ignore[arg-type]


@pytest.mark.parametrize(("digits", "count"), [("00", 2), ("0" * 34, 34)])
def test_fromhex_takes_32_digits(digits: str, count: int) -> None:
    """And says how many it got."""
    with pytest.raises(ValueError, match=f"takes 32 hexadecimal digits, got {count}"):
        Key.fromhex(digits)


def test_seeds_are_welcome_as_rng() -> None:
    """Seed 0 too, though it is false."""
    assert as_key(0) == as_key(np.int64(0)) == as_key(Key(0)) == Key(0)


@pytest.mark.parametrize(
    ("rng", "shown"),
    [
        (None, "got None; write Key(0)"),
        (0.5, "got float; write Key(0)"),
        (True, "got True; write Key(0)"),
        ("0", "got '0'; write Key(0)"),
        (np.random.RandomState(0), "got RandomState; write Key(0)"),
        (np.random.default_rng(0), "got Generator; write Key(generator)"),
    ],
)
def test_other_rngs_are_refused(rng: object, shown: str) -> None:
    """The message says what came and what to write."""
    with pytest.raises(TypeError) as caught:
        as_key(rng)
    assert str(caught.value) == f"rng must be a Key or an int seed, {shown}"
