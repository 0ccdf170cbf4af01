"""Conventions of a schema: where its objects lie, how it refuses, and what it keeps for itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Book(NamedTuple):
    """A table that triggers of the schema keep, of another table's rows.

    Attributes:
        table: with its schema.
        kept_of: the other table, in `public`.
        fault: in words, why it matters that something is missing.
        missing: a query of the keys, as text, that it lacks or has wrongly.
    """

    table: str
    kept_of: str
    fault: str
    missing: str


@dataclass(frozen=True, slots=True)
class Conventions:
    """The ways in which a schema is written, as far as the engine has to know them.

    Attributes:
        helpers: schemas beside `public` which hold functions and books of its own, for nobody else.
        reject: the function by which triggers refuse, with its schema: it takes the name of what
            refuses, then the table, then what people read; '' for none.
        books: what triggers keep, and a restore or a replica may leave behind.
        on_purpose: (place, what it reads) -> why a guard may decide by what is no row.
        rights: ids of the rules that rest on rights.
        functions: SQL of functions in the schema `conformance` which queries of rules call.
    """

    helpers: tuple[str, ...] = ()
    reject: str = ""
    books: tuple[Book, ...] = ()
    on_purpose: Mapping[tuple[str, str], str] = field(default_factory=dict)
    rights: tuple[str, ...] = ()
    functions: str = ""

    @property
    def schemas(self) -> tuple[str, ...]:
        """The schemas that it lives in."""
        return ("public", *self.helpers)

    @property
    def own(self) -> str:
        """The schema of functions that are nobody else's; `public` where it has no other."""
        return self.schemas[-1]

    @property
    def rejection(self) -> str:
        """The text with which a refusal by `reject` begins; where there is none, one of no SQL."""
        return f"{self.reject}(" if self.reject else "\1"

    def placed(self, query: str) -> str:
        """Return a query with the schemas in place of `OUR SCHEMAS` and `HELPER SCHEMAS`."""
        return query.replace("OUR SCHEMAS", _listed(self.schemas)).replace(
            "HELPER SCHEMAS", _listed(self.helpers)
        )


def _listed(names: Iterable[str]) -> str:
    """Return literals in parentheses; where there is none, one that is no schema's name."""
    return f"({', '.join(repr(name) for name in names) or repr('')})"
