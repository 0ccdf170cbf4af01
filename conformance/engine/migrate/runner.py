"""Bring a database up to date: run the migration files that it has no record of.

Each file runs in one transaction together with its record, in the table ``schema_migrations``, or
all of them in one. An advisory lock keeps two runs apart, file by file. A lock timeout keeps a run
from waiting long for a busy table, because every other client of that table would wait behind it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import psycopg
from psycopg import errors

from conformance.engine.deployment import migrations, outside
from conformance.engine.deployment.history import pending, up_to
from conformance.engine.deployment.migrations import Migration, MigrationError
from conformance.engine.deployment.record import HOME, Record
from conformance.engine.migrate import passed
from conformance.engine.migrate.session import Connection, connected, limit_waits, lock

LONGEST_PAUSE = 60.0  # seconds between two attempts
BUSY = (errors.LockNotAvailable, errors.DeadlockDetected)  # what may go by itself


@dataclass(frozen=True, slots=True)
class How:
    """Options for running what is pending.

    Attributes:
        schema: where the record lies.
        to: the last file to run; None for all.
        dry: whether to say what would be run, and run nothing.
        single: whether all files run in one transaction.
        retries: how often a file is tried again that met a lock.
        passed: the gate's report; only what it has let pass is run. Or None.
    """

    schema: str = HOME
    to: str | None = None
    dry: bool = False
    single: bool = False
    retries: int = 0
    passed: Path | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """A file that was run, and the seconds that it took."""

    migration: Migration
    seconds: float


class _Run:
    """One run: a database, what to do there, and how."""

    def __init__(self, url: str, lock_timeout: float, say: Callable[[str], None], how: How) -> None:
        self.url = url
        self.lock_timeout = lock_timeout
        self.say = say
        self.how = how
        self.record = Record(how.schema)

    def apply(self, conn: Connection, files: Sequence[Migration]) -> list[Applied]:
        """Run some files, each in a transaction of its own, or all in one."""
        groups = [tuple(files)] if self.how.single else [(file,) for file in files]
        return [done for group in groups for done in self._patiently(conn, group)]

    def _patiently(self, conn: Connection, group: Sequence[Migration]) -> list[Applied]:
        for attempt in range(self.how.retries + 1):
            try:
                return self._attempt(conn, group)
            except MigrationError as error:
                if attempt == self.how.retries or not _is_busy(error):
                    raise
                pause = min(2.0**attempt, LONGEST_PAUSE)
                self.say(
                    f"{group[0].name} met a lock, and was rolled back: tried again in {pause:g} s "
                    f"({attempt + 1} of {self.how.retries})"
                )
                Event().wait(pause)
        return []

    def _attempt(self, conn: Connection, group: Sequence[Migration]) -> list[Applied]:
        if outside.says_so(group[0]):
            return self._outside(conn, group[0])
        done: list[Applied] = []
        started = False
        try:
            with migrations.transaction(conn, group[-1]):
                todo = self._locked(conn, group)
                for migration in todo:
                    started = True
                    start = time.perf_counter()
                    limit_waits(conn, self.lock_timeout)  # what was set before is reset
                    self.record.create(conn)
                    migrations.run(conn, migration)
                    seconds = time.perf_counter() - start
                    self.record.add(conn, migration, seconds)
                    done.append(Applied(migration, seconds))
        except MigrationError as error:
            if not started:
                raise
            # A connection that is lost at COMMIT leaves open what the server made of it.
            lost = "may have been rolled back: the next run will tell"
            outcome = lost if conn.broken else "was rolled back as a whole"
            what = group[0].name if len(group) == 1 else f"the transaction of {len(group)} files"
            message = f"{error}\n{what} {outcome}"
            raise MigrationError(message) from error
        for each in done:
            self.say(f"applied {each.migration.name} ({each.seconds:.2f} s)")
        return done

    def _locked(self, conn: Connection, group: Sequence[Migration]) -> tuple[Migration, ...]:
        """Keep others out, and return what of some files is pending even then."""
        lock(conn, self.lock_timeout)
        names = {file.name for file in group}
        known = {name: each for name, each in self.record.read(conn).items() if name in names}
        return pending(group, known)

    def _outside(self, conn: Connection, migration: Migration) -> list[Applied]:
        """Run the one statement of a file by itself, while another session keeps others out."""
        start = time.perf_counter()
        with connected(self.url) as guard:
            with guard.transaction():
                self._locked(guard, [migration])
                self.record.create(guard)
            guard.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            with guard.transaction():
                # Without a snapshot of its own: an index that is built meanwhile waits for those.
                guard.execute("SELECT set_config('idle_in_transaction_session_timeout', '0', true)")
                if not self._locked(guard, [migration]):
                    return []
                there = outside.run(conn, migration, migrations.run)
                seconds = time.perf_counter() - start
                self.record.add(guard, migration, seconds)
        how = "was there, and is recorded" if there else f"{seconds:.2f} s, outside a transaction"
        self.say(f"applied {migration.name} ({how})")
        return [Applied(migration, seconds)]


def migrate(
    url: str,
    directory: Path,
    lock_timeout: float,
    say: Callable[[str], None],
    how: How = How(),
) -> list[Applied]:
    """Run what is pending, in the order of the files' names, and say so line by line.

    Args:
        url: of the database, as libpq reads it.
        directory: the folder of the files.
        lock_timeout: seconds that each wait for a lock may take.
        say: receives each line of the outcome.
        how: what of it to run, and how.

    Raises:
        MigrationError: nothing was run, or the file that it names was not; those before it,
            which have been said, stay applied.
    """
    files = migrations.load(directory)
    for line in migrations.below(directory):
        say(line)
    run = _Run(url, lock_timeout, say, how)
    with connected(url) as conn:
        known = run.record.read(conn)
        every = pending(files, known)
        last = up_to(files, how.to)
        todo = [file for file in every if file in last]
        for migration in todo:
            migrations.refuse_foreign_parts(migration)
            outside.refuse(migration, single=how.single)
        if how.passed is not None:
            passed.refuse(how.passed, known, todo)
        if how.dry:
            for migration in todo:
                say(f"would apply {migration.name}")
        done = [] if how.dry else run.apply(conn, todo)
        if not todo or not (done or how.dry):
            say("nothing to do: every file is applied" if last == files else "nothing to do")
    return done


def _is_busy(error: BaseException | None) -> bool:
    """Return whether an error came of a lock that somebody holds."""
    return error is not None and (isinstance(error, BUSY) or _is_busy(error.__cause__))
