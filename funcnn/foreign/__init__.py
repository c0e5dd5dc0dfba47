"""Other libraries' words for what funcnn has, and what is said where somebody writes one.

`keywords`, `attributes` and `names` are the tables: arguments of calls, attributes of values, names of modules.
`calls` and `lookups` say what the tables know, at run time alone: type checkers refuse the words by themselves.
"""
