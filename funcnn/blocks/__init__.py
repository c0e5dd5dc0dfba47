"""Composites, made of layers and combinators."""
