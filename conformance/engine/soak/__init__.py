"""Load: what is asked of a server that was killed, and faults that are made."""
