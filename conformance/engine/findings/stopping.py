"""A finding done again up to a step: psql on the database as it is there."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from conformance.engine.cases.attempt import transaction_script
from conformance.engine.console import width
from conformance.engine.database.session import timeouts
from conformance.engine.findings.errors import ReplayError
from conformance.engine.postgres import binaries
from conformance.engine.races import columns
from conformance.engine.races.driver import Driver
from conformance.engine.races.orders import following
from conformance.engine.races.schedule import lines_of
from conformance.engine.sql.outcomes import Accepted
from conformance.engine.sql.writes import Statement

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from conformance.engine.cases.steps import Step
    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.findings.kept import Kept
    from conformance.engine.races.schedule import Schedule
    from conformance.engine.races.trace import Trace

    Say = Callable[[Iterable[str]], None]
    Made = tuple[Sandbox, str]

# Of several who wait for one commit, now and then another one is first.
TRIES: Final = 5
# Whoever waits in a race does so while somebody looks at it in psql.
WHILE_LOOKED_AT: Final = timeouts(600, 600)


def require_step(kept: Kept, number: int) -> None:
    """Refuse a step that a finding does not have, whatever it would be replayed on."""
    seen = kept.seen
    count = len(seen.schedule.lines) if seen.schedule else len(seen.steps)
    if not count:
        message = f"{seen.id} has no steps: replay it without --to"
        raise ReplayError(message)
    if number > count:
        message = f"{seen.id} has {count} steps: --to takes 1 to {count}"
        raise ReplayError(message)


def can_look(options: argparse.Namespace) -> tuple[str, str, str]:
    """Return the psql to look with, the SQL it is given, and why there is no look; or ''."""
    psql, given = _psql(options), _given()
    why = ""
    if psql is None:
        why = "no psql was found"
    elif not (given or (sys.stdin.isatty() and sys.stdout.isatty())):
        why = "this is no terminal"
    return psql or "", given, why


def told(kept: Kept, number: int, why: str) -> Iterator[str]:
    """Yield how psql comes to a step of one session by itself, and why nobody looks here."""
    steps = kept.seen.steps
    before, after = steps[: number - 1], steps[number - 1]
    yield from (f"{why}: psql comes to step {number} on a fresh installation by", "")
    yield from script(before, kept.run.role)
    yield f"-- step {number} of {len(steps)}{', which failed' if after is steps[-1] else ''}:"
    yield from (f"-- {line}" for line in transaction_script(after.sql).splitlines())


def stop(kept: Kept, number: int, made: Made, look: tuple[str, str], say: Say) -> None:
    """Do the steps before one, each a transaction, and look at what there is then.

    Raises:
        ReplayError: One of them does not do any more what it did.
    """
    steps = kept.seen.steps
    sandbox, conninfo = made
    sandbox.reset()
    for at, step in enumerate(steps[: number - 1], 1):
        as_owner = bool(sandbox.missing_privilege(step.sql))
        run = sandbox.run_as_owner if as_owner else sandbox.session.run
        outcome = run(step.sql)
        say([f"step {at} of {len(steps)}: {outcome}"])
        if not isinstance(outcome, Accepted):
            message = f"step {at} does not do any more what it did: {outcome}"
            raise ReplayError(message)
    following_step = script([steps[number - 1]], "")
    say(["", f"step {number} of {len(steps)} would be:", "", *following_step])
    say([f"SET ROLE {kept.run.role} is who wrote"] if kept.run.role else [])
    _open(*look, conninfo)


def stop_race(
    schedule: Schedule, number: int, made: Made, look: tuple[str, str, str], say: Say
) -> None:
    """Take the turns before a step of a race, and look from another session at what there is then.

    Raises:
        ReplayError: The race does not go as it went, or cannot begin.
    """
    sandbox, conninfo = made
    before, taken = schedule.before(number), schedule.lines[number - 1].taken - 1
    for left in reversed(range(TRIES)):
        with Driver(conninfo, len(schedule.sessions), limits=WHILE_LOOKED_AT) as driver:
            _set_up(schedule, sandbox)
            trace = driver.run(schedule.scripts, following(schedule.order), taken)
            is_same = lines_of(trace) == schedule.lines[:before]
            if not is_same and left:
                continue
            names = schedule.sessions
            said = [(line.session, columns.said(trace, line, names)) for line in trace.lines]
            say(columns.drawn(names, said, width()))
            if not is_same:
                message = f"in {TRIES} tries the race did not go as it went: replay it without --to"
                raise ReplayError(message)
            say(_where(schedule, number, trace))
            psql, given, why = look
            if why:
                say([f"{why}: SQL on its standard input would be run here by psql"])
            else:
                _open(psql, given, conninfo)
            return


def _set_up(schedule: Schedule, sandbox: Sandbox) -> None:
    sandbox.reset()
    body = [Statement(each) for each in schedule.setup]
    outcome = sandbox.run_as_owner(body) if body else Accepted()
    if not isinstance(outcome, Accepted):
        message = f"what there was before the race is not accepted any more: {outcome}"
        raise ReplayError(message)


def _where(schedule: Schedule, number: int, trace: Trace) -> Iterator[str]:
    """Yield where the race stops, and what would come next."""
    after = len(trace.lines) + 1
    if after < number:
        yield f"step {number} comes of step {after}, before which this stops"
    yield ""
    yield from _open_still(schedule, trace)
    turn = schedule.turns[len(trace.choices)]
    next_one = f"step {after} of {len(schedule.lines)}"
    yield from (f"{next_one} would be, by {schedule.sessions[turn.session]}:", "")
    yield from (*f"{turn.sql};".splitlines(), "")


def _open_still(schedule: Schedule, trace: Trace) -> Iterator[str]:
    """Yield what psql does not see: whose transactions are open, and who of them waits."""
    last = {line.session: line for line in trace.lines}
    begun = {
        session
        for session, step in trace.reached.items()
        if session not in trace.outcomes
        and any(sql.startswith("BEGIN") for _, sql in trace.scripts[session][: step + 1])
    }
    if not begun:
        yield "no transaction is open: psql sees all that was done"
        return
    yield "not committed yet, so that psql does not see it, and waits for what it has locked:"
    for session in sorted(begun):
        others = " and ".join(schedule.sessions[each] for each in last[session].waits_for)
        yield f"  {schedule.sessions[session]}{f', which waits for {others}' if others else ''}"


def script(steps: Sequence[Step], role: str | None) -> list[str]:
    """Return steps as psql reads them, by a role."""
    lines = [f"SET ROLE {role};"] if role and steps else []
    return lines + [line for step in steps for line in transaction_script(step.sql).splitlines()]


def _psql(options: argparse.Namespace) -> str | None:
    """Return the psql of the server's programs, of the embedded ones, or of the system."""
    own = [Path(options.bin_dir)] if options.bin_dir else []
    embedded = binaries.embedded()
    folders = os.pathsep.join(map(str, own + ([embedded] if embedded else [])))
    return shutil.which("psql", path=folders) or shutil.which("psql")


def _given() -> str:
    """Return the SQL that somebody has put into our input; '' where nobody has."""
    try:
        if sys.stdin.isatty() or not select.select([sys.stdin], [], [], 0)[0]:
            return ""
    except (OSError, ValueError):  # there is no input, or it is closed
        return ""
    return sys.stdin.read()


def _open(psql: str, given: str, conninfo: str) -> None:
    """Run psql on what is given, or else until the user leaves it; Ctrl-C stops its queries alone.

    Raises:
        ReplayError: There is an error in what is given.
    """
    sys.stdout.flush()
    if given:
        command = [psql, "--set=ON_ERROR_STOP=1", conninfo]
        code = subprocess.run(command, input=given, text=True, check=False).returncode  # noqa: S603 - as below
        if code:
            message = f"psql ended with {code}"
            raise ReplayError(message)
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        subprocess.run([psql, conninfo], check=False)  # noqa: S603 - a program of PostgreSQL
    finally:
        signal.signal(signal.SIGINT, before)
