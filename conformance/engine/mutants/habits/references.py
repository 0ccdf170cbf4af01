"""Foreign keys of a schema: the columns that link a table to others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.mutants.constraints import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.engine.catalogue.schema import Schema

LINKED = 2  # parents that a table links


class Links:
    """The foreign keys of a schema, column by column."""

    def __init__(self, schema: Schema) -> None:
        """Read them."""
        keys = [column for column in schema.columns if column.is_key]
        self._keys: dict[str, str] = {column.table: column.name for column in keys}
        self._links: dict[str, dict[str, list[tuple[str, str]]]] = {}
        self._deferred: set[tuple[str, str]] = set()
        for each in schema.constraints:
            found = REFERENCE.match(each.definition) if each.kind == "f" else None
            if found:
                pairs = zip(found[1].split(", "), found[3].split(", "), strict=True)
                for ours, theirs in pairs:
                    of_table = self._links.setdefault(each.table, {})
                    of_table.setdefault(ours, []).append((found[2], theirs))
                    if each.definition.endswith("INITIALLY DEFERRED"):
                        self._deferred.add((each.table, ours))

    def key(self, table: str) -> str:
        """Return the (last) column of a table's primary key."""
        return self._keys[table]

    def is_deferred(self, table: str, column: str) -> bool:
        """Return whether a row may be there before what a column of it refers to."""
        return (table, column) in self._deferred

    def root(self, table: str, column: str) -> str | None:
        """Return the table whose primary key a column holds, directly or through another table."""
        for parent, theirs in self._links.get(table, {}).get(column, ()):
            if self._keys.get(parent) == theirs:
                return parent
            further = self.root(parent, theirs)
            if further:
                return further
        return None

    def parents(self, table: str) -> list[tuple[str, str]]:
        """Return the columns of a table that hold another one's primary key, and that table."""
        pairs = ((column, self.root(table, column)) for column in self._links.get(table, {}))
        return [(column, parent) for column, parent in pairs if parent]

    def linking(self) -> list[str]:
        """Return the tables that link two others."""
        return [
            table
            for table in sorted(self._links)
            if len({parent for _, parent in self.parents(table)}) >= LINKED
        ]

    def elsewhere(self, table: str, wanted: Mapping[str | None, str]) -> Iterator[tuple[str, str]]:
        """Return how other tables link the same ones: in words, and as an EXISTS.

        Args:
            table: which does not count.
            wanted: by table, the SQL of the key that is looked for.
        """
        for other in sorted(self._links):
            if other == table:
                continue
            near = {parent: f"l.{column}" for column, parent in self.parents(other)}
            if set(wanted) <= set(near):
                yield other, self._exists(f"{other} AS l", near, wanted)
                continue
            for column, parent in self.parents(other):
                beyond = {far: f"f.{there}" for there, far in self.parents(parent)}
                if set(wanted) <= set(near) | set(beyond):
                    join = f"{other} AS l JOIN {parent} AS f ON f.{self.key(parent)} = l.{column}"
                    yield f"{other} of {parent}", self._exists(join, {**beyond, **near}, wanted)

    @staticmethod
    def _exists(source: str, columns: Mapping[str, str], wanted: Mapping[str | None, str]) -> str:
        where = " AND ".join(
            f"{columns[table]} = {value}" for table, value in wanted.items() if table is not None
        )
        return f"EXISTS (SELECT FROM {source} WHERE {where})"
