"""Random sequences of operations, as far as no domain is needed."""
