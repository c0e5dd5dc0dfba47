"""Randomness as a value: a key never changes, and the same key always gives the same numbers."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable
from typing import Any, Final, TypeAlias, Union, final

import numpy as np

from funcnn.foreign.calls import understood
from funcnn.generators import generator_of
from funcnn.types import Array
from funcnn.values import frozen

_SIZE: Final = 16


@final
@frozen("keys never change; make another with .fold({name!r})")
class Key:
    """A source of randomness that is a value: immutable, hashable, printable, 16 bytes.

    `Key(0)` and `Key("0")` differ; `Key(0)` and `Key(np.int64(0))` do not. A NumPy `Generator` becomes a key by drawing
    16 bytes from it, which is the one thing here that changes something outside.

    Errors
        TypeError   the seed is None, a float, a bool or a `RandomState`

    Source: folding names into a keyed hash instead of splitting counters follows Claessen & Palka, Splittable
    Pseudorandom Number Generators using Cryptographic Hashing (Haskell Symposium 2013); the hash is BLAKE2b (RFC 7693).

    >>> key = Key(0)
    >>> key.fold("w") == key.fold("w"), key.fold("w") == key.fold("b")
    (True, False)
    >>> float(key.generator().standard_normal()) == float(key.generator().standard_normal())
    True
    """

    __slots__ = ("_state",)
    _state: bytes

    def __init__(self, seed: Union[int, str, np.random.Generator]) -> None:
        state = seed.bytes(_SIZE) if isinstance(seed, np.random.Generator) else _hashed(_segment(seed))
        object.__setattr__(self, "_state", state)

    @classmethod
    def fromhex(cls, digits: str) -> Key:
        """The key with exactly this state, 32 hexadecimal digits: what `repr` prints.

        >>> Key.fromhex(bytes(Key(7)).hex()) == Key(7)
        True
        """
        state = bytes.fromhex(digits)
        if len(state) != _SIZE:
            raise ValueError(f"Key.fromhex takes {2 * _SIZE} hexadecimal digits, got {len(digits)}")
        return _from_state(state)

    def fold(self, name: Union[int, str]) -> Key:
        """The key of a child: another key for every other name or number.

        >>> Key(0).fold("dense_0").fold(3) == Key(0).fold("dense_0").fold(np.int64(3))
        True
        """
        return _from_state(_hashed(_segment(name), self._state))

    @understood
    def split(self, n: int) -> tuple[Key, ...]:
        """`n` keys, none of them a `fold` of this one.

        >>> len(set(Key(0).split(3))), Key(0).split(1)[0] == Key(0).fold(0)
        (3, False)
        """
        if n < 0:
            raise ValueError(f"Key.split takes n >= 0, got {n}")
        return tuple(_from_state(_hashed(b"p%d" % i, self._state)) for i in range(n))

    def generator(self) -> np.random.Generator:
        """A fresh NumPy generator, the same one at every call.

        >>> Key(0).generator().integers(100, size=3).tolist() == Key(0).generator().integers(100, size=3).tolist()
        True
        """
        return generator_of(self._state)

    def __bytes__(self) -> bytes:
        return self._state

    def __eq__(self, other: object) -> bool:
        return self._state == other._state if isinstance(other, Key) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._state)

    def __repr__(self) -> str:
        return f"Key.fromhex({self._state.hex()!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_state, (self._state,)


def _hashed(segment: bytes, state: bytes = b"") -> bytes:
    return hashlib.blake2b(segment, key=state, digest_size=_SIZE).digest()


def _from_state(state: bytes) -> Key:
    key = Key.__new__(Key)
    object.__setattr__(key, "_state", state)
    return key


def _segment(name: object) -> bytes:
    """Names and numbers as bytes, without ambiguity."""
    if isinstance(name, str):
        return b"s" + name.encode()
    if isinstance(name, (bool, np.bool_)):
        raise TypeError(f"a key is made from an int or a str, got {name!r}; write Key(0)")
    try:
        return b"i%d" % operator.index(name)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"a key is made from an int or a str, got {type(name).__name__}; write Key(0)") from None


def as_key(rng: object, *, where: str = "rng") -> Key:
    """The key behind what people pass as `rng`: a key, or an integer seed.

    Errors
        TypeError   anything else, with the fix
    """
    if isinstance(rng, Key):
        return rng
    if rng is None or isinstance(rng, (str, bool, np.bool_)):
        raise TypeError(f"{where} must be a Key or an int seed, got {rng!r}; write Key(0)")
    try:
        return Key(operator.index(rng))  # type: ignore[arg-type]
    except TypeError:
        fix = "Key(generator)" if isinstance(rng, np.random.Generator) else "Key(0)"
        raise TypeError(f"{where} must be a Key or an int seed, got {type(rng).__name__}; write {fix}") from None


Rng: TypeAlias = Union[Key, int]
"""Randomness, wherever it is taken: a key, or an integer seed."""

Initializer: TypeAlias = Callable[[Key, tuple[int, ...], np.dtype[np.floating[Any]]], Array]
"""`(key, shape, dtype) -> array`."""
