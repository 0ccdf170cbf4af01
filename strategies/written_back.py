"""Fixed values that a client writes back as it has read them: taken, and left as they were.

Many clients read numbers as doubles, and times to the millisecond. What differs by more than that
is another value, and refused.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from conformance.engine.cases.scenario import ColumnCase, Fact
from conformance.engine.sql.writes import RawSql, Row, Update, Write, literal
from conformance.framecast.rules import RULES
from strategies.column_cases import CHECK, a_row
from strategies.session_settings import AGAIN, REPEATS
from strategies.tables import COLUMNS
from strategies.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A fraction of a second as it is given, as a client has read it, and others that lie beside either.
GIVEN_FRACTION, READ_FRACTION = "123456", "123"
BESIDE: Final = ("123455", "123457", "122999", "123001", "122", "124")
CREATED_AT: Final = "2026-01-01 00:00:00.{}+00"
STARTED_AT: Final = "2026-01-01 00:00:01.{}+00"
COMPLETED_AT: Final = "2026-01-01 00:00:02.{}+00"
EXPIRES_AT: Final = "2036-01-01 00:00:00.{}+00"
ELSEWHERE: Final = RawSql(f"SET LOCAL TimeZone = '{REPEATS}'")
# Tables whose created_at is fixed, and may be written.
CREATED: Final = tuple(table for table, columns in COLUMNS.items() if "created_at" in columns)

# Numbers that no double is, or that print in other ways; what doubles make of them; and documents
# that differ from both, each in one place.
GIVEN: Final = (
    '{{"a": {a}, "b": {{"c": [{c}, [{d}]], "e": {e}}}, "big": 1{zeros}, "huge": {huge},'
    ' "tiny": {tiny}, "less": {less}, "none": {none}, "s": {s},'
    ' "edges": [{least}, {most}, {top}, {lost}]}}'
)
VALUES: Final = {
    "a": "1.50",
    "c": "9007199254740993",
    "d": "3.14159265358979323846",
    "e": "-12345678901234567890123",
    "zeros": "e2",
    "huge": "1e400",
    "tiny": "1e-400",
    "less": "5e-324",
    "none": "null",
    "s": '"1.50"',
    "least": "2.5e-324",
    "most": "1.797693134862315807e308",
    "top": "1.7976931348623157e308",
    "lost": "-1e400",
}
DOUBLES: Final = {
    **VALUES,
    "a": "1.5",
    "c": "9007199254740992",
    "d": "3.141592653589793",
    "e": "-1.2345678901234568e22",
    "zeros": "00",
    "less": "2.5e-324",
    "least": "5e-324",
    "most": "1.7976931348623157e308",
    "top": "1.797693134862315807e308",
}
OTHERS: Final = tuple(
    GIVEN.format(**{**values, name: value})
    for values in (VALUES, DOUBLES)
    for name, value in (
        *(("a", "1.5000000000000002"), ("a", "-1.50"), ("a", '"1.50"'), ("a", "null")),
        *(("a", "[1.50]"), ("a", "true"), ("a", '1.50, "more": 1')),
        *(("c", "9007199254740994"), ("c", f"{values['c']}, 1"), ("c", f"1, {values['c']}")),
        *(("d", "3.1415926535897936"), ("d", "{}"), ("d", ""), ("d", f"{values['d']}, 3")),
        *(("e", "-12345678901234560000000"), ("e", f'{values["e"]}, "more": 1')),
        *(("huge", "1e401"), ("huge", "1e399"), ("tiny", "2e-400"), ("tiny", "0")),
        # What has no double is compared with what has one.
        *(("huge", "1"), ("tiny", "1"), ("lost", "1"), ("c", "1e400"), ("c", "1e-400")),
        *(("e", "-1e400"), ("least", "2.4e-324"), ("most", "1.8e308"), ("lost", "-1e401")),
        *(("less", "1e-323"), ("none", "false"), ("none", "0"), ("s", "1.50"), ("s", '"1.5"')),
    )
)
SOME: Final = (
    OTHERS[0],
    *(GIVEN.format(**{**DOUBLES, "d": each}) for each in ("", f"{DOUBLES['d']}, 3")),
    *("{}", "[]", "null"),
)
DOCUMENT, BACK = GIVEN.format(**VALUES), GIVEN.format(**DOUBLES)
# The state of a job, and what it says of its end.
ENDS: Final = {"completed": "output", "failed": "error", "canceled": "options"}


class _Fixed(NamedTuple):
    """A column of a row that is fixed, the rule that says so, and what tells its case apart."""

    world: World
    table: str
    row: Row
    column: str
    rule: str = "IMM-1"
    status: str = ""

    def write(self, value: str) -> tuple[Write, ...]:
        """Return the transaction that gives the column a value, and writes nothing else."""
        return (Update(self.table, {"id": self.row["id"]}, {self.column: value}),)

    def case(
        self, given: str, back: str, others: Iterable[str], *, alike: str = "", cast: str = ""
    ) -> ColumnCase:
        """Return the case: what comes back is taken for what was given, and others are refused.

        So is what looks alike where the clocks are put back.
        """
        first, *more = map(self.write, others)
        if alike:
            more.append((ELSEWHERE, *self.write(alike)))
        where = f"FROM public.{self.table} WHERE id = {literal(self.row['id'])}"
        # Compared as a document prints, since 1.0 is 1.00 by value.
        query = f"SELECT {self.column}{cast} = {literal(given)}{cast} {where}"
        return ColumnCase(
            " ".join(filter(None, (f"{self.table}.{self.column} written back", self.status))),
            (tuple(self.world.given), self.write(back)),
            first,
            (CHECK, ""),
            facts=(Fact(query, expected=True),),
            tables=(self.table,),
            more=tuple(more),
            token=RULES[self.rule].token,
        )

    def time(self, time: str = CREATED_AT) -> ColumnCase:
        """Return the case of a time that has the fraction of a second left open."""
        others = (time.format(fraction) for fraction in BESIDE)
        given = time.format(GIVEN_FRACTION)
        alike = given.replace("01 00:", f"01 {AGAIN // timedelta(hours=1)}:")
        return self.case(given, time.format(READ_FRACTION), others, alike=alike)

    def document(self, others: Iterable[str] = SOME) -> ColumnCase:
        """Return the case of a document."""
        return self.case(DOCUMENT, BACK, others, cast="::jsonb::text")


def written_back() -> Iterator[ColumnCase]:
    """Return all of them, as facts of the tables' columns."""
    for table in CREATED:
        world = World()
        made = {"created_at": CREATED_AT.format(GIVEN_FRACTION)}
        row = (
            world.team(**made)[0]
            if table == "teams"
            else world.insert(table, {**a_row(table, world), **made})
        )
        yield _Fixed(world, table, row, "created_at").time()
    for name in ("accepted_at", "revoked_at"):
        world = World()
        letter = {**a_row("invitations", world), "created_at": "2025-12-31"}
        row = world.insert("invitations", letter)
        ends = {name: CREATED_AT.format(GIVEN_FRACTION)}
        world.given.append(Update("invitations", {"id": row["id"]}, ends))
        yield _Fixed(world, "invitations", row, name, "STATE-INVITATION").time()
    yield _expiry()
    documents = (("api_keys", "scopes"), ("jobs", "spec_snapshot"), ("job_events", "payload"))
    for table, name in documents:
        world = World()
        row = world.insert(table, {**a_row(table, world), name: DOCUMENT})
        others = OTHERS if table == "jobs" else SOME
        yield _Fixed(world, table, row, name).document(others)
    for status, said in ENDS.items():
        for name in dict.fromkeys(("options", "progress", said)):
            yield _Fixed(*_finished(status), name, "STATE-JOB", status).document()
        for name, time in (("started_at", STARTED_AT), ("completed_at", COMPLETED_AT)):
            yield _Fixed(*_finished(status), name, "STATE-JOB", status).time(time)


