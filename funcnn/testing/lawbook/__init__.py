"""Laws as values, a family a file."""
