"""Params: a tree of arrays that never changes, and may be one vector."""

from funcnn.params.mapping import Params as Params
from funcnn.params.mapping import packed as packed
from funcnn.params.mapping import plain as plain
from funcnn.params.mapping import plain_tree as plain_tree
from funcnn.params.mapping import wrap as wrap
