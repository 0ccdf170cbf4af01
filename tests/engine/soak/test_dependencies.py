"""Dependencies of transactions: the cycles that their levels forbid are found, and no others."""

from collections.abc import Sequence
from typing import Final

import pytest

from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.soak import elle, history
from conformance.engine.soak.dependencies import Edge, failed, look, versions
from conformance.engine.soak.elle import OTHERS
from conformance.engine.soak.reads import OWN, Record, answers, reading, record
from conformance.engine.sql.writes import Update, statements
from conformance.framecast.soak import ledger
from strategies.world import World

COMMITTED, REPEATABLE, SERIALIZABLE = "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"
X, Y = ("teams", "x"), ("teams", "y")
# Each of two reads what both are to change, and changes the other one's.
SKEWED: Final = {X: [1, 2], Y: [1, 3]}


def records(*levels: str, reads: Sequence[dict[tuple[str, str], int]]) -> list[Record]:
    """Return the transactions 2, 3 …, with their levels and what they read."""
    return [
        Record(xid, 0, level, read, float(xid), xid + 0.5)
        for xid, (level, read) in enumerate(zip(levels, reads, strict=True), start=2)
    ]


def renaming(team: str) -> str:
    """Return the statement that gives a team another name."""
    return str(statements(Update("teams", {"id": team}, {"name": "Another"}))[0].sql)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ((COMMITTED, COMMITTED), []),
        ((REPEATABLE, REPEATABLE), []),
        ((SERIALIZABLE, REPEATABLE), []),
        ((SERIALIZABLE, SERIALIZABLE), ["G2"]),
    ],
)
def test_a_write_skew_is_forbidden_to_serializable_ones(
    levels: tuple[str, str], expected: list[str]
) -> None:
    """Two that change what the other has read are a cycle; serializable ones may be in none."""
    found = look(records(*levels, reads=[{X: 1, Y: 1}, {X: 1, Y: 1}]), SKEWED)

    assert expected == [cycle.name for cycle in found.cycles]
    assert (not expected) == (found.allowed == 1)
    assert {"ww": 2, "wr": 4, "rw": 2} == found.counts


@pytest.mark.parametrize(
    ("level", "expected"),
    [(COMMITTED, []), (REPEATABLE, ["G-single"]), (SERIALIZABLE, ["G-single"])],
)
def test_a_lost_snapshot_is_found(level: str, expected: list[str]) -> None:
    """To read a row before it was replaced, and another of who replaced it, is no snapshot."""
    skewed = look(records(COMMITTED, level, reads=[{}, {X: 1, Y: 2}]), {X: [1, 2], Y: [1, 2]})

    assert expected == [cycle.name for cycle in skewed.cycles]
    for cycle in skewed.cycles:
        assert (Edge(3, 2, "rw", X), Edge(2, 3, "wr", Y)) == cycle.edges
        assert f"3 ({level.lower()}) -rw-> 2 (read committed) by teams x\n" in cycle.told(
            {each.xid: each for each in records(COMMITTED, level, reads=[{}, {}])}
        )


def test_a_circle_of_what_was_written_is_found_at_every_level() -> None:
    """Two that replaced each other's rows, or read them before they committed, are a cycle."""
    crossed = look(records(COMMITTED, COMMITTED, reads=[{}, {}]), {X: [2, 3], Y: [3, 2]})
    mutual = look(records(COMMITTED, COMMITTED, reads=[{Y: 3}, {X: 2}]), {X: [2], Y: [3]})

    assert [["G1c"], ["G1c"]] == [
        [cycle.name for cycle in each.cycles] for each in (crossed, mutual)
    ]


def test_what_failed_may_not_be_read() -> None:
    """A row that a failed transaction wrote was seen by nobody."""
    found = look(records(COMMITTED, reads=[{X: 9}]), {X: [1]}, failed=[9])

    assert [("G1a", (Edge(9, 2, "wr", X),))] == [(each.name, each.edges) for each in found.cycles]


