"""The rules whose enforcement locks rows of others; their runs try the order of these locks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.engine.domain.chosen import RULES

if TYPE_CHECKING:
    from collections.abc import Collection

ORDER: Final = "LOCK ORDER"
LOCKING: Final = frozenset(rule.id for rule in RULES.values() if rule.locks)


def locking(tables: Collection[str]) -> frozenset[str]:
    """Return those of them that speak of any of these tables."""
    return frozenset(rule for rule in LOCKING if {*tables}.intersection(RULES[rule].tables))


def near_order(rules: Collection[str]) -> frozenset[str]:
    """Return those that share a table with a race of these rules, if it tries an order of locks."""
    if ORDER not in rules:
        return frozenset()
    return locking({table for rule in rules if rule in RULES for table in RULES[rule].tables})
