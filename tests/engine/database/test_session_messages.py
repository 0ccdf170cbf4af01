"""Messages of a session: one transaction each, and what is asked after it."""

import psycopg
import pytest

from conformance.engine.database.session import Session
from conformance.engine.postgres.scratch import Database
from conformance.engine.sql.outcomes import Accepted
from conformance.engine.sql.writes import Insert, Path, Statement, statements
from tests.engine.database.test_session import rejected, session

__all__ = ["session"]


def test_a_transaction_without_a_begin_is_one(session: Session) -> None:
    """A message is carried out whole or not at all, and leaves no setting."""
    said: list[str] = []
    session.connection.add_notice_handler(lambda note: said.append(note.message_primary or ""))
    local = Statement("SET LOCAL DateStyle = 'German'")
    insert = statements(Insert("v", ({"id": 1, "other": 2}, {"id": 2, "other": 1})), Path.UPDATE)
    assert Accepted() == session.run([local, *insert])
    late = session.run([local, Statement("DELETE FROM v WHERE id = 2")])
    assert "v_other_fkey" == getattr(late, "constraint", "")
    back = [Statement("SAVEPOINT s"), Statement("DELETE FROM v"), Statement("ROLLBACK TO s")]
    assert Accepted() == session.run(back)
    assert [(1,), (2,)] == session.fetch("SELECT id FROM v ORDER BY id")
    assert [("ISO, MDY",)] == session.fetch("SHOW DateStyle")
    assert [] == said


def test_a_session_knows_when_its_transaction_began(session: Session) -> None:
    """It is the time of its rows, whichever way its statements went, and of no refusal."""
    session.connection.execute("ALTER TABLE v ALTER COLUMN at SET DEFAULT now()")
    asked = "SELECT extract(epoch FROM at) FROM v WHERE id = {}"
    ways = [
        [Statement("INSERT INTO v (id) VALUES (1)")],
        [Statement("SAVEPOINT s"), Statement("INSERT INTO v (id) VALUES (2)")],
        [Statement("COPY v (id) FROM STDIN", "3\n")],
        [Statement("SET LOCAL TimeZone = 'Asia/Tokyo'"), Statement("INSERT INTO v VALUES (4)")],
    ]
    for number, body in enumerate(ways, 1):
        assert Accepted() == session.run(body)
        assert [(session.began,)] == session.fetch(asked.format(number))
    before = session.began
    rejected(session, "INSERT INTO v VALUES (100)")
    assert before == session.began


def test_a_transaction_under_way_is_told_at_its_end(session: Session) -> None:
    """Queries after the COMMIT are answered with it; a refusal answers none."""
    rows = ["SELECT id, word FROM v ORDER BY id", "SELECT count(*) FROM v", "TABLE v LIMIT 0"]
    begun = session.start([Statement("INSERT INTO v VALUES (1, 'ä'), (2, NULL)")], rows)
    assert (Accepted(), [[("1", "ä"), ("2", None)], [("2",)], []]) == begun.end()
    refused, answers = session.start([Statement("INSERT INTO v VALUES (100)")], rows).end()
    assert "inv_u5__" == getattr(refused, "token", "")
    assert [] == answers
    assert [(2,)] == session.fetch("SELECT count(*) FROM v")
    assert [Accepted(), refused] == [each for _, each in session.history]
    copied = session.start([Statement("COPY v (id) FROM STDIN", "3\n")], rows)
    assert (Accepted(), []) == copied.end()


def test_a_query_that_fails_after_a_commit_is_no_refusal(session: Session) -> None:
    """An error of a query is not taken for one of the transaction before it."""
    begun = session.start([Statement("INSERT INTO v VALUES (1)")], ["SELECT 1 / 0"])
    with pytest.raises(psycopg.errors.DivisionByZero):
        begun.end()
    assert [(1,)] == session.fetch("SELECT id FROM v")


def test_a_long_message_is_sent_whole(session: Session) -> None:
    """A message that no buffer holds arrives, while the server answers as much."""
    rows = [{"id": number, "word": "x" * 100_000} for number in range(99)]
    begun = session.start(statements(Insert("v", tuple(rows)), Path.UPDATE), ["TABLE v"])
    accepted, (found,) = begun.end()
    assert (Accepted(), 99) == (accepted, len(found))
    noisy = ["SELECT repeat('y', 1000000)"] * 20
    longer = [*noisy, f"SELECT length('{'z' * 5_000_000}')"]
    assert [("5000000",)] == session.start([Statement("SELECT 1")], longer).end()[1][-1]


def test_a_connection_lost_meanwhile_is_no_outcome(session: Session, empty: Database) -> None:
    """A session that the server ends raises, whatever it was doing."""
    begun = session.start([Statement("SELECT pg_sleep(60)")])
    with empty.connect() as other:
        other.execute("SELECT pg_terminate_backend(%s)", [session.connection.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        begun.end()
