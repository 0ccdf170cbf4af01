"""What mutants of this schema are tried with, and the records of those that survive."""
