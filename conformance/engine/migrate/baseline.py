"""A record for a schema that was made without this program, once it is what the files make."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from conformance.engine.audit import drift, enforcement
from conformance.engine.audit.description import describe
from conformance.engine.audit.target import ROLES, TargetError
from conformance.engine.deployment import migrations, stand_ins
from conformance.engine.deployment.history import is_installed, up_to
from conformance.engine.deployment.migration import Migration, MigrationError
from conformance.engine.deployment.record import HOME, Record
from conformance.engine.domain.chosen import domain
from conformance.engine.migrate.session import Connection, connected, lock
from conformance.engine.postgres import ProvisionError

# What files make, and what a database that has run them has: rights and comments aside.
MADE = (
    *("relation", "column", "constraint", "index", "trigger", "the triggers", "rule", "policy"),
    *("function", "type", "schema"),
)
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Baseline:
    """Options for recording files that were run on a database before.

    Attributes:
        schema: where the record is to lie.
        to: the last file that was run there; None for all.
        options: which scratch server to use, by the names of `Request`'s attributes.
        environ: the same as environment variables, where no option says it.
    """

    schema: str = HOME
    to: str | None = None
    options: Mapping[str, str | None] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)


def record(
    url: str,
    directory: Path,
    lock_timeout: float,
    say: Callable[[str], None],
    baseline: Baseline,
) -> None:
    """Record files as applied, and run none, if the database is what they make.

    Args:
        url: of the database, as libpq reads it.
        directory: the folder of the files.
        lock_timeout: seconds that each wait for a lock may take.
        say: receives each line of the outcome.
        baseline: what to record.

    Raises:
        MigrationError: there is no schema, another one, or a record already; nothing was changed.
    """
    files = up_to(migrations.load(directory), baseline.to)
    place = Record(baseline.schema)
    with connected(url) as conn, _recording(), conn.transaction():
        lock(conn, lock_timeout)
        known = place.read(conn)
        if known:
            message = (
                f"the database has a record already, the last of it {max(known)}: "
                "run migrate without --record"
            )
            raise MigrationError(message)
        if not is_installed(conn):
            message = (
                f"there is no table public.{domain().landmark}, so the files were not run there: "
                "run migrate without --record"
            )
            raise MigrationError(message)
        _compare(conn, files, baseline)
        place.create(conn)
        for migration in files:
            place.add(conn, migration, None)
    for migration in files:
        say(f"recorded {migration.name}, and did not run it")


def _compare(conn: Connection, files: tuple[Migration, ...], baseline: Baseline) -> None:
    """Refuse a database that is not what the files make.

    Raises:
        MigrationError: something is missing there, or another thing.
    """
    major = conn.info.server_version // 10_000
    try:
        with enforcement.scratch_of(major, baseline.options, baseline.environ) as scratch:
            roles = [name for (name,) in conn.execute(ROLES)]
            extensions = [name for (name,) in conn.execute(stand_ins.FOUND)]
            made, _, _ = stand_ins.on(scratch.extensions(), (files, ()), roles, extensions)
            expected = enforcement.expected_of(scratch, made)
    except (ProvisionError, TargetError) as error:
        message = f"nothing was recorded, for nothing could be compared: {error}"
        raise MigrationError(message) from error
    faults, _ = drift.compare(expected, describe(conn))
    wrong = [
        f"{fault.about} is {fault.what.partition(':')[0]}"
        for fault in faults
        if fault.about.startswith(MADE) and fault.what.startswith(("missing", "not as"))
    ]
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        message = (
            f"nothing was recorded: the database is not what {files[-1].name} and those before it "
            f"make: {'; '.join(wrong[:SHOWN])}{more}: name the last file that was run there, "
            "--to FILE, or bring it there by hand"
        )
        raise MigrationError(message)


@contextmanager
def _recording() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        said = error.diag.message_primary or " ".join(str(error).split())
        message = f"nothing was recorded: {said}"
        raise MigrationError(message) from error
