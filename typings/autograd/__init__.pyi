# What the tests and examples use of Autograd, which has no types of its own.
