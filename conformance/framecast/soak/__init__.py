"""Load: many clients at full speed on one database, whose server may be killed at any moment."""
