"""What stands before a migration of a database in use: its address, and what its files may hold."""