def test_what_is_not_known_is_counted() -> None:
    """A version that no transaction of the history wrote leads to no dependency."""
    found = look(records(COMMITTED, reads=[{X: 7}]), {X: [1, 2]})

    assert (1, 0, []) == (found.unknown, found.counts["wr"], found.cycles)


def test_reads_and_writes_of_a_database_are_told(scratch: Scratch, template: Template) -> None:
    """Writers of what a transaction sees, and the order of versions, come from the server."""
    world = World()
    team, _ = world.team()
    row = ("teams", str(team["id"]))
    asked = ["BEGIN ISOLATION LEVEL REPEATABLE READ", reading([row, row]), OWN, "COMMIT"]
    with scratch.cloned(template, "reads") as database, database.connect() as connection:
        history.keep(connection)
        connection.execute(ledger.INSTALL)
        made = [each.sql for write in world.given for each in statements(write)]
        (((first,),),) = answers(connection.execute(";\n".join(["BEGIN", *made, OWN, "COMMIT"])))
        rename = renaming(row[1])
        refused = f"BEGIN; {rename}; {OWN}"
        (((gone,),),) = answers(connection.execute(refused))
        connection.execute("ROLLBACK")
        told = list(
            answers(connection.execute(";\n".join([asked[0], asked[1], rename, *asked[2:]])))
        )
        after = record(4, REPEATABLE, told, 0.0, 1.0)

        assert {row: int(first)} == after.reads
        assert [int(first), after.xid] == versions(connection)[row]
        wrong = Record(1, 0, COMMITTED, {row: int(gone)}, 0.0, 0.0)
        assert {int(gone)} == failed(connection, [after, wrong])
        assert [] == list(*answers(connection.execute(reading([]))))


def test_a_level_that_somebody_lowers_is_found(scratch: Scratch, template: Template) -> None:
    """Two that say they are serializable, and are not, as behind a bad pooler, show a G2."""
    world = World()
    keys = [("teams", str(world.team()[0]["id"])) for _ in range(2)]
    with (
        scratch.cloned(template, "skew") as database,
        database.connect() as one,
        database.connect() as two,
    ):
        history.keep(one)
        made = [each.sql for write in world.given for each in statements(write)]
        one.execute(";\n".join(["BEGIN", *made, "COMMIT"]))
        told = []
        for session in (one, two):
            session.execute("BEGIN")
            told.append([*answers(session.execute(reading(keys)))])
        for (_, key), session, seen in zip(keys, (one, two), told, strict=True):
            session.execute(renaming(key))
            seen.extend(answers(session.execute(OWN)))
        for session in (one, two):
            session.execute("COMMIT")
        said = [record(number, SERIALIZABLE, seen, 0.0, 1.0) for number, seen in enumerate(told)]

        assert ["G2"] == [cycle.name for cycle in look(said, versions(one)).cycles]


def test_elle_is_told_of_reads_and_writes_in_time() -> None:
    """A history has a line when a transaction is asked for and when it is done, in EDN."""
    asked = [
        Record(2, 5, SERIALIZABLE, {X: 1}, 10.0, 12.0),
        Record(3, 6, SERIALIZABLE, {}, 11.0, 11.5),
    ]

    told = (
        (0, ":invoke", OTHERS, '[:w "teams/x" 1]'),
        (0, ":invoke", 5, '[:r "teams/x" nil] [:w "teams/x" 2]'),
        (1000000000, ":invoke", 6, '[:w "teams/y" 3]'),
        (1500000000, ":ok", 6, '[:w "teams/y" 3]'),
        (2000000000, ":ok", 5, '[:r "teams/x" 1] [:w "teams/x" 2]'),
        (2000000000, ":info", OTHERS, '[:w "teams/x" 1]'),
    )
    assert [
        f"{{:index {index}, :time {time}, :type {kind}, :process {process}, :f :txn,"
        f" :value [{value}]}}"
        for index, (time, kind, process, value) in enumerate(told)
    ] == list(elle.lines(asked, {X: [1, 2], Y: [3]}))
