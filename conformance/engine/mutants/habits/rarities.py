"""Seeds: an exemption by two columns at once, which some draws meet and others do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.mutants.habits.conditions import conditions, picked
from conformance.engine.mutants.habits.guards import guards

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Schema
    from conformance.engine.mutants.mutant import Mutant


def of(schema: Schema) -> Iterator[Mutant]:
    """Return for each guard, where there are two such columns, one that exempts by both."""
    for guard in guards(schema):
        found = conditions(schema, guard.table, guard.spoken)
        if len({each.column for each in found}) > 1:
            one = picked(f"{guard.name} one", found)
            rest = [each for each in found if each.column != one.column]
            other = picked(f"{guard.name} other", rest)
            both = " AND ".join(each.of(guard.row) for each in (one, other))
            yield guard.unless("exempted by two columns", both)
