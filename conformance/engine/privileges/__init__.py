"""Privileges of a role: what the catalogue of a server grants, and what the role lacks."""
