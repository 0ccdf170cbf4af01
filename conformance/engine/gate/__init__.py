"""The gate: whether a migration may be run on a database in use; writes on scratch servers only."""
