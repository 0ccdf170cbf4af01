"""Running near misses: what is tried beside what a scenario says."""
