"""A database to try rules on: sessions, the sandbox, its change log, and the way back."""
