"""Whether the end of a race is one that some serial order could have had.

Each transaction ends as committed, rejected by a name, or inconclusive. What is committed must
break no rule, and be what some order of the committed transactions comes to in the model. A
rejection must be one that some order explains. At read committed, nobody fails to serialize, and
two ordinary operations never end in a deadlock. Where sessions are said to be apart, nobody waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.catalogue import RULES
from conformance.outcomes import Inconclusive, Rejected
from conformance.races import serial
from conformance.races.schedule import Level, Transaction
from conformance.verdicts import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.races.schedule import Race
    from conformance.races.trace import Trace

# What fails, where it is no rule.
SERIAL, LOCKS = "SERIAL ORDER", "LOCK ORDER"
SERIALIZATION, DEADLOCK = "40001", "40P01"
# These ask what the role was when a row was written, by the order of the writes. With several
# sessions that says nothing: who wrote later may have committed first. The serial orders judge it.
BY_ORDER = frozenset(rule.id for rule in RULES.values() if "role_at(" in rule.violations)


def faults(  # noqa: PLR0913 - all that is known of a race's end
    race: Race,
    trace: Trace,
    broken: Mapping[str, Sequence[str]],
    shown: serial.Shown,
    *,
    explained: bool | None,
    events: Mapping[int, Sequence[int]],
) -> Iterator[Finding]:
    """Return what is wrong with a race that was run, the worst first.

    Args:
        race: what was to be done.
        trace: what was done.
        broken: the keys of rows that break each rule that is broken, afterwards.
        shown: the rows of each table that was written, afterwards.
        explained: what `explained` says.
        events: the numbers of each job's events, afterwards, as far as readers followed them.
    """
    yield from _rules(broken)
    yield from _readers(race, trace, events)
    yield from _refusals(race, trace)
    yield from _locks(race, trace)
    yield from _waits(race, trace)
    if explained is False:
        yield _finding(
            SERIAL,
            Verdict.BROKEN,
            "an end that some order of the committed transactions comes to",
            f"rows {sorted(row for rows in shown.values() for row in rows)}",
        )


def explained(race: Race, trace: Trace, shown: serial.Shown) -> bool | None:
    """Whether some order of what was committed comes to the rows; None if the model cannot say."""
    committed = [race.transactions[place] for place in trace.committed]
    found = serial.orders_explain(race.start.state, committed, shown, whole=True)
    if found is False and not _strict(committed):
        found = serial.orders_explain(race.start.state, committed, shown, whole=False)
    return found


def _strict(committed: Sequence[Transaction]) -> bool:
    """Whether transactions must have come one after another, and not only their actions.

    Only where all are serializable does PostgreSQL promise that of more than one action.
    """
    return all(each.level is Level.SERIALIZABLE or len(each.actions) == 1 for each in committed)


def _rules(broken: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    for rule, keys in broken.items():
        if rule not in BY_ORDER:
            yield _finding(
                rule,
                Verdict.BROKEN,
                f"no row that breaks it: {RULES[rule].statement}",
                f"its violation query returns {list(keys[:5])}",
            )


def _readers(race: Race, trace: Trace, events: Mapping[int, Sequence[int]]) -> Iterator[Finding]:
    """Follow each reader, who each time asks for what comes after the last event it has seen."""
    for place, looks in trace.looks.items():
        job = getattr(race.sessions[place], "job", 0)
        seen: set[int] = set()
        last = 0
        for numbers in looks:
            seen.update(number for number in numbers if number > last)
            last = max(seen, default=0)
        missed = [number for number in events.get(job, ()) if number <= last and number not in seen]
        if missed:
            yield _finding(
                "SEQ-2",
                Verdict.BROKEN,
                "a client that resumes after an event misses none",
                f"it saw {sorted(seen)}, and never {missed}",
            )


def _refusals(race: Race, trace: Trace) -> Iterator[Finding]:
    committed = [race.transactions[place] for place in trace.committed]
    for place, outcome in trace.outcomes.items():
        if not isinstance(outcome, Rejected):
            continue
        late = race.transactions[place]
        if not serial.explains(race.start.state, committed, late, outcome):
            named = next((each.id for each in RULES.values() if outcome.token == each.token), "")
            yield _finding(
                named or SERIAL,
                Verdict.OVERBLOCKED if named else Verdict.UNNAMED,
                f"no refusal of {late.name!r}, or one that some order explains",
                str(outcome),
            )


def _locks(race: Race, trace: Trace) -> Iterator[Finding]:
    for place, outcome in trace.outcomes.items():
        if not isinstance(outcome, Inconclusive):
            continue
        level = race.transactions[place].level
        if outcome.sqlstate == SERIALIZATION and level is Level.READ_COMMITTED:
            yield _finding(
                LOCKS, Verdict.BROKEN, "no serialization failure at read committed", str(outcome)
            )
        if outcome.sqlstate == DEADLOCK and is_fault_of_locks(race, trace.deadlocked[place]):
            yield _finding(
                LOCKS,
                Verdict.BROKEN,
                "no deadlock of ordinary operations at read committed",
                " and ".join(repr(race.sessions[each].name) for each in trace.deadlocked[place])
                + " wait for each other",
            )


def _waits(race: Race, trace: Trace) -> Iterator[Finding]:
    for line in trace.lines if race.apart else ():
        if line.waits_for:
            others = " and ".join(repr(race.sessions[each].name) for each in line.waits_for)
            yield _finding(
                LOCKS,
                Verdict.OVERBLOCKED,
                "nobody waits for whom they have nothing to do with",
                f"{race.sessions[line.session].name!r} waits for {others}",
            )


def is_fault_of_locks(race: Race, circle: Sequence[int]) -> bool:
    """Whether a deadlock is the schema's: between single operations, at read committed.

    Whoever does several things in one transaction chooses their order, and so that of the locks.
    """
    sessions = [race.transactions[place] for place in circle]
    return all(each.level is Level.READ_COMMITTED and len(each.actions) == 1 for each in sessions)


def _finding(rule: str, verdict: Verdict, expected: str, observed: str) -> Finding:
    return Finding(rule, verdict, expected=expected, observed=observed, script="", steps=())
