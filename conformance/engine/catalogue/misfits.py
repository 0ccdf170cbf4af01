"""What a schema cannot take, whatever its rules say: the one place that tells it from a refusal.

Cases, machines, races and hostile runs ask here of each refusal, before any rule is blamed for it.
A schema may lack a table, a column, a function or a label, want a column that the domain does not
know, keep its ids in another type, or ask a key at once that may wait until COMMIT. Such a refusal
is neither for nor against a rule: what it was tried for is unproven, because of that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from conformance.engine.catalogue import labels as enum_labels
from conformance.engine.catalogue.inventory import NOT_NULL, is_foreign
from conformance.engine.catalogue.labels import Labels
from conformance.engine.domain.chosen import RULES, domain
from conformance.engine.machines.refusals import is_like_a_token
from conformance.engine.sql.outcomes import Outcome, Rejected

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from collections.abc import Set as AbstractSet

    from conformance.engine.database.session import Session

# What a type says of text that is none of its values.
NOT_A_VALUE: Final = "22P02"
# Classes of errors that only a declared key ends in: foreign, RESTRICT, unique, exclusion.
OF_KEYS: Final = frozenset({"23503", "23001", "23505", "23P01"})
RAISED: Final = "P0001"  # what RAISE says, if it is told nothing else
UUID: Final = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
TYPES: Final = """
SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL)
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_type AS b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
WHERE c.relnamespace = to_regnamespace('public') AND c.relkind IN ('r', 'p') AND a.attnum > 0
    AND NOT a.attisdropped AND b.oid <> 'uuid'::regtype AND b.typcategory <> 'S'
"""


@dataclass(frozen=True, slots=True)
class Misfits:
    """Where a schema differs from the domain in what it can take.

    Attributes:
        labels: how its enum types differ.
        ids: (table, column) -> its type, of columns that hold UUIDs in the domain and cannot here.
    """

    labels: Labels = field(default_factory=Labels)
    ids: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Session) -> Misfits:
        """Compare the schema of a database with the domain."""
        uuids = domain().uuids
        found = session.fetch(TYPES) if uuids else []
        types = {(str(table), str(column)): str(kind) for table, column, kind in found}
        return cls(
            enum_labels.compared(session),
            {place: kind for place, kind in types.items() if place[1] in uuids.get(place[0], ())},
        )

    def hindrance(self, outcome: Outcome, sql: str, about: AbstractSet[str] = frozenset()) -> str:
        """Say what could not take some SQL: a type, or a column unknown to the domain; or ''.

        Args:
            outcome: what became of it.
            sql: all of its transaction, with the data of a COPY.
            about: enum types that the trial is about: what these lack is theirs.
        """
        if not isinstance(outcome, Rejected):
            return ""
        if outcome.sqlstate == NOT_NULL and is_foreign(outcome):
            return f"{outcome.table}.{outcome.column}, which must be given"
        if outcome.sqlstate != NOT_A_VALUE:
            return ""
        ids = [place for place in self.ids if _has_word(sql, place[0])]
        if ids and UUID.search(sql):
            told = (f"{table}.{column} of type {self.ids[table, column]}" for table, column in ids)
            return f"{' and '.join(told)}, which takes no UUID"
        lacked = self.labels.lacked(sql)
        if not lacked or lacked & about:
            return ""
        return f"type {' and '.join(sorted(lacked))}, which lacks a label"

    def told(self, outcome: Outcome, sql: str, about: AbstractSet[str] = frozenset()) -> str:
        """Say in words that a schema cannot take some SQL, and why; '' where it can.

        Args:
            outcome: what became of it.
            sql: as for `hindrance`.
            about: likewise.
        """
        hindrance = self.hindrance(outcome, sql, about)
        if hindrance:
            return f"because of {hindrance}: {outcome}"
        return str(outcome) if isinstance(outcome, Rejected) and is_foreign(outcome) else ""


def another_key(outcome: Outcome, about: Collection[str]) -> str:
    """Return the rule by whose own key a violation of others was refused, or ''.

    A key that is asked at once refuses what comes and goes in a transaction. It says nothing of
    the rules that the transaction was to break.

    Args:
        outcome: what became of it.
        about: the rules that it breaks.
    """
    if not isinstance(outcome, Rejected) or outcome.sqlstate not in OF_KEYS:
        return ""
    whose = [rule.id for rule in RULES.values() if outcome.constraint in rule.enforced_by]
    return "" if set(whose) & set(about) else next(iter(whose), "")


def another_object(outcome: Outcome) -> str:
    """Return what refused a transaction, if it enforces no rule and is none of the domain's; or ''.

    Somebody else's check or key speaks for no rule. Who raises an error in no name is called by
    its SQLSTATE.
    """
    if not isinstance(outcome, Rejected):
        return ""
    name = outcome.constraint
    if not name:
        return f"what raises {RAISED}" if outcome.sqlstate == RAISED else ""
    known = f"constraint {outcome.table}.{name}"
    rules = RULES.values()
    of_rules = is_like_a_token(outcome.token) or any(name in each.enforced_by for each in rules)
    of_domain = any(fnmatchcase(known, pattern) for pattern in domain().beside)
    return "" if of_rules or of_domain else name


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", text) is not None
