"""Serializability check of a race's end against the model.

Each transaction ends as committed, rejected by a name, or inconclusive. What is committed must
break no rule, and be what some order of the committed transactions comes to in the model. A
rejection must be one that some order explains. At read committed, nobody fails to serialize, and
two ordinary operations never end in a deadlock. Nobody waits until a timeout ends it, and where
sessions are said to be apart, nobody waits.

What fails is named after a rule where one can be named: the one that is broken, or that says what
differs from every serial order; else one of those that the race is about.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING

from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.catalogue.misfits import another_key
from conformance.engine.domain.chosen import RULES
from conformance.engine.sql.outcomes import Inconclusive, Rejected
from conformance.framecast.machines import differences
from conformance.framecast.machines.named import names
from conformance.framecast.model import view
from conformance.framecast.races import serial
from conformance.framecast.races.schedule import Level, Transaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from conformance.engine.races.trace import Trace
    from conformance.framecast.machines.differences import Difference
    from conformance.framecast.model import State
    from conformance.framecast.races.schedule import Race

# What fails, where it is no rule.
SERIAL, LOCKS = "SERIAL ORDER", "LOCK ORDER"
SERIALIZATION, DEADLOCK = "40001", "40P01"
# Serial orders that are compared with an end that none of them has.
MOST_ENDS = 200
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
    about: tuple[str, ...] = (),
    without: serial.Without = serial.NOTHING,
    untaken: frozenset[int] = frozenset(),
) -> Iterator[Finding]:
    """Return what is wrong with a race that was run, the worst first.

    Args:
        race: what was to be done.
        trace: what was done.
        broken: the keys of rows that break each rule that is broken, afterwards.
        shown: the rows of each table that was written, afterwards.
        explained: what `explained` says.
        events: the numbers of each job's events, afterwards, as far as readers followed them.
        about: the rules that the race is about.
        without: what of the rows cannot be read.
        untaken: the places of the transactions that the schema cannot take.
    """
    yield from _rules(broken)
    yield from _readers(race, trace, events)
    yield from _refusals(race, trace, about, untaken)
    yield from _locks(race, trace)
    yield from _hangs(race, trace, about)
    yield from _waits(race, trace)
    if explained is False:
        yield _unexplained(race, trace, shown, about, without)


def explained(
    race: Race, trace: Trace, shown: serial.Shown, without: serial.Without = serial.NOTHING
) -> bool | None:
    """Return whether some serial order comes to the rows; None if the model cannot say."""
    start, committed = race.start.state, _committed(race, trace)
    found = serial.orders_explain(start, committed, shown, whole=True, without=without)
    if found is False and not _strict(committed):
        found = serial.orders_explain(start, committed, shown, whole=False, without=without)
    return found


def _committed(race: Race, trace: Trace) -> list[Transaction]:
    return [race.transactions[place] for place in trace.committed]


def _strict(committed: Sequence[Transaction]) -> bool:
    """Return whether transactions must have come one after another, and not only their actions.

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


def _refusals(
    race: Race, trace: Trace, about: tuple[str, ...], untaken: frozenset[int]
) -> Iterator[Finding]:
    for place, outcome in trace.outcomes.items():
        if not isinstance(outcome, Rejected) or place in untaken:
            continue
        late = race.transactions[place]
        orders = unexplained_refusal(race, trace, place)
        if orders is None:
            continue
        named = next((each.id for each in RULES.values() if outcome.token == each.token), "")
        # What is legal in no order is refused with reason, if not by name.
        reasons = frozenset().union(*orders) if all(orders) or not named else frozenset()
        rule = _one_of(reasons, about)
        verdict = Verdict.UNNAMED if rule or not named else Verdict.OVERBLOCKED
        yield _finding(
            rule or named or SERIAL,
            Verdict.UNPROVEN if rule and another_key(outcome, reasons) else verdict,
            f"a refusal of {late.name!r} in the name of {' or '.join(sorted(reasons))}"
            if reasons
            else f"no refusal of {late.name!r}, or one that some order explains",
            str(outcome),
        )


