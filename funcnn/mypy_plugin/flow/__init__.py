"""What a program's own statements say of its networks: functions, loops, branches, classes, followed without running.

mypy's types know what stands in one expression. Here the file is read in its order, as Python would run it, with
values instead of types: a function of the program that returns a network is followed with the arguments of its call, a
loop over known things goes round, both branches of an unknown condition are taken. What cannot be told is unknown, and
an unknown network is met with silence.

    files        parsed once, with their imports       frames       where names live
    values       what a value is to a reader           machine      statements
    reading      a whole file, and who asks for it     data         arrays and params
    modules      the standard library                  objectives   losses and loops
    arrays       NumPy's functions                     expressions, comprehensions, calls, builtin, keys
"""
