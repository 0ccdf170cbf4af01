"""Fixed columns: what a row is about never changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """Columns of some tables never change.

    Attributes:
        columns: by table.
        unless: what is allowed all the same, as SQL on a change `c` of the column `k.name`.
    """

    columns: Mapping[str, tuple[str, ...]]
    unless: str = field(default="", repr=False)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables."""
        return tuple(self.columns)

    @property
    def model(self) -> None:
        """Nothing: two states tell, which operations compare."""
        return

    @property
    def violations(self) -> str:
        """A query for the rows of which such a column was changed."""
        listed = ", ".join(
            f"('{table}', '{{{','.join(columns)}}}'::text[])"
            for table, columns in self.columns.items()
        )
        unless = f" AND NOT ({self.unless})" if self.unless else ""
        return (
            f"SELECT c.old ->> 'id' FROM conformance.fresh c JOIN (VALUES {listed})"
            " AS s (tbl, columns) ON s.tbl = c.tbl WHERE c.op = 'UPDATE' AND EXISTS ("
            "SELECT FROM unnest(s.columns) AS k (name)"
            f" WHERE c.old -> k.name IS DISTINCT FROM c.new -> k.name{unless})"
        )
