"""First rules of a schema: what its catalogue says, written as declarations."""
