"""Kinds of rules: what each derives from a declaration."""

from __future__ import annotations

from typing import Protocol


class Kind(Protocol):
    """A declaration from which a rule's violation query and its judgement in the model follow."""

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that the rule speaks of."""
        ...

    @property
    def violations(self) -> str:
        """A query for the keys, as one text column, of the rows that break the rule."""
        ...

    def is_broken(self, state: object) -> bool:
        """Return whether a state of the model breaks the rule."""
        ...
