"""The catalogue's entry for a rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from conformance.engine.kinds.check import Required

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.engine.kinds.kind import Kind


class Holds(StrEnum):
    """When a rule holds."""

    ALWAYS = "always"  # of the committed data, after every commit
    ON_WRITE = "on write"  # when the row is inserted, or a named column changes
    TRANSITION = "transition"  # between the row before and after an update or delete
    DERIVED = "derived"  # computed by the database, or done by it


def token_of(rule: str) -> str:
    """Return what the names of everything that belongs to a rule begin with."""
    return rule.lower().replace("-", "_") + "__"


@dataclass(frozen=True)
class Rule:
    """One rule of the domain, once.

    Attributes:
        id: as the domain has it, such as `INV-T2`.
        statement: the rule in words.
        tables: the tables whose rows it speaks of.
        holds: when it holds.
        enforced_by: what enforces it: names that rejections carry in their diagnostics, then, where
            there is none to carry, `type …`, `column table.column` (not null), `trigger …`,
            `function …` or `key …`. A name without a token, such as `orders_total_check`, stands
            for itself alone.
        violations: a query for the keys, as one text column, of the rows that break it. It reads
            real rows, never the schema's own bookkeeping. A rule on writes or transitions leaves no
            trace in rows: its query reads `conformance.changes`, which the suite keeps on its own
            databases, or `conformance.fresh`, those that were not judged yet: each violation must
            then come from one of these.
        at_scale: the same rows, where that query is slow on a full database; or ''. It may read
            columns that checks hold to what they are derived from, for those have indexes. Whether
            the checks are there, and were asked of all rows, the audit asks beside it.
        model: whether a state of the model breaks the rule; None where the model cannot say.
        kind: the declaration from which the query and the judgement in the model follow; None where
            these are written by hand.
        locks: whether what enforces it locks rows of others, so that its runs try the order in
            which it does. A test asks the schema.
    """

    id: str
    statement: str
    tables: tuple[str, ...]
    holds: Holds
    enforced_by: tuple[str, ...]
    violations: str
    at_scale: str = ""
    model: Callable[[Any], bool] | None = field(default=None, repr=False)
    kind: Kind | None = None
    locks: bool = False

    @classmethod
    def of(  # noqa: PLR0913 - all that a rule is made of
        cls,
        rule: str,
        statement: str,
        kind: Kind,
        enforced_by: tuple[str, ...] = (),
        holds: Holds | None = None,
        *,
        locks: bool = False,
    ) -> Rule:
        """Return the rule that a declaration of a kind makes.

        Args:
            rule: its id.
            statement: the rule in words.
            kind: the declaration.
            enforced_by: as the attribute; without it, what begins with the rule's token, or the
                columns that a `Required` names.
            holds: as the attribute; without it, a transition where the query asks for changes.
            locks: as the attribute.
        """
        if holds is None:
            changes = "conformance." in kind.violations
            holds = Holds.TRANSITION if changes else Holds.ALWAYS
        return cls(
            rule,
            statement,
            kind.tables,
            holds,
            enforced_by or (kind.enforced_by if isinstance(kind, Required) else (token_of(rule),)),
            kind.violations,
            model=kind.model,
            kind=kind,
            locks=locks,
        )

    @cached_property
    def token(self) -> str:
        """Return what the names of everything that belongs to the rule begin with."""
        return token_of(self.id)

    @cached_property
    def tokens(self) -> frozenset[str]:
        """Return the tokens that name the rule in a rejection: its own, and its enforcement's."""
        named = (name.partition("__") for name in self.enforced_by if _has_token(name))
        return frozenset({self.token, *(head + mark for head, mark, _ in named)})

    def is_exactly(self, constraint: str, table: str) -> bool:
        """Return whether a constraint that has no token in its name is what enforces it.

        Args:
            constraint: its name.
            table: where it is; '' of a type.
        """
        return constraint in self.enforced_by and table in ("", *self.tables)

    def needs(self, table: str, column: str) -> bool:
        """Return whether it asks that a column is never null."""
        return f"column {table}.{column}" in self.enforced_by

    @cached_property
    def types(self) -> frozenset[str]:
        """Return the types that refuse what would break the rule, without a constraint's name."""
        return frozenset(
            name.removeprefix("type ") for name in self.enforced_by if name.startswith("type ")
        )

    @property
    def in_rows(self) -> bool:
        """Return whether committed rows alone show that the rule is broken."""
        return "conformance." not in self.violations

    @property
    def of_rows(self) -> str:
        """Return what a full database is asked: the parts that rows alone can answer, or ''."""
        parts = (self.at_scale or self.violations).split(" UNION ALL ")
        return " UNION ALL ".join(part for part in parts if "conformance." not in part)


def _has_token(name: str) -> bool:
    return " " not in name and "__" in name
