"""More rows of rare classes; `synthx.balance` is the public module."""
