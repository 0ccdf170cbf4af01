"""Framecast as data: its rules, operations, model and privileges, which the suite tries."""
