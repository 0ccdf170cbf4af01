"""Statements of people who have nothing to do with each other: none may wait for another one.

A lock that is wider than its rule, such as one for all jobs, breaks nothing; it only makes people
wait. Two companies have nothing in common. One session does whatever the product can do in the one,
and commits nothing; another does each thing in the other company meanwhile.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, product
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from conformance.engine.cases.attempt import transaction_script
from conformance.engine.cases.verdicts import Finding, Verdict
from conformance.engine.domain.chosen import COLUMNS
from conformance.engine.sql.outcomes import Accepted, Inconclusive
from conformance.engine.sql.writes import Statement, statements
from conformance.framecast.operations import OPERATIONS, step
from conformance.framecast.operations.tables import tables_of
from conformance.framecast.races.meetings import SERIALS
from conformance.framecast.races.places import office
from conformance.framecast.races.serializability import LOCKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.database.session import Session
    from conformance.engine.sql.outcomes import Outcome
    from conformance.framecast.model import State
    from conformance.framecast.operations import Operation

# Arguments of one operation that are looked at, of which so many legal ones are taken.
SOME, LEGAL = 300, 2
# Ids that one of them may give, and where those of a company's begin, after all that is there.
IDS, LATER = 10, 20 * SERIALS
WAITED = "55P03"
# Who waits for no lock of anybody's is done much sooner.
AT_ONCE = Statement("SET LOCAL lock_timeout = '500ms'")
# What triggers do at COMMIT is done now.
NOW = Statement("SET CONSTRAINTS ALL IMMEDIATE")
BEGIN, SAVE, BACK = map(Statement, ("BEGIN", "SAVEPOINT before", "ROLLBACK TO before"))
END = Statement("ROLLBACK")


class _RaceStep(NamedTuple):
    """One legal thing that is done: the table that it writes, its name, and its statements."""

    table: str
    name: str
    body: tuple[str, ...]


CLEAN_UPS = (
    _RaceStep("job_events", "cleaning up", ("SELECT public.delete_old_job_events()",)),
    _RaceStep(
        "webhook_deliveries", "cleaning up", ("SELECT public.delete_old_webhook_deliveries()",)
    ),
)


def table_of(operation: str) -> str:
    """Return the table that an operation writes, of several the first by name; or ''."""
    return min(tables_of([OPERATIONS[operation]]), default="")


class Strangers:
    """Two companies in one database, and what there is to do in each."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Bring both about, as far as the schema takes it."""
        self._session = sandbox.owner
        self._misfits = sandbox.misfits
        self._refused = ""  # what refused a company
        sandbox.reset()
        companies = office(), office(SERIALS)
        for each in companies:
            self._begin([one for write in each.writes for one in statements(write)])
        self._ours, self._theirs = (
            [*_legal(replace(each.state, serial=LATER * (1 + at))), *self._saved(at), *CLEAN_UPS]
            for at, each in enumerate(companies)
        )

    def _begin(self, body: list[Statement]) -> None:
        """Bring about as much of a company as can be."""
        outcome = self._session.run(body)
        if isinstance(outcome, Accepted):
            return
        self._refused = self._misfits.told(outcome, transaction_script(body)) or str(outcome)
        self._session.send(BEGIN)
        for each in body:
            _keep(self._session, [each])
        self._session.send(Statement("COMMIT"))

    def _saved(self, company: int) -> Iterator[_RaceStep]:
        """Return the statements that write rows of a company back as they are, every column."""
        # Ids of the second company are larger, and either may be there in part alone.
        last, side = (("min", "<"), ("max", ">="))[company]
        between = UUID(int=SERIALS)
        for table, columns in COLUMNS.items():
            if table == "system_assets":  # belongs to nobody
                continue
            found = self._session.ask(
                f"SELECT {last}(id::text) FROM public.{table} WHERE id::text {side} '{between}'"
            )
            if isinstance(found, list) and found[0][0] is not None:
                same = ", ".join(f"{name} = {name}" for name in columns)
                sql = f"UPDATE public.{table} SET {same} WHERE id = '{found[0][0]}'"
                yield _RaceStep(table, f"saving a row of {table}", (sql,))

    def waits(self) -> dict[str, Finding]:
        """Return who waits, or can do nothing, by the tables that they write."""
        found: dict[str, Finding] = {}
        able: set[str] = set()
        with self._session.another() as other:
            self._do_ours(other)
            for each in self._theirs:
                table = each.table
                if table in found:
                    continue
                outcome = self._tried(each)
                if isinstance(outcome, Accepted):
                    able.add(table)
                elif isinstance(outcome, Inconclusive) and outcome.sqlstate == WAITED:
                    found[table] = _finding(each)
            other.send(END)
        return dict.fromkeys(self.tables - able, self._unable()) | found

    def kept(self) -> list[str]:
        """Return the statements that are done in the company that commits nothing."""
        with self._session.another() as other:
            done = self._do_ours(other)
            other.send(END)
        return done

    def _do_ours(self, session: Session) -> list[str]:
        """Do in one transaction whatever can be done in our company; return its statements."""
        # What changes or takes rows away, a member's role say, leaves less to do.
        ours = sorted(self._ours, key=lambda each: _left(each.body[-1]))
        session.send(BEGIN)
        return [
            sql
            for each in ours
            if _keep(session, [*map(Statement, each.body), NOW])
            for sql in each.body
        ]

    def _unable(self) -> Finding:
        """Return what leaves a table untried: that nothing is done there, and who refused it."""
        return Finding(
            LOCKS,
            Verdict.UNPROVEN,
            expected="something that can be done in a company",
            observed=": ".join(filter(None, ("nothing that is legal was accepted", self._refused))),
            script="",
            steps=(),
            cause="nothing to do",
        )

    @property
    def tables(self) -> frozenset[str]:
        """The tables in which there is something to do."""
        return frozenset(each.table for each in self._theirs)

    def _tried(self, race_step: _RaceStep) -> Outcome | None:
        """Do something in one company and take it back; None where there is no row to do it to."""
        self._session.send(BEGIN)
        self._session.send(AT_ONCE)
        outcome: Outcome | None = Accepted()
        for sql in race_step.body:
            done = self._session.ask(_counted(sql))
            if not isinstance(done, list) or done == [(0,)]:
                outcome = None if isinstance(done, list) else done
                break
        else:
            outcome = self._session.send(NOW)
        self._session.send(END)
        return outcome


