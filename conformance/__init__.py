"""Proof that a PostgreSQL schema guards the business rules of Framecast by itself."""
