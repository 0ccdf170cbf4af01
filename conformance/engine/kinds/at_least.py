"""Floors: of some rows, no fewer than so many belong to each parent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping  # noqa: TC003 - fields of a dataclass
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A floor under the rows that count for one parent, at the end of each transaction.

    Attributes:
        least: rows that each parent must have.
        rows: their table with an alias, as SQL after FROM.
        per: the column of a row that names its parent, with the alias.
        parents: the parents' table with an alias.
        key: the column of a parent that `per` names.
        where: what makes a row count, as SQL; '' where every row does.
        among: which parents must have them, as SQL; '' where all must.
        counted: the parents of the rows that count in a state of the model, once for each row; None
            without a model.
        needing: the parents that must have them in a state of the model.
        inside: values of a row by which it counts.
        out: legal changes by which a row that counted ceases to.
        needy: values of a parent by which it must have them.
    """

    least: int
    rows: str
    per: str
    parents: str
    key: str = "id"
    where: str = ""
    among: str = ""
    counted: Callable[[Any], Iterable[object]] | None = field(default=None, repr=False)
    needing: Callable[[Any], Iterable[object]] | None = field(default=None, repr=False)
    inside: Mapping[str, object] = field(default_factory=dict, hash=False)
    out: tuple[Mapping[str, object], ...] = field(default=(), hash=False)
    needy: Mapping[str, object] = field(default_factory=dict, hash=False)

    @property
    def table(self) -> str:
        """The table whose rows are counted."""
        return self.rows.split()[0]

    @property
    def parent(self) -> str:
        """The table of the parents."""
        return self.parents.split()[0]

    @property
    def column(self) -> str:
        """The column of a row that names its parent."""
        return self.per.rpartition(".")[2]

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that the rule speaks of."""
        return (self.parent, self.table)

    @property
    def violations(self) -> str:
        """A query for the parents that have too few rows, as text."""
        parent = f"{self.parents.split()[-1]}.{self.key}"
        own = " AND ".join(part for part in (f"{self.per} = {parent}", self.where) if part)
        few = (
            f"NOT EXISTS (SELECT FROM {self.rows} WHERE {own})"
            if self.least == 1
            else f"(SELECT count(*) FROM {self.rows} WHERE {own}) < {self.least}"
        )
        where = " AND ".join(part for part in (self.among, few) if part)
        return f"SELECT {parent}::text FROM {self.parents} WHERE {where}"

    @property
    def model(self) -> Callable[[Any], bool] | None:
        """Return whether a state of the model breaks it; None without a model."""
        return None if self.counted is None or self.needing is None else self.is_broken

    def is_broken(self, state: object) -> bool:
        """Return whether a parent has too few rows in a state of the model."""
        counts = Counter(() if self.counted is None else self.counted(state))
        needing = () if self.needing is None else self.needing(state)
        return any(counts[parent] < self.least for parent in needing)

    def asks(self, parent: Mapping[str, object]) -> bool:
        """Return whether a row of the parents' table must have such rows, as far as is known."""
        if self.among and not self.needy:
            return False
        return all(parent.get(name) == value for name, value in self.needy.items())

    def named(self, parent: Mapping[str, object]) -> dict[str, object]:
        """Return what a row has that counts for a parent."""
        return {**self.inside, self.column: parent[self.key]}
