"""A fuzzer: the public functions, called with what fits and with what does not.

    python -m tests.fuzz --seconds 60 --seed 1          # prints what it finds, and how to repeat it

A case is made by two numbers, the seed and its own. It draws a network of the catalogue, params, an input and one
function of the library; calls it twice with what fits, laid out in another way, or with one argument that does not fit;
and fails for

* an exception that is neither ours, nor raised by us, nor Python's own about the arguments of a call;
* a value that is not finite where everything given was;
* a floating-point result in another dtype than that of the params;
* an argument that was written to;
* a second call that gives something else than the first.
"""
