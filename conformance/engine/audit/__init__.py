"""The audit: what a database in use says of the rules, and of what enforces them; reads only."""
