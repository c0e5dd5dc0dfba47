"""Is it so? What a law may say, derivatives, how far rounding goes, flags, and where exceptions come from."""
