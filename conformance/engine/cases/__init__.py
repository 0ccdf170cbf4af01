"""Running the cases of a rule: what is tried, what it came to, and the verdict."""
