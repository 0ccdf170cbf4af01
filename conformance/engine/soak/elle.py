"""The history of a load for Elle, a checker of isolation, as registers that are read and written.

A line is an operation as Jepsen has it, in EDN: first that a transaction is asked for, later that
it is done. A register is a row; its values are the numbers of the transactions that wrote it, so
that each is written once. What was committed by somebody of whom nothing more is known, such as
the rows that a load begins with, stays open (`:info`): Elle takes it for committed once it is read.

Source: the documentation of Elle, "rw-register". No checker of its own has read such a file yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from conformance.engine.soak.reads import Record, Row

INVOKED, DONE, OPEN = ":invoke", ":ok", ":info"
NANOSECONDS: Final = 1_000_000_000
OTHERS: Final = 1_000_000  # and above: processes of whose transactions there is no record


def lines(records: Sequence[Record], versions: Mapping[Row, Sequence[int]]) -> Iterator[str]:
    """Yield the operations of a history, in the order of their times.

    Args:
        records: the transactions that are known to have committed.
        versions: by row, the transactions that wrote it, in order.
    """
    wrote: dict[int, list[Row]] = {}
    for row, writers in versions.items():
        for xid in dict.fromkeys(writers):
            wrote.setdefault(xid, []).append(row)
    start = min((record.began for record in records), default=0.0)
    known = {record.xid for record in records}
    others = list(enumerate(sorted(wrote.keys() - known), start=OTHERS))
    end = max((record.ended for record in records), default=start) - start
    told = [(0.0, INVOKED, process, _value((), xid, wrote[xid])) for process, xid in others]
    for record in records:
        reads, writes = record.reads.items(), wrote.get(record.xid, ())
        asked = _value([(row, None) for row, _ in reads], record.xid, writes)
        got = _value(reads, record.xid, writes)
        told.append((record.began - start, INVOKED, record.client, asked))
        told.append((record.ended - start, DONE, record.client, got))
    told += [(end, OPEN, process, _value((), xid, wrote[xid])) for process, xid in others]
    # Who answers and asks at the same moment has answered first.
    told.sort(key=lambda each: (each[0], each[1] == INVOKED))
    for index, (at, kind, process, value) in enumerate(told):
        yield (
            f"{{:index {index}, :time {round(at * NANOSECONDS)}, :type {kind},"
            f" :process {process}, :f :txn, :value [{value}]}}"
        )


def _value(reads: Iterable[tuple[Row, int | None]], xid: int, writes: Iterable[Row]) -> str:
    parts = [
        *(f"[:r {_key(row)} {'nil' if seen is None else seen}]" for row, seen in reads),
        *(f"[:w {_key(row)} {xid}]" for row in writes),
    ]
    return " ".join(parts)


def _key(row: Row) -> str:
    return f'"{"/".join(row)}"'
