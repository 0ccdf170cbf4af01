"""Drives several sessions from one thread, in an order that somebody chooses.

A step is sent, and the driver goes on when the server has done it, or says that it waits for
another session. No clock decides: the short wait on the socket only saves a question to the server.
Steps of a session that waits come later, so every list of choices is some order.

A deadlock would be ended by whichever session's `deadlock_timeout` runs out first. Here it is ended
by the driver, as soon as a session that has begun to wait stands in a circle: that one is canceled,
and counts as 40P01. So the same choices come to the same end. `patient` drivers leave it to the
server, to tell whether it sees a deadlock as well.

Whoever waits for what nobody will let go is ended by a timeout, which is short: a race takes
milliseconds. Other limits give as much time as a transaction has elsewhere, or more.
"""

from __future__ import annotations

import contextlib
import select
from collections import deque
from typing import TYPE_CHECKING, Self

import psycopg
from psycopg import pq

from conformance.engine.database.session import TIMEOUTS, outcome, timeouts
from conformance.engine.races.trace import Line, Trace
from conformance.engine.sql.outcomes import Accepted, Inconclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import TypeAlias

    from conformance.engine.races.trace import Script
    from conformance.engine.sql.outcomes import Outcome

    Choose: TypeAlias = Callable[[tuple[int, ...]], int]

# Seconds until the server is asked whether a step waits: most steps are done by then.
SHORT = 0.0015
SESSIONS = 3
FAILED = frozenset({pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE})
DEADLOCK, CANCELED = "40P01", "57014"
# Nobody waits that long for a session that goes on, unless the machine stands still.
QUICK = timeouts(6, 3)
BLOCKERS = b"SELECT s.pid, pg_blocking_pids(s.pid)::text FROM unnest($1::int[]) AS s (pid)"


class Driver:
    """Some connections to one database, used again for one race after another."""

    def __init__(
        self, conninfo: str, sessions: int = SESSIONS, *, patient: bool = False, limits: str = QUICK
    ) -> None:
        """Connect; `limits` are settings of the sessions, which end what waits too long.

        Raises:
            psycopg.OperationalError: The database cannot be reached.
        """
        self._patient = patient
        limits = TIMEOUTS if patient else limits
        self._connections = [_connected(conninfo, limits, patient=patient) for _ in range(sessions)]
        self._pids = [each.backend_pid for each in self._connections]
        self._monitor = _connected(conninfo, TIMEOUTS, patient=patient)
        _checked(self._monitor.prepare(b"blockers", BLOCKERS))

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        for each in (*self._connections, self._monitor):
            each.finish()

    def run(self, scripts: Sequence[Script], choose: Choose, turns: int | None = None) -> Trace:
        """Run scripts, one a session; `choose` says each time which of some sessions goes on.

        After so many turns, if that is given, all sessions are left as they are.

        Raises:
            psycopg.OperationalError: The server is gone.
        """
        trace = _Run(self, tuple(scripts), choose).to_the_end(turns)
        if trace.hung:
            self.let_go()
        return trace

    def waits(self, places: Sequence[int]) -> dict[int, tuple[int, ...]]:
        """Return for which of the other sessions each of these waits."""
        asked = "{" + ",".join(str(self._pids[place]) for place in places) + "}"
        result = _checked(self._monitor.exec_prepared(b"blockers", [asked.encode()]))
        found = {}
        for row in range(result.ntuples):
            pid, blockers = result.get_value(row, 0), result.get_value(row, 1)
            if pid is None or blockers is None:
                continue
            blocking = {int(each) for each in blockers.strip(b"{}").split(b",") if each}
            found[self._pids.index(int(pid))] = tuple(
                place for place, each in enumerate(self._pids) if each in blocking
            )
        return found

    def cancel(self, place: int) -> None:
        """Cancel what a session does."""
        _checked(self._monitor.exec_(f"SELECT pg_cancel_backend({self._pids[place]})".encode()))

    def send(self, place: int, sql: str) -> None:
        """Send SQL without waiting for it."""
        self._connections[place].send_query(sql.encode())

    def is_done(self, places: Sequence[int], within: float | None = 0) -> list[int]:
        """Return which of some sessions have answered, within some seconds (None: in any time)."""
        done = self._answered(places)
        if not done:
            sockets = [self._connections[place].socket for place in places]
            select.select(sockets, [], [], within)
            done = self._answered(places)
        return done

    def answer(self, place: int) -> tuple[list[int], psycopg.Error | None]:
        """Return the numbers that a session read, and the error that ended its step if one did."""
        connection = self._connections[place]
        numbers: list[int] = []
        error: psycopg.Error | None = None
        while (result := connection.get_result()) is not None:
            if result.status in FAILED:
                error = psycopg.errors.error_from_result(result)
            elif result.status == pq.ExecStatus.TUPLES_OK and result.fname(0) == b"sequence":
                values = (result.get_value(row, 0) for row in range(result.ntuples))
                numbers += [int(each) for each in values if each is not None]
        return numbers, error

    def roll_back(self, place: int) -> None:
        """End a session's transaction."""
        _checked(self._connections[place].exec_(b"ROLLBACK"))

    def let_go(self) -> None:
        """Let all sessions let go of what they hold beyond their transactions."""
        for each in self._connections:
            _checked(each.exec_(b"SELECT pg_advisory_unlock_all()"))

    @property
    def ends_deadlocks(self) -> bool:
        """Return whether deadlocks are ended here, and not by the server."""
        return not self._patient

    def _answered(self, places: Sequence[int]) -> list[int]:
        done = []
        for place in places:
            connection = self._connections[place]
            connection.consume_input()
            if not connection.is_busy():
                done.append(place)
        return done


