"""Making a run that failed as short as it can be.

Hypothesis shrinks the numbers that it drew, and knows nothing of what they mean: leave out a step,
and the draws of all later steps move. It took minutes, and left steps in that had no part in the
failure. What a run did is data, so steps are left out here by what they mean instead: a run is made
again without a step, and judged like any other run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from conformance.engine.cases.verdicts import Finding

    # Of a run, its transactions, and what each of them did.
    Record: TypeAlias = tuple[tuple[Any, ...], ...]
    # Makes a run again; returns what it found, and what it did then. None for nothing.
    Again: TypeAlias = Callable[[Any], "tuple[Finding, Any] | None"]


def shortest(finding: Finding, record: Record, again: Again) -> Finding:
    """Return the same finding, by rule, from a run of which nothing more can be left out."""
    progress = True
    while progress:
        progress = False
        for shorter in _shorter(record):
            found = again(shorter)
            if found is not None and found[0] == finding and _size(found[1]) <= _size(record):
                finding, record = found
                progress = True
                break
    # Once more, so that what the session remembers is this run and no attempt after it.
    last = again(record)
    return last[0] if last is not None and last[0] == finding else finding


def _size(record: Record) -> int:
    return sum(map(len, record))


def _shorter(record: Record) -> Iterator[Record]:
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
