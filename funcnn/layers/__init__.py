"""The layers, one family a file."""

from funcnn.late_names import answers_for

answers_for(__name__)
