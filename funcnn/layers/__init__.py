"""The layers, one family a file."""

from funcnn.foreign.lookups import answers_for

answers_for(__name__)
