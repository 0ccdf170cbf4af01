"""Making a run that failed as short as it can be.

Hypothesis shrinks the numbers that it drew, and knows nothing of what they mean: leave out a step,
and the draws of all later steps move. It took minutes, and left steps in that had no part in the
failure. What a run did is data, so steps are left out here by what they mean instead: a run is made
again without a step, and judged like any other run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from conformance.engine.cases.verdicts import Finding

    # Of a run, its transactions, and what each of them did.
    Record: TypeAlias = tuple[tuple[Any, ...], ...]
    # Makes a run again; returns what it found, and what it did then. None for nothing.
    Again: TypeAlias = Callable[[Any], "tuple[Finding, Any] | None"]


def shortest(finding: Finding, record: Record, again: Again) -> Finding:
    """Return the same finding, by rule, from a run of which nothing more can be left out."""
    size = None
    while size != _size(record):
        size = _size(record)
        for length in (len(record) // 2, len(record) // 4, 1):
            finding, record = _without_parts(finding, record, again, length)
        finding, record = _without_operations(finding, record, again)
    # Once more, so that what the session remembers is this run and no attempt after it.
    last = again(record)
    return last[0] if last is not None and last[0] == finding else finding


def _size(record: Record) -> int:
    return sum(map(len, record))


def _without_parts(
    finding: Finding, record: Record, again: Again, length: int
) -> tuple[Finding, Record]:
    """Leave out, from the end on, each part of so many transactions that nothing needs."""
    at = len(record) - length - (length > 1)  # what failed came last
    while length and at >= 0:
        less = (*record[:at], *record[at + length :])
        finding, record = _shorter(finding, record, less, again)
        at = min(at, len(record)) - length
    return finding, record


def _without_operations(finding: Finding, record: Record, again: Again) -> tuple[Finding, Record]:
    """Leave out each operation that nothing needs, of transactions with several."""
    places = [(at, which) for at, each in enumerate(record) for which in range(len(each))]
    for at, which in reversed(places):
        if at >= len(record) or not 1 < len(record[at]) > which:
            continue  # went with another one
        others = (*record[at][:which], *record[at][which + 1 :])
        less = (*record[:at], others, *record[at + 1 :])
        finding, record = _shorter(finding, record, less, again)
    return finding, record


def _shorter(
    finding: Finding, record: Record, less: Record, again: Again
) -> tuple[Finding, Record]:
    """Return what a run with less has found and done, if it finds the same; or else this run."""
    found = again(less)
    if found is not None and found[0] == finding and _size(found[1]) < _size(record):
        return found
    return finding, record
