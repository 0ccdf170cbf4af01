"""What a live schema has: tables, labels, functions, rights, and the rules that these serve."""
