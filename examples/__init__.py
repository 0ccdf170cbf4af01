"""Domains of which the suite knows nothing but what each folder says."""
