"""Attention over a memory."""

import numpy as np
from funcnn import Key, MultiHeadAttention

att = MultiHeadAttention(2, cross=True)
q, m = np.zeros((3, 5, 8), np.float32), np.zeros((3, 7, 8), np.float32)
_, params = att.init(Key(0), (q.shape, m.shape))
# wrong: att.apply(params, (q, m[:2]))
att.apply(params, (q, m))  # guilty
