"""Faults that engineers write: exemptions, copied conditions, switches; a module for each class."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.engine.mutants.habits import (
    assignments,
    clocks,
    comparisons,
    exemptions,
    hangs,
    messages,
    pasts,
    properties,
    quantities,
    rarities,
    rights,
    row_kinds,
    switches,
    waits,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.engine.catalogue.schema import Schema
    from conformance.engine.mutants.mutant import Mutant

RIGHTS = "rights"
# The classes, each with what makes its mutants. To add one, add a module and a line here.
CLASSES: dict[str, Callable[[Schema], Iterator[Mutant]]] = {
    "an exemption by another column": exemptions.of,
    "rows of one kind only": row_kinds.of,
    "actors with a past": pasts.of,
    "waiting": waits.of,
    "a hang is no failure": hangs.of,
    "messages": messages.of,
    "seeds": rarities.of,
    "order and quantity": quantities.of,
    "the same call again": properties.of,
    "time and zones": clocks.of,
    "patterns, case, collation": comparisons.of,
    "switches": switches.of,
    "assignment of a watched column": assignments.of,
    RIGHTS: rights.of,
}


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants of all classes, each with its class."""
    for habit, make in CLASSES.items():
        for mutant in make(schema):
            yield replace(mutant, habit=habit)
