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
            run, differing = new_run(), list[str]()
            try:
                _lead(run, record, way, differing)
            except Finding as found:
                if found == finding and sum(map(len, run.record)) <= sum(map(len, record)):
                    return found, run.record
            except LookupError:
                continue  # what it spoke of is not there any more
            if not differing:
                return None  # the other ways do the same
        return None

    return make


def in_parts(record: RunRecord) -> RunRecord:
    """Return a record with what its setup does as operations that can be left out singly."""
    if not record or record[0][0][0] is not BEGIN:
        return record
    like, _, _ = record[0][0][1]["like"]
    begun = tuple((recorded(*each),) for each in parts(State(), like))
    return (*begun, *record[1:])


def _lead(run: MachineRun, record: RunRecord, way: str, differing: list[str]) -> None:
    """Make a run along a way, and note which arguments are not the same along each."""
    for transaction in record:
        state, steps = run.state, []
        for operation, places in transaction:
            if operation is BEGIN:
                arguments = {name: value for name, (value, _, _) in places.items()}
            else:
                choices = {name: operation.takes[name](state) for name in places}
                differing += (
                    name for name, place in places.items() if _differs(choices[name], place)
                )
                arguments = {
                    name: _found(choices[name], place, way) for name, place in places.items()
                }
            planned = run.plan(state, operation, arguments)
            if planned is not None:
                steps.append(planned)
                state = planned.after
        if steps:
            run.commit(steps)


def _differs(choices: Sequence[Any], place: tuple[Any, int, int]) -> bool:
    """Return whether a way gives an argument another value than the first, or none."""
    try:
        first, *others = (_found(choices, place, way) for way in WAYS)
    except LookupError:
        return True
    return any(other != first for other in others)


def _found(choices: Sequence[Any], place: tuple[Any, int, int], way: str) -> Any:
    """Return what an argument is now; raises LookupError where there is no such thing."""
    value, at, of = place
    if at < 0:
        return value  # it was not chosen from them then
    if way == "value":
        return choices[list(choices).index(value)] if value in choices else choices[at]
    return choices[at if way == "newest" else max(len(choices) - of + at, 0)]
