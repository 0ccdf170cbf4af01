"""Caps: of some rows, no more than so many belong to one parent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping  # noqa: TC003 - fields of a dataclass
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class AtMost:
    """A cap on the rows that count for one parent.

    The same set is declared twice, for a database and for the model, and every run compares them.

    Attributes:
        most: rows that one parent may have.
        rows: their table with an alias, and what is joined to it, as SQL after FROM.
        per: the parent of a row, as SQL; rows without one do not count.
        where: what makes a row count, as SQL; '' where every row does.
        counted: the parents of the rows that count in a state of the model, once for each row; None
            without a model.
        sifted: whether parents that have so many rows at all are looked for first: these are few,
            and an index alone can tell.
        also: tables that are joined.
        out: legal changes by which a row that was inserted ceases to count.
        back: pairs of such a change and another one, by which the row counts again.
    """

    most: int
    rows: str
    per: str
    counted: Callable[[Any], Iterable[object]] | None = field(default=None, repr=False)
    where: str = ""
    sifted: bool = False
    also: tuple[str, ...] = ()
    out: tuple[Mapping[str, object], ...] = field(default=(), hash=False)
    back: tuple[tuple[Mapping[str, object], Mapping[str, object]], ...] = field(
        default=(), hash=False
    )

    @property
    def table(self) -> str:
        """The table whose rows are counted."""
        return self.rows.split()[0]

    @property
    def parent(self) -> str:
        """The column that holds the parent of a row."""
        return self.per.rpartition(".")[2]

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that the rule speaks of."""
        return (self.table, *self.also)

    @property
    def near(self) -> tuple[int, ...]:
        """The counts around the cap that a run must have seen: below, at, and above it."""
        return tuple(n for n in (self.most - 1, self.most, self.most + 1) if n)

    @property
    def full(self) -> str:
        """A query for how many rows count for each parent that has nearly as many as it may."""
        where = " AND ".join(part for part in (self.where, f"{self.per} IS NOT NULL") if part)
        counted = f"SELECT count(*) FROM {self.rows} WHERE {where} GROUP BY {self.per}"
        return f"{counted} HAVING count(*) >= {self.most - 1}"

    @property
    def violations(self) -> str:
        """A query for the parents that have too many rows, as text."""
        per = f"({self.per})" if " " in self.per else self.per
        over = f"GROUP BY {per} HAVING count(*) > {self.most}"
        sift = [f"{per} IN (SELECT {per} FROM {self.rows} {over} OFFSET 0)"] if self.sifted else []
        counted = [self.where] if self.where else []
        where = " AND ".join((*counted, f"{per} IS NOT NULL", *sift))
        return f"SELECT {per}::text FROM {self.rows} WHERE {where} {over}"

    def counts(self, state: object) -> Counter[object]:
        """Return how many rows count for each parent in a state of the model."""
        return Counter(() if self.counted is None else self.counted(state))

    @property
    def model(self) -> Callable[[Any], bool] | None:
        """Return whether a state of the model breaks it; None without a model."""
        return None if self.counted is None else self.is_broken

    def is_broken(self, state: object) -> bool:
        """Return whether a parent has too many rows in a state of the model."""
        return any(count > self.most for count in self.counts(state).values())
