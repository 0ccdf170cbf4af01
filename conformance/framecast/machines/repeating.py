"""Making a run again of what another one did.

What later operations spoke of is found again by its value, or by its place among the newest or the
oldest: operations before them may have been left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.engine.cases.verdicts import Finding
from conformance.framecast.model import State
from conformance.framecast.operations.run_record import recorded
from conformance.framecast.operations.setups import BEGIN, parts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.engine.machines.shortening import Again
    from conformance.framecast.machines.run import MachineRun
    from conformance.framecast.operations.run_record import RunRecord

WAYS = ("value", "newest", "oldest")


def repeating(finding: Finding, new_run: Callable[[], MachineRun]) -> Again:
    """Return what makes a run again, in each way until one ends with the same finding."""

    def make(record: RunRecord) -> tuple[Finding, RunRecord] | None:
        for way in WAYS:
            run = new_run()
            try:
                _lead(run, record, way)
            except Finding as found:
                if found == finding and sum(map(len, run.record)) <= sum(map(len, record)):
                    return found, run.record
            except LookupError:
                continue  # what it spoke of is not there any more
        return None

    return make


def in_parts(record: RunRecord) -> RunRecord:
    """Return a record with what its setup does as operations that can be left out singly."""
    if not record or record[0][0][0] is not BEGIN:
        return record
    like, _, _ = record[0][0][1]["like"]
    begun = tuple((recorded(*each),) for each in parts(State(), like))
    return (*begun, *record[1:])


def _lead(run: MachineRun, record: RunRecord, way: str) -> None:
    for transaction in record:
        state, steps = run.state, []
        for operation, places in transaction:
            if operation is BEGIN:
                arguments = {name: value for name, (value, _, _) in places.items()}
            else:
                arguments = {
                    name: _found(operation.takes[name](state), place, way)
                    for name, place in places.items()
                }
            planned = run.plan(state, operation, arguments)
            if planned is not None:
                steps.append(planned)
                state = planned.after
        if steps:
            run.commit(steps)


def _found(choices: Sequence[Any], place: tuple[Any, int, int], way: str) -> Any:
    """Return what an argument is now; raises LookupError where there is no such thing."""
    value, at, of = place
    if at < 0:
        return value  # it was not chosen from them then
    if way == "value":
        return choices[list(choices).index(value)] if value in choices else choices[at]
    return choices[at if way == "newest" else max(len(choices) - of + at, 0)]
