"""Kinds of rules: what each derives from a declaration."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 - in the type of a property
from typing import Any, Protocol


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

    @property
    def model(self) -> Callable[[Any], bool] | None:
        """Return whether a state of the model breaks the rule; None where the model cannot say."""
        ...
