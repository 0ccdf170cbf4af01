"""Runner of meetings: every order of two sessions, at every level, and what is there at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.engine.cases.attempt import transaction_script
from conformance.engine.cases.verdicts import SEVERAL, Finding, Verdict
from conformance.engine.database.session import in_order
from conformance.engine.races.orders import every
from conformance.engine.races.schedule import Schedule
from conformance.engine.sql.outcomes import Accepted
from conformance.engine.sql.writes import Path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.derived.meetings import Meeting
    from conformance.engine.kinds.rule import Rule
    from conformance.engine.races.driver import Choose, Driver
    from conformance.engine.races.trace import Script, Trace
    from conformance.engine.sql.writes import Statement

LEVELS: Final = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")


def run(sandbox: Sandbox, driver: Driver, rule: Rule, meeting: Meeting) -> int:
    """Run a meeting in every order at every level; return in how many orders.

    Raises:
        Finding: Rows break a rule at the end of one, or its beginning could not be made.
    """
    return sum(_at(level, sandbox, driver, rule, meeting) for level in LEVELS)


def _at(level: str, sandbox: Sandbox, driver: Driver, rule: Rule, meeting: Meeting) -> int:
    given = in_order(meeting.given, Path.UPDATE) if meeting.given else []
    scripts = [_script(level, in_order(side, Path.UPDATE)) for side in meeting.sides]

    def once(choose: Choose) -> Trace:
        sandbox.reset()
        made = sandbox.session.run(given) if given else Accepted()
        if not isinstance(made, Accepted):
            expected = "a legal state to begin with"
            raise _finding(rule, Verdict.UNPROVEN, (expected, str(made)), _shown(given))
        trace = driver.run(scripts, choose)
        broken = sandbox.violations()
        if broken:
            found, keys = next(iter(broken.items()))
            observed = f"both committed at {level}; the violation query of {found} returns {keys}"
            said = ("one of two at most", observed)
            finding = _finding(rule, Verdict.BROKEN, said, _shown(given, trace))
            finding.schedule = Schedule.of(
                (each.sql for each in given), ("session 1", "session 2"), trace
            )
            raise finding
        return trace

    return sum(1 for _ in every(once))


def _script(level: str, body: list[Statement]) -> Script:
    steps = [("begin", f"BEGIN ISOLATION LEVEL {level}")]
    steps += [("write", statement.sql) for statement in body]
    return [*steps, ("commit", "COMMIT")]


def _shown(given: Sequence[Statement], trace: Trace | None = None) -> str:
    """Return what was done, as psql reads it; of two sessions, who did what in which order."""
    lines = [transaction_script(given)]
    if trace is not None:
        lines.insert(0, f"{SEVERAL}, in this order, after what one of them does alone:\n")
        lines.append("-- then two sessions, statement by statement:\n")
        lines += [
            f"{trace.scripts[line.session][line.step][1]};  -- session {line.session + 1}"
            f"{', which waits' if line.waits_for else ''}"
            f"{f': {line.outcome}' if line.outcome else ''}\n"
            for line in trace.lines
        ]
    return "".join(lines)


def _finding(rule: Rule, verdict: Verdict, said: tuple[str, str], script: str) -> Finding:
    return Finding(
        rule.id,
        verdict,
        expected=said[0],
        observed=said[1],
        script=script,
        steps=(),  # one session cannot show it
        cause="two sessions",
    )
