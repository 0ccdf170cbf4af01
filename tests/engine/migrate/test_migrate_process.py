"""``python -m conformance migrate`` as a process: beside others, interrupted, called wrongly."""

import signal
import subprocess
from typing import Any

import psycopg
import pytest

from conformance.engine.migrate import session
from tests.support.migrating import COMMAND, TABLES, Outcome, Project, await_count

PATIENT = ("--lock-timeout", "600")
HASTY = ("--lock-timeout", "0.05")
BLOCKER = 42  # an advisory lock on which a migration can be made to wait
INTERRUPTED = "migrate: interrupted: what was being run is rolled back\n"
WAITING = """
    SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
     WHERE NOT granted AND datname = current_database()
"""
SESSIONS = """
    SELECT count(*) FROM pg_stat_activity
     WHERE application_name = 'framecast migrate' AND datname = current_database()
"""


def test_two_runs_at_once_apply_each_file_once(
    project: Project, watcher: psycopg.Connection[Any]
) -> None:
    """Of two runs that begin together one applies everything, and the other finds nothing to do."""
    with watcher.transaction():
        watcher.execute("SELECT pg_advisory_xact_lock(%s)", (session.LOCK_KEY,))
        runs = [project.start(*PATIENT), project.start(*PATIENT)]
        await_count(watcher, WAITING, 2)

    assert {
        Outcome(0, "applied a.sql\n"),
        Outcome(0, "nothing to do: every file is applied\n"),
    } == {project.end(run) for run in runs}


def test_a_run_does_not_wait_for_another_for_ever(
    project: Project, watcher: psycopg.Connection[Any]
) -> None:
    """A run that finds another one at work gives up after the lock timeout, and says so."""
    watcher.execute("SELECT pg_advisory_lock(%s)", (session.LOCK_KEY,))

    assert Outcome(
        1,
        err="migrate: another run is migrating this database, and did not end within 0.05 s: "
        "wait for it, or give a longer --lock-timeout\n",
    ) == project.migrate(*HASTY)
    assert [] == project.query(TABLES)


def test_a_run_that_waits_for_another_can_be_interrupted(
    project: Project, watcher: psycopg.Connection[Any]
) -> None:
    """Ctrl-C ends the wait with one line and the exit code of an interrupt."""
    watcher.execute("SELECT pg_advisory_lock(%s)", (session.LOCK_KEY,))
    run = project.start(*PATIENT)
    await_count(watcher, WAITING, 1)
    run.send_signal(signal.SIGINT)

    assert Outcome(130, err=INTERRUPTED) == project.end(run)
    await_count(watcher, SESSIONS, 0)


def test_a_busy_table_is_not_queued_for_for_ever(
    project: Project, watcher: psycopg.Connection[Any]
) -> None:
    """A file that needs a table which somebody holds gives up after the lock timeout."""
    project.migrate()
    project.write(b="ALTER TABLE a ADD b int")
    with watcher.transaction():
        watcher.execute("SELECT FROM a")
        outcome = project.migrate(*HASTY)

    assert (
        Outcome(
            1,
            "",
            "migrate: migrations/b.sql:1: canceling statement due to lock timeout (55P03)\n"
            "    ALTER TABLE a ADD b int\n"
            "    hint: another session holds a lock that this needs: run again when it has ended, "
            "or wait longer with --lock-timeout\n"
            "b.sql was rolled back as a whole\n",
        )
        == outcome
    )


@pytest.mark.parametrize(
    ("number", "ending"),
    [
        (signal.SIGKILL, Outcome(-signal.SIGKILL, "applied a.sql\n")),
        (signal.SIGTERM, Outcome(143, "applied a.sql\n", INTERRUPTED)),
        (signal.SIGINT, Outcome(130, "applied a.sql\n", INTERRUPTED)),
    ],
)
def test_a_run_that_is_killed_leaves_no_half_of_a_file(
    project: Project,
    watcher: psycopg.Connection[Any],
    number: signal.Signals,
    ending: Outcome,
) -> None:
    """When a run ends in the middle of a file, that file is rolled back, and runs the next time."""
    project.write(b=f"CREATE TABLE b (); SELECT pg_advisory_xact_lock({BLOCKER})")
    with watcher.transaction():
        watcher.execute("SELECT pg_advisory_xact_lock(%s)", (BLOCKER,))
        run = project.start(*PATIENT)
        await_count(watcher, WAITING, 1)
        run.send_signal(number)
        assert ending == project.end(run)
    await_count(watcher, SESSIONS, 0)

    assert ["a", "schema_migrations"] == project.query(TABLES)
    assert ["a.sql"] == project.query("SELECT name FROM schema_migrations")
    assert Outcome(0, "applied b.sql\n") == project.migrate()


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        ([], "no database: give its URL, or set DATABASE_URL", 1),
        (
            ["no url"],
            'not a database URL, such as postgresql://user@host:5432/name: missing "="',
            3,
        ),
        (["host=/nowhere"], "the database cannot be reached: connection is bad: ", 3),
        (["host=x", "--migrations", "nope"], "migrations folder nope does not exist: name one", 1),
    ],
)
def test_what_cannot_be_done_is_one_message(
    project: Project, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str, code: int
) -> None:
    """A wrong address or folder ends the process with one line and an exit code, no traceback."""
    monkeypatch.setenv("DATABASE_URL", "")

    ended = project.end(project.start(*arguments))

    assert (code, "", 1) == (ended.code, ended.out, ended.err.count("\n"))
    assert ended.err.startswith(f"migrate: {message}"), ended.err


def test_a_command_is_needed() -> None:
    """Without a command the usage is shown, and the exit code is that of a wrong call."""
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)

    assert 2 == done.returncode
    assert done.stderr.startswith("usage: python -m conformance")
