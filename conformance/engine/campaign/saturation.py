"""Saturation: how many operations of machines have shown nothing new."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from conformance.engine.campaign.ledger import Result

OPERATIONS: Final = "operations"


@dataclass(slots=True)
class Saturation:
    """Transitions that a campaign has seen, and the operations since the last new one.

    What is new is known of a whole shard, not of each of its operations: a shard that has shown a
    new transition begins the count anew.

    Attributes:
        enough: operations without a new transition after which there is no more to see; None
            where that ends nothing.
        seen: digests of the transitions.
        operations: how many there were.
        idle: how many since the last shard with a new transition.
    """

    enough: int | None = None
    seen: set[str] = field(default_factory=set)
    operations: int = 0
    idle: int = 0

    def add(self, result: Result) -> None:
        """Add a shard."""
        operations = result.tally.get(OPERATIONS, 0)
        new = set(result.transitions) - self.seen
        self.seen |= new
        self.operations += operations
        self.idle = 0 if new else self.idle + operations

    @property
    def is_reached(self) -> bool:
        """True where machines have shown nothing new for so many operations."""
        return self.enough is not None and self.idle >= self.enough

    def line(self) -> str:
        """Return what was seen, in a line; '' of nothing."""
        if not self.operations:
            return ""
        said = f"{len(self.seen)} transitions in {self.operations} operations"
        return f"{said}, none new in the last {self.idle}"