def unexplained_refusal(race: Race, trace: Trace, place: int) -> list[frozenset[str]] | None:
    """Return what a refused transaction breaks in each order, if none of that explains its name.

    None where some order does, or where the model cannot say.
    """
    outcome, late = trace.outcomes[place], race.transactions[place]
    orders = serial.reasons(race.start.state, _committed(race, trace), late)
    if orders is None or not isinstance(outcome, Rejected):
        return None
    return None if any(names(outcome, rule) for may in orders for rule in may) else orders


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


def _hangs(race: Race, trace: Trace, about: tuple[str, ...]) -> Iterator[Finding]:
    for place in trace.hung:
        waited = [line.waits_for for line in trace.lines if line.session == place]
        blockers = next((each for each in reversed(waited) if each), ())
        others = " and ".join(repr(race.sessions[each].name) for each in blockers)
        rule = next((rule for rule in about if rule in RULES), LOCKS)
        name = repr(race.sessions[place].name)
        if others:
            yield _finding(
                rule,
                Verdict.OVERBLOCKED,
                "nobody waits until a timeout ends it",
                f"{name} waits for {others} until its timeout: {trace.outcomes[place]}",
            )
        else:  # a statement that never ends, or a server that has too much to do
            yield _finding(
                rule,
                Verdict.UNPROVEN,
                "an answer before the timeout",
                f"{name} waits for nobody, and has none: {trace.outcomes[place]}",
            )


def _waits(race: Race, trace: Trace) -> Iterator[Finding]:
    for line in trace.lines if race.independent else ():
        if line.waits_for:
            others = " and ".join(repr(race.sessions[each].name) for each in line.waits_for)
            yield _finding(
                LOCKS,
                Verdict.OVERBLOCKED,
                "nobody waits for whom they have nothing to do with",
                f"{race.sessions[line.session].name!r} waits for {others}",
            )


def _unexplained(
    race: Race,
    trace: Trace,
    shown: serial.Shown,
    about: tuple[str, ...],
    without: serial.Without,
) -> Finding:
    """Return how an end differs from the serial order that comes next to it.

    Where no order of what was committed is legal, it is what that breaks.
    """
    start, committed = race.start.state, _committed(race, trace)
    ends = chain.from_iterable(
        serial.ends(start, committed, whole=whole) for whole in (True, False)
    )
    found = [
        _differences(end, start, shown, without)
        for end in islice(ends, MOST_ENDS)
        if end is not None
    ]
    if found:
        nearest = min(found, key=len)
        expected, observed = differences.told(nearest)
        rule = differences.rule_of(nearest, about)
        return _finding(
            rule or SERIAL,
            Verdict.BROKEN,
            f"an end that some order of the committed transactions comes to: {expected}",
            observed,
        )
    broken = serial.broken_in_order(start, committed)
    both = " and ".join(repr(each.name) for each in committed)
    reasons = " and ".join(sorted(broken)) or "what the rules ask"
    return _finding(
        _one_of(broken, about) or SERIAL,
        Verdict.BROKEN,
        f"an order of the committed transactions that breaks nothing: each breaks {reasons}",
        f"{both} committed",
    )


def _differences(
    end: State, start: State, shown: serial.Shown, without: serial.Without
) -> list[Difference]:
    found: list[Difference] = []
    for table in serial.differing(end, start, shown, without):
        left_out = without.get(table, ())
        rows = shown[table] if table in shown else view.rows(start, table, left_out)
        found += differences.differences(table, view.rows(end, table, left_out), rows)
    return found


def _one_of(broken: Iterable[str], about: tuple[str, ...]) -> str:
    """Return a rule of those that are broken, one that a race is about if there is one."""
    rules = sorted(rule for rule in broken if rule in RULES)
    return next((rule for rule in about if rule in rules), next(iter(rules), ""))


def is_fault_of_locks(race: Race, circle: Sequence[int]) -> bool:
    """Return whether a deadlock is the schema's: between single operations, at read committed.

    Whoever does several things in one transaction chooses their order, and so that of the locks.
    """
    sessions = [race.transactions[place] for place in circle]
    return all(each.level is Level.READ_COMMITTED and len(each.actions) == 1 for each in sessions)


def _finding(rule: str, verdict: Verdict, expected: str, observed: str) -> Finding:
    return Finding(rule, verdict, expected=expected, observed=observed, script="", steps=())
