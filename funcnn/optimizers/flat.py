"""What optimizers work on: params, gradients and states as flat vectors, checked on the way in."""

from __future__ import annotations

from typing import Any, Final

from funcnn.errors import DTypeError, ParamsError, brief, locate
from funcnn.inputs import COMPUTED, refuse_stored
from funcnn.kernels.versions import settle
from funcnn.params import Gradients, Params, as_params, packed, refuse_kind
from funcnn.params.layouts import Layout
from funcnn.params.packing import gather, layout_of, pack, pieces
from funcnn.params.waiting import waits
from funcnn.types import Array, Tree, is_tuple

_CALLS: Final = "init(params) and update(grads, state, params)"


def flat(params: Tree, call: str = _CALLS) -> tuple[Array, Layout]:
    """Params as one vector, nobody's to write to, and how they lie in it. Free where they are packed.

    Errors
        ParamsError, DTypeError   they are no params; `call` says where those belong
    """
    found = packed(params) if type(params) is Params else None
    if not found:
        one = pack(as_params(params, call))
        layout = layout_of(one)
        found = gather(layout, one), layout
    if found[0].dtype not in COMPUTED:
        refuse_stored("the params are", found[0].dtype, "astype(params, np.{wide})")
    return found


def flat_like(layout: Layout, tree: Tree, like: Array, what: str) -> Array:
    """A tree of the same structure as one vector of the dtype of `like`, nobody's to write to. Free where it is packed.

    Errors
        ParamsError   it has another structure, or leaves of other shapes
        DTypeError    it has another dtype
    """
    same = packed(tree)
    if same and same[1] is layout and same[0].dtype == like.dtype:
        return same[0]
    try:
        found = gather(layout, tree)
    except ParamsError as error:
        locate(error, what)
        raise
    if found.dtype != like.dtype and found.size:
        raise DTypeError(_other_dtype(like, found), path=(what,))
    return found


def pieces_like(layout: Layout, tree: Tree, like: Array, what: str) -> list[Array]:
    """The same in pieces, for kernels that take gradients as they lie: nothing is copied where there is much of it."""
    if type(tree) is Params:
        refuse_kind(tree, Gradients, "update(grads, state, params)")
    packed_tree = packed(tree)
    if packed_tree and packed_tree[1] is layout and packed_tree[0].dtype == like.dtype:
        return [packed_tree[0]]
    try:
        found = pieces(layout, tree)
    except ParamsError as error:
        locate(error, what)
        raise
    for piece in found:
        if piece.dtype != like.dtype and piece.size:
            raise DTypeError(_other_dtype(like, piece), path=(what,))
    return found


def _other_dtype(like: Array, found: Array) -> str:
    return f"the params are {like.dtype}, got {found.dtype}; convert with astype(..., np.{like.dtype})"


def checked_state(function: str, state: object, kind: type[Any]) -> None:
    """Refuse the state of another optimizer, and what is none.

    Errors
        TypeError   with what came and where states come from
    """
    if not isinstance(state, kind):
        got = f"got {type(state).__name__} {brief(state)}"
        raise TypeError(f"{function} takes the {kind.__name__} that its init or its last update gave, {got}")


def settled(state: object) -> None:
    """No step follows on these params, or this state: what is kept for the next goes, see `funcnn.kernels.versions`."""
    if waits(state):
        return
    if found := packed(state):
        settle(found[0])
    elif is_tuple(state):
        for part in state:
            settled(part)
