"""The rules whose enforcement locks rows of others; their runs try the order of these locks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.engine.domain.chosen import RULES

if TYPE_CHECKING:
    from collections.abc import Collection

ORDER: Final = "LOCK ORDER"
LOCKING: Final = frozenset(
    {
        *("INV-T1", "INV-T2", "CARD-1", "INV-U2", "INV-I8", "PRIVACY-1", "PRIVACY-3"),
        *("STATE-JOB", "URN-2", "INV-X1", "ROLE-2", "CARD-5", "CARD-6"),
        *("AUTO-NUMBER", "SEQ-1", "SEQ-2", "RET-1", "AUTO-SLUG"),
    }
)


def locking(tables: Collection[str]) -> frozenset[str]:
    """Return those of them that speak of any of these tables."""
    return frozenset(
        rule for rule in LOCKING if rule in RULES and {*tables}.intersection(RULES[rule].tables)
    )


def near_order(rules: Collection[str]) -> frozenset[str]:
    """Return those that share a table with a race of these rules, if it tries an order of locks."""
    if ORDER not in rules:
        return frozenset()
    return locking({table for rule in rules if rule in RULES for table in RULES[rule].tables})
