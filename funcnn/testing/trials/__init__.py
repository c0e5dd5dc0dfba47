"""Which laws are tried on what, how often, and how that is told: in pytest and outside."""
