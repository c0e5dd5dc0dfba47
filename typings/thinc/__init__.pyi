"""What the tests use of Thinc, which need not be there to check them."""
