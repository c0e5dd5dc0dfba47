"""Params, Gradients and Updates: the same trees under three types, so that none is taken for another."""

# `packed` reads private slots: every step asks it several times.
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, Union, cast, final, overload

from funcnn.errors import ParamsError
from funcnn.params import trees
from funcnn.params.arithmetic import without_arithmetic
from funcnn.params.layouts import Layout
from funcnn.params.mapping import ArrayTree, K, made, plain
from funcnn.params.waiting import looked_at
from funcnn.types import Array, Tree


without_arithmetic(ArrayTree)
looked_at(ArrayTree)


@final
class Params(ArrayTree):
    """Parameters: a tree of read-only arrays that never changes.

    Made by `init`, by `set`, by `|`, or from any nested mapping, whose arrays are copied. Children come out as
    `Params`, leaves as read-only, C-contiguous arrays. `==` compares whole trees bit for bit and answers a bool.

    Errors
        ParamsError      a key that is no string, is empty or has a `/`; a leaf that is no array
        DTypeError       a leaf that is not floating-point
        ImmutableError   anything is assigned to or deleted

    >>> params = Params({"dense_0": {"w": np.ones((2, 3)), "b": np.zeros(3)}})
    >>> params.at("dense_0/w").shape, params.paths()
    ((2, 3), ('dense_0/b', 'dense_0/w'))
    >>> params
    Params(2 leaves, 9 values, float64, 72 bytes)
      dense_0/w  (2, 3)  float64  6
      dense_0/b  (3,)    float64  3
    """

    __slots__ = ()


@final
class Gradients(ArrayTree):
    """The gradients of an objective for its params: a tree like them, and a type of its own.

    What `value_and_grad`, `grad` and the pullbacks of `vjp` give, and what the `update` of an optimizer takes. All that
    `Params` can do, gradients can; what is made of them are gradients. They are never equal to params or updates, and
    no function takes them for these: `Gradients(tree)` makes gradients of any tree, without a copy where it is one of
    ours.

    Errors
        as `Params`

    >>> net = Dense(1)
    >>> _, params = net.init(0, (-1, 2))
    >>> grads = grad(squared_error, net.apply)(params, np.ones((4, 2)), np.ones((4, 1)))
    >>> tree_map(lambda g: 0 * g, grads)
    Gradients(2 leaves, 3 values, float32, 12 bytes)
      w  (2, 1)  float32  2
      b  (1,)    float32  1
    >>> Gradients(params) == params, Params(Gradients(params)) == params
    (False, True)
    """

    __slots__ = ()


@final
class Updates(ArrayTree):
    """What is to be added to params: a tree like them, and a type of its own.

    What the `update` of an optimizer gives, and `apply_updates` takes; a chain hands them from one part to the next.
    All that `Params` can do, updates can. `Updates(tree)` makes updates of any tree, without a copy where it is one of
    ours: that is how the update of one's own optimizer ends.

    Errors
        as `Params`

    >>> updates = Updates(tree_map(lambda g: -0.1 * g, Gradients({"w": np.ones(2)})))
    >>> apply_updates(Params({"w": np.ones(2)}), updates).at("w")
    array([0.9, 0.9])
    """

    __slots__ = ()


ParamsLike: TypeAlias = Union[Params, dict[str, Any]]
"""What is taken as params: those, or a plain nested dict of arrays."""

GradientsLike: TypeAlias = Union[Gradients, Updates, dict[str, Any]]
"""What is taken as gradients: those, the updates of the part in front, or a plain nested dict of arrays."""

UpdatesLike: TypeAlias = Union[Updates, dict[str, Any]]
"""What is taken as updates: those, or a plain nested dict of arrays."""

_KINDS: Final = (Params, Gradients, Updates)


@overload
def wrap(tree: trees.Plain | None, flat: Array | None = None, layout: Layout | None = None) -> Params: ...
@overload
def wrap(tree: trees.Plain | None, flat: Array | None = None, layout: Layout | None = None, *, kind: type[K]) -> K: ...
def wrap(
    tree: trees.Plain | None, flat: Array | None = None, layout: Layout | None = None, *, kind: Any = Params
) -> Any:
    """Params, or another kind, around a dict that the library owns and has sealed, or a vector of all leaves."""
    return made(kind, tree, flat, layout)


def packed(tree: object) -> tuple[Array, Layout] | None:
    """The vector of a packed tree with its layout; None for others."""
    if type(tree) not in _KINDS:
        return None
    ours = cast(ArrayTree, tree)
    flat, layout = ours._flat, ours._layout
    return None if flat is None or layout is None else (flat, layout)


def as_tree(tree: Tree) -> ArrayTree:
    """A tree of ours as it is, whatever its kind; another mapping as params, copied.

    Errors
        ParamsError, DTypeError   it is no tree of arrays
    """
    return tree if isinstance(tree, ArrayTree) else Params(tree)


def as_params(tree: Tree, call: str) -> Params:
    """What is taken as params, as such; a plain mapping is copied.

    Errors
        ParamsError   gradients or updates, which belong in another place of this `call`; or no params at all
    """
    if isinstance(tree, Params):
        return tree
    refuse_kind(tree, Params, call)
    return Params(tree)


def refuse_kind(tree: Tree, wanted: type[ArrayTree], call: str) -> None:
    """Refuse a tree of ours, which is not of the kind that belongs there in this `call`.

    Errors
        ParamsError   with how it is called, and how the kind is changed where that is meant
    """
    if isinstance(tree, ArrayTree):
        got, kind = type(tree).__name__, wanted.__name__
        fix = f"if they are meant, {kind}({got.lower()}) makes {kind.lower()} of them"
        raise ParamsError(f"got {got} where {kind.lower()} belong, {call}; {fix}")


def plain_tree(tree: Tree, at: trees.Path = ()) -> trees.Plain:
    """The plain dict of whatever people pass as params; arrays are taken as they are, in native byte order.

    Errors
        ParamsError   it is no nested mapping of arrays, with what to do about a pair
        DTypeError    a masked array
    """
    if type(tree) in _KINDS:
        return plain(cast(ArrayTree, tree))
    if not isinstance(tree, Mapping):
        raise ParamsError(trees.not_a_tree(tree, at))
    out: trees.Plain = {}
    for key, value in tree.items():
        below = (*at, trees.checked_name(key, at))
        out[key] = plain_tree(value, below) if isinstance(value, Mapping) else trees.taken_leaf(value, below)
    return out
