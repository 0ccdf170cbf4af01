"""Summary of a soak: in lines, and whether it shows anything at all."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from conformance.engine.soak import violation_queries
from conformance.framecast.soak.client import RETRIES
from conformance.framecast.soak.drawing import DONE, LEVELS, TABLES_WRITTEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.framecast.soak.run import Report

NOTES = 8  # told in full, one of each subject
ANSWERS = ("accepted", "rejected", "inconclusive")


def unproven(report: Report) -> list[str]:
    """Say what a run did not exercise, though it should have."""
    seen = [client.seen for client in report.clients]
    written = {table for each in seen for table in each.tables}
    levels = {level for each in seen for level in each.levels}
    missed = [
        *(f"no accepted write to {table}" for table in TABLES_WRITTEN if table not in written),
        *(f"nothing accepted at {level.lower()}" for level in LEVELS if level not in levels),
    ]
    if not any(each.refusals for each in seen):
        missed.append("nothing was rejected by a rule")
    if report.plan.kill and not report.recoveries:
        missed.append("the server was never killed and started again")
    return missed


def holds(report: Report) -> bool:
    """Return whether nothing was found, and that says something."""
    return not report.shared.faults.counts and not unproven(report)


def lines(report: Report) -> Iterator[str]:
    """Tell of a run, line by line."""
    yield from _operations(report)
    yield from _times(report)
    rows = ", ".join(f"{count:,} {table}" for table, count in report.rows.items())
    yield f"rows at the end: {rows or 'not counted'}"
    for missed in unproven(report):
        yield f"unproven: {missed}"
    faults = report.shared.faults
    for (kind, subject), count in sorted(faults.counts.items()):
        yield f"FAULT {kind}: {subject} ({count:,} times)"
    notes = Counter(f"{fault.kind}: {fault.subject}" for fault in faults.noted)
    for note, count in notes.most_common(NOTES):
        yield f"no fault, but {note} ({count:,} times)"
    if len(notes) > NOTES:
        rest = sum(count for _, count in notes.most_common()[NOTES:])
        yield f"no fault, but {rest:,} more such, in {len(notes) - NOTES:,} ways"
    told = list({fault.subject: fault for fault in faults.noted}.values())[:NOTES]
    for fault in (*faults.kept, *told):
        yield ""
        yield from str(fault).splitlines()


def verdict(report: Report) -> str:
    """Say in a line what came of it."""
    found = sum(report.shared.faults.counts.values())
    if found:
        return f"{found:,} faults"
    return "unproven" if unproven(report) else "held"


def operations(report: Report) -> Counter[tuple[str, str]]:
    """Count operations by kind and answer."""
    total: Counter[tuple[str, str]] = Counter()
    for client in report.clients:
        total.update(client.seen.operations)
    return total


def _operations(report: Report) -> Iterator[str]:
    total = operations(report)
    names = [operation.name for operation in DONE]
    width = max(map(len, names))
    answers = (*ANSWERS, *(("connection lost",) if report.plan.kill else ()))
    yield " " * width + "".join(f"{answer:>16}" for answer in answers)
    for name in names:
        counts = "".join(f"{total[name, answer]:>16,}" for answer in answers)
        yield f"{name:<{width}}{counts}"
    sums = [sum(total[name, answer] for name in names) for answer in answers]
    yield f"{'in all':<{width}}" + "".join(f"{count:>16,}" for count in sums)


def _times(report: Report) -> Iterator[str]:
    done = sum(operations(report).values())
    yield (
        f"{done:,} operations of {report.plan.clients} clients in {report.seconds:.1f} s,"
        f" {done / max(report.seconds, 0.001):,.0f} a second"
    )
    states: Counter[tuple[str, str]] = Counter()
    levels: Counter[str] = Counter()
    for client in report.clients:
        states.update(client.seen.states)
        levels.update(client.seen.levels)
    for level in LEVELS:
        unsure = [
            f"{n:,} {sqlstate}" for (at, sqlstate), n in sorted(states.items()) if at == level
        ]
        answers = f"{levels[level]:,} accepted, {', '.join(unsure) or 'none'} inconclusive"
        yield f"transactions at {level.lower()}: {answers}"
    given_up = sum(client.seen.given_up for client in report.clients)
    yield f"{given_up:,} transactions were given up after {1 + RETRIES} tries"
    refusals = {name for client in report.clients for name in client.seen.refusals}
    yield f"{len(refusals)} constraints refused something"
    yield f"{len(violation_queries.ASKED)} rules asked {report.checks:,} times"
    accepted = sum(len(client.ledger.accepted) for client in report.clients)
    kept = sum(len(client.ledger.rows) for client in report.clients)
    yield f"ledger: {accepted:,} acknowledged commits and {kept:,} rows of theirs looked up"
    if report.plan.kill:
        yield (
            f"{report.kills} kills, {report.recoveries} recoveries; of the commits under way,"
            f" {report.found} were found and {report.not_found} not"
        )