def _finished(status: str) -> tuple[World, str, Row]:
    """Return a world with a job that has come to this end, with documents and times."""
    world = World()
    made: Row = {"created_at": CREATED_AT.format(GIVEN_FRACTION), "options": DOCUMENT}
    row = world.insert("jobs", {**a_row("jobs", world), **made})
    begins: Row = {"status": "processing", "started_at": STARTED_AT.format(GIVEN_FRACTION)}
    ends: Row = {
        "status": status,
        "completed_at": COMPLETED_AT.format(GIVEN_FRACTION),
        "progress": DOCUMENT,
        ENDS[status]: DOCUMENT,
        **({} if status == "completed" else {"failure_type": "system"}),
    }
    world.given += [Update("jobs", {"id": row["id"]}, each) for each in (begins, ends)]
    return world, "jobs", row


def _expiry() -> ColumnCase:
    """An expiry may change; but one that comes back as a client has read it has not."""
    world = World()
    letter = {**a_row("invitations", world), "expires_at": EXPIRES_AT.format(GIVEN_FRACTION)}
    fixed = _Fixed(world, "invitations", world.insert("invitations", letter), "expires_at")
    case = fixed.case(EXPIRES_AT.format(GIVEN_FRACTION), EXPIRES_AT.format(READ_FRACTION), ("",))
    return replace(case, refused=None, by=("", ""), token="")
