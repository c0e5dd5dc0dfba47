"""Composites, made of layers and combinators."""

from funcnn.late_names import answers_for

answers_for(__name__)
