"""Making a run that failed as short as it can be.

Hypothesis shrinks the numbers that it drew, and knows nothing of what they mean: leave out a step,
and the draws of all later steps move. It took minutes, and left steps in that had no part in the
failure. Operations are data, so they are left out here by what they mean instead: a run is made
again without a step, and what later steps spoke of is found again by its value, or by its place
among the newest or the oldest. Every attempt is judged like any other run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.engine.cases.verdicts import Finding
from conformance.framecast.operations.setups import BEGIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from conformance.framecast.machines.run import MachineRun
    from conformance.framecast.operations.run_record import RunRecord

WAYS = ("value", "newest", "oldest")


def shortest(finding: Finding, record: RunRecord, new_run: Callable[[], MachineRun]) -> Finding:
    """Return the same finding, by rule, from a run of which nothing more can be left out."""
    progress = True
    while progress:
        progress = False
        for shorter in _shorter(record):
            found = _first(finding, shorter, new_run)
            if found is not None:
                finding, record = found
                progress = True
                break
    # Once more, so that what the session remembers is this run and no attempt after it.
    again = _first(finding, record, new_run)
    return again[0] if again else finding


def _first(
    finding: Finding, record: RunRecord, new_run: Callable[[], MachineRun]
) -> tuple[Finding, RunRecord] | None:
    """Make a run in each way until one fails alike, and return what failed and how."""
    for way in WAYS:
        run = new_run()
        try:
            _lead(run, record, way)
        except Finding as again:
            if again == finding and _size(run.record) <= _size(record):
                return again, run.record
        except LookupError:
            continue  # what it spoke of is not there any more
    return None


def _size(record: RunRecord) -> int:
    return sum(map(len, record))


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
    if way == "value":
        return choices[list(choices).index(value)] if value in choices else choices[at]
    return choices[at if way == "newest" or at < 0 else max(len(choices) - of + at, 0)]


def _shorter(record: RunRecord) -> Iterator[RunRecord]:
    """Return the record with less: half of it gone, one transaction, one operation of several."""
    size = len(record)
    last = record[-1:]
    for length in (size // 2, size // 4):
        if length > 1:
            for start in range(size - 1 - length, -1, -length):
                yield (*record[:start], *record[start + length : -1], *last)
    for at in reversed(range(size)):
        yield (*record[:at], *record[at + 1 :])
    for at, transaction in enumerate(record):
        if len(transaction) > 1:
            for which in range(len(transaction)):
                less = (*transaction[:which], *transaction[which + 1 :])
                yield (*record[:at], less, *record[at + 1 :])
