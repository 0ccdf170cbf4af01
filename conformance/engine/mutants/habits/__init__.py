"""Faults that engineers write: exemptions, copied conditions, switches; a module for each class."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
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


def makers() -> Iterator[Callable[[Schema], Iterator[Mutant]]]:
    """Yield what makes the mutants of each class, which they name."""
    for habit in CLASSES:
        yield partial(_of, habit)


def _of(habit: str, schema: Schema) -> Iterator[Mutant]:
    return (replace(mutant, habit=habit) for mutant in CLASSES[habit](schema))
