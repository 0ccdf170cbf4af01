"""What the catalogue says of a rule."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Holds(StrEnum):
    """When a rule holds."""

    ALWAYS = "always"  # of the committed data, after every commit
    ON_WRITE = "on write"  # when the row is inserted, or a named column changes
    TRANSITION = "transition"  # between the row before and after an update or delete
    DERIVED = "derived"  # computed by the database, or done by it


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the domain, once.

    Attributes:
        id: as the domain has it, such as `INV-T2`.
        statement: the rule in words.
        tables: the tables whose rows it speaks of.
        holds: when it holds.
        enforced_by: what enforces it: names that rejections carry in their diagnostics, then, where
            there is none to carry, `type …`, `trigger …`, `function …` or `key …`.
        violations: a query for the keys, as one text column, of the rows that break it. It reads
            real rows, never the schema's own bookkeeping. A rule on writes or transitions leaves no
            trace in rows: its query reads `conformance.changes`, which the suite keeps on its own
            databases, or `conformance.fresh`, those that were not judged yet: each violation must
            then come from one of these.
    """

    id: str
    statement: str
    tables: tuple[str, ...]
    holds: Holds
    enforced_by: tuple[str, ...]
    violations: str

    @property
    def token(self) -> str:
        """Return what the names of everything that belongs to the rule begin with."""
        return self.id.lower().replace("-", "_") + "__"

    @property
    def tokens(self) -> frozenset[str]:
        """Return the tokens that name the rule in a rejection: its own, and its enforcement's."""
        named = (name.partition("__") for name in self.enforced_by if " " not in name)
        return frozenset({self.token, *(head + mark for head, mark, _ in named)})

    @property
    def types(self) -> frozenset[str]:
        """Return the types that refuse what would break the rule, without a constraint's name."""
        return frozenset(
            name.removeprefix("type ") for name in self.enforced_by if name.startswith("type ")
        )

    @property
    def in_rows(self) -> bool:
        """Whether committed rows alone show that the rule is broken."""
        return "conformance." not in self.violations

    @property
    def of_rows(self) -> str:
        """Return those parts of `violations` that committed rows alone can answer, or ''."""
        parts = self.violations.split(" UNION ALL ")
        return " UNION ALL ".join(part for part in parts if "conformance." not in part)


def repeated(table: str, *columns: str) -> str:
    """Return a query for the rows of a table that share all of some columns with another row."""
    key = ", ".join(columns)
    again = f"SELECT {key} FROM {table} GROUP BY {key} HAVING count(*) > 1 OFFSET 0"
    return f"SELECT id::text FROM {table} WHERE ({key}) IN ({again})"


def dangling(table: str, column: str, parent: str, *, null: bool = True) -> str:
    """Return a query for the rows of a table whose column names no row of another.

    Args:
        table: whose rows are looked at.
        column: where the other's id stands.
        parent: the other table.
        null: whether a null names none; else it is another rule's.
    """
    # What is missing is looked for among the values alone, which indexes have in order: OFFSET 0
    # keeps the rows, which are many and wide, out of that.
    missing = (
        f"SELECT c.{column} FROM {table} c"
        f" WHERE NOT EXISTS (SELECT FROM {parent} p WHERE p.id = c.{column}) OFFSET 0"
    )
    found = f"SELECT id::text FROM {table} WHERE {column} IN ({missing})"
    if not null:
        return found
    return f"{found} UNION ALL SELECT id::text FROM {table} WHERE {column} IS NULL"


def unowned(table: str) -> str:
    """Return a query for the rows of a table that are not owned by their project's team."""
    # As above: project and owner stand in an index together. Each project's owner is made once.
    wrong = (
        f"SELECT c.project_id, c.owner::text FROM {table} c WHERE c.project_id IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM"
        " (SELECT id, 'framecast:team:' || team_id::text AS owner FROM projects OFFSET 0) p"
        " WHERE p.id = c.project_id AND p.owner = c.owner::text) OFFSET 0"
    )
    return (
        f"SELECT id::text FROM {table} WHERE project_id IS NOT NULL AND owner IS NULL UNION ALL"
        f" SELECT id::text FROM {table} WHERE (project_id, owner::text) IN ({wrong})"
    )
