"""A fault that is planted into a schema, and what a run must say of it."""

from typing import NamedTuple


class Fault(NamedTuple):
    """One edit, and the verdicts that it changes: all other rules are held.

    Attributes:
        name: the edit in words.
        old, new: text of a migration, which is there once, and what takes its place.
        verdicts: of rules that are no longer held, by their ids.
    """

    name: str
    old: str
    new: str
    verdicts: dict[str, str]


def broken(rule: str, name: str, old: str, new: str = "") -> Fault:
    """Return a fault by which a rule alone is broken."""
    return Fault(name, old, new, {rule: "broken"})
