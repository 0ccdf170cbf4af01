"""Races: sessions at once on one database, in an order that is chosen and not left to the clock.

`schedule` says what a race is, `driver` carries one out, `judge` says whether its end is one that
some serial order could have had. `known_races` are the races that everybody knows, in all their
interleavings; `explorer` draws others.
"""