def _left(sql: str) -> int:
    """Return how much a statement may take from others: nothing, some rights, or rows."""
    return {"INSERT": 0, "DELETE": 2}.get(sql.partition(" ")[0], 1)


def _counted(sql: str) -> str:
    """Return a query that does something, and says to how many rows."""
    if sql.startswith("SELECT"):
        return sql
    return f"WITH done AS ({sql} RETURNING 1) SELECT count(*) FROM done"


def _keep(session: Session, body: Sequence[Statement]) -> bool:
    """Do something in a transaction that stays open, or take it back; return which it was."""
    session.send(SAVE)
    outcomes = [session.send(each) for each in body]
    is_done = all(isinstance(each, Accepted) for each in outcomes)
    if not is_done:
        session.send(BACK)
    return is_done


def _legal(state: State) -> Iterator[_RaceStep]:
    """Return statements of each operation that are legal on a state, no two of which share ids."""
    for operation in OPERATIONS.values():
        # What writes no table moves the clock, for everybody.
        if table_of(operation.name) and operation.possible(state):
            yield from islice(_of(operation, state), LEGAL)
            state = replace(state, serial=state.serial + LEGAL * IDS)


def _of(operation: Operation, state: State) -> Iterator[_RaceStep]:
    choices = [choice(state) for choice in operation.takes.values()]
    for values in islice(product(*choices), SOME):
        try:
            planned = step(state, operation, dict(zip(operation.takes, values, strict=True)))
        except LookupError:  # it names what is not there
            continue
        body = tuple(each.sql for write in planned.writes for each in statements(write))
        if body and not planned.broken:
            yield _RaceStep(table_of(operation.name), str(planned), body)
            state = replace(state, serial=state.serial + IDS)


def _finding(race_step: _RaceStep) -> Finding:
    return Finding(
        LOCKS,
        Verdict.OVERBLOCKED,
        expected="nobody waits for whom they have nothing to do with",
        observed=f"{race_step.name} waits for what is done in another company"
        "\nWho waits does:\n" + ";\n".join(race_step.body),
        script="",
        steps=(),
        cause="strangers wait",
    )
