"""An exemption by another column: a guard lets pass what another column of the row says.

A CHECK is exempted by one condition on the row (a label, a null, a value that is or is not the
default), every other guard by at most two and, where it guards updates, by one column that the same
UPDATE changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.mutants.habits.conditions import changes, conditions, one_of_each
from conformance.engine.mutants.habits.guards import fixed, guards

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Schema
    from conformance.engine.mutants.mutant import Mutant

OF_CHECK, OF_OTHERS = 1, 2  # conditions


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants of all guards that exempt by another column."""
    for guard in guards(schema):
        of_row = conditions(schema, guard.table, guard.spoken)
        for each in one_of_each(guard.name, of_row, OF_OTHERS if guard.row else OF_CHECK):
            yield guard.unless(f"exempted by a {each.kind}", each.of(guard.row))
        if guard.after is not None:
            spoken = f"{guard.spoken} {fixed(schema, guard.table)}"
            of_change = changes(schema, guard.table, spoken)
            for each in one_of_each(guard.name, of_change, 1):
                yield guard.after("exempted by a change", each.of())
