"""The engine: how rules are tried, judged, raced, mutated, audited and shown, whatever the domain.

Nothing here imports a domain; it comes as one object (`conformance.engine.domain.chosen`).
"""
