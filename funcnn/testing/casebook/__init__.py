"""Cases: what a law is tried on, a kind of part a file."""
