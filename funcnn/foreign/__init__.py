"""Other libraries' words for what funcnn has, and what is said where somebody writes one.

The tables are `keywords`, `training` and `arities` of arguments of calls, `attributes` and `results` of attributes of
values, and `names` of modules.
`calls` and `lookups` say what the tables know, at run time alone: type checkers refuse the words by themselves.
"""
