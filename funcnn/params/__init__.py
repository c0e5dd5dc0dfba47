"""Params, gradients and updates: trees of arrays that never change, and may be one vector."""

from funcnn.late_names import answers_for
from funcnn.params.kinds import Gradients as Gradients
from funcnn.params.kinds import GradientsLike as GradientsLike
from funcnn.params.kinds import Params as Params
from funcnn.params.kinds import ParamsLike as ParamsLike
from funcnn.params.kinds import Updates as Updates
from funcnn.params.kinds import UpdatesLike as UpdatesLike
from funcnn.params.kinds import as_params as as_params
from funcnn.params.kinds import as_tree as as_tree
from funcnn.params.kinds import packed as packed
from funcnn.params.kinds import plain_tree as plain_tree
from funcnn.params.kinds import refuse_kind as refuse_kind
from funcnn.params.kinds import wrap as wrap
from funcnn.params.mapping import ArrayTree as ArrayTree
from funcnn.params.mapping import K as K
from funcnn.params.mapping import plain as plain

answers_for(__name__)