class _Run:
    """One race on its way."""

    def __init__(self, driver: Driver, scripts: tuple[Script, ...], choose: Choose) -> None:
        self._driver = driver
        self._choose = choose
        self._left = [deque(range(len(script))) for script in scripts]
        self._open = [False] * len(scripts)  # whether a transaction is
        self._at = [0] * len(scripts)  # the step that was sent last
        self._waiting: dict[int, tuple[int, ...]] = {}  # who waits for whom, the first first
        self.trace = Trace(scripts)

    def to_the_end(self, turns: int | None) -> Trace:
        """Go on until no session has anything left to do, or so many turns have been taken."""
        while len(self.trace.choices) != turns:
            ready = tuple(
                place
                for place, left in enumerate(self._left)
                if left and place not in self._waiting
            )
            if ready:
                chosen = self._choose(ready)
                self.trace.choices.append((chosen, ready))
                self._go_on(chosen)
            elif self._waiting:
                # The server has to end it: a deadlock, or what waits for one who has gone.
                done = self._driver.is_done(list(self._waiting), None)
                for place in done:
                    del self._waiting[place]
                self._settle(done)
            else:
                break
        return self.trace

    def _go_on(self, place: int) -> None:
        step = self._at[place] = self._left[place].popleft()
        self.trace.reached[place] = step
        _, sql = self.trace.scripts[place][step]
        self._open[place] = self._open[place] or sql.startswith("BEGIN")
        self._driver.send(place, sql)
        self._settle([place])

    def _settle(self, running: list[int]) -> None:
        """Return when each session is done with its step or waits for another that is not."""
        within = SHORT
        while running:
            done = self._driver.is_done(running, within)
            for place in done:
                running.remove(place)
                self._finish(place)
            if done:
                # What they held may be free now: look at all that waited.
                within = SHORT if any(not self._open[place] for place in done) else 0
                running += [place for place in self._waiting if place not in running]
                self._waiting.clear()
                continue
            within = SHORT
            for place, others in self._driver.waits(running).items():
                if others and not self._is_last_of_circle(place, others):
                    running.remove(place)

    def _is_last_of_circle(self, place: int, others: tuple[int, ...]) -> bool:
        """Note that a session waits; if that closes a circle, cancel it."""
        line = Line(place, self._at[place], waits_for=others)
        if line not in self.trace.lines:
            self.trace.lines.append(line)
        self._waiting[place] = others
        circle = self._circle(place) if self._driver.ends_deadlocks else ()
        if circle:
            del self._waiting[place]
            self.trace.deadlocked[place] = circle
            self._driver.cancel(place)
            while not self._driver.is_done([place], None):
                pass  # it has sent a part of its answer
        return bool(circle)

    def _circle(self, place: int) -> tuple[int, ...]:
        """Return the sessions that wait for each other in a circle with this one."""
        if len(self._waiting) == 1:
            return ()
        waits = self._driver.waits(list(self._waiting))
        seen: set[int] = set()
        ahead = list(waits.get(place, ()))
        while ahead:
            each = ahead.pop()
            if each not in seen:
                seen.add(each)
                ahead += waits.get(each, ())
        return tuple(sorted(seen)) if place in seen else ()

    def _finish(self, place: int) -> None:
        numbers, error = self._driver.answer(place)
        step = self._at[place]
        name, sql = self.trace.scripts[place][step]
        waited = any(
            line.session == place and line.step == step and line.waits_for
            for line in self.trace.lines
        )
        refused: Outcome | None = None
        if error is not None:
            refused = self._refusal(place, error)
            self.trace.outcomes[place] = refused
            self._left[place].clear()
            if self._open[place]:
                self._driver.roll_back(place)
                self._open[place] = False
        elif sql == "COMMIT":
            self.trace.outcomes[place] = Accepted()
            self.trace.committed.append(place)
            self._open[place] = False
        elif name == "look":
            self.trace.looks.setdefault(place, []).append(numbers)
        self.trace.lines.append(
            Line(place, step, waited=waited, outcome=str(refused) if refused else "")
        )

    def _refusal(self, place: int, error: psycopg.Error) -> Outcome:
        if place in self.trace.deadlocked and error.sqlstate == CANCELED:
            return Inconclusive(DEADLOCK, "deadlock; this session was the last to wait")
        if error.sqlstate == DEADLOCK:
            self.trace.deadlocked[place] = tuple(sorted({place, *self._waiting}))
        return outcome(error)


def _connected(conninfo: str, limits: str, *, patient: bool) -> pq.abc.PGconn:
    connection = pq.PGconn.connect(conninfo.encode())
    if connection.status != pq.ConnStatus.OK:
        message = connection.error_message.decode(errors="replace")
        connection.finish()
        raise psycopg.OperationalError(message)
    _checked(connection.exec_(f"{limits}; SET client_encoding = 'UTF8'".encode()))
    with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
        timeout = "10ms" if patient else "10s"
        _checked(connection.exec_(f"SET deadlock_timeout = '{timeout}'".encode()))
    return connection


def _checked(result: pq.abc.PGresult) -> pq.abc.PGresult:
    if result.status in FAILED:
        raise psycopg.errors.error_from_result(result)
    return result
