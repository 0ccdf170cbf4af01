"""The commands of docs/operations.md, as they stand there, on servers of their own."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from conformance.engine.audit import enforcement
from conformance.engine.audit.target import Limits, reading
from conformance.engine.deployment import migrations
from conformance.engine.postgres import (
    Request,
    Server,
    binaries,
    folders,
    identity,
    provision,
    seed,
)
from conformance.engine.postgres.scratch import opened
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.postgres.binaries import Binaries

ROOT: Final = Path(__file__).parents[2]
MIGRATIONS: Final = ROOT / "migrations"
PAGE: Final = ROOT / "docs" / "operations.md"
SETTINGS: Final = {
    "wal_level": "logical",
    "max_wal_senders": "8",
    "wal_retrieve_retry_interval": "50ms",
}
BINDIR: Final = "SELECT setting FROM pg_config WHERE name = 'BINDIR'"
TEAM, USER, JOB = (f"00000000-0000-4000-8000-00000000000{n}" for n in "abc")
# A job whose three events were cleaned up, and another that has two; a project with a spec.
ROWS: Final = f"""
INSERT INTO users (id, email, tier, upgraded_at)
VALUES ('{USER}', 'ann@example.com', 'creator', now());
INSERT INTO teams (id, name) VALUES ('{TEAM}', 'Team');
INSERT INTO memberships (team_id, user_id, role) VALUES ('{TEAM}', '{USER}', 'owner');
INSERT INTO projects (team_id, created_by, name, spec)
VALUES ('{TEAM}', '{USER}', 'Harbour', '{{"title": "Harbour"}}');
INSERT INTO jobs (id, owner, triggered_by, spec_snapshot)
VALUES ('{JOB}', 'framecast:team:{TEAM}', '{USER}', '{{}}'),
    ('{TEAM}', 'framecast:team:{TEAM}', '{USER}', '{{}}');
INSERT INTO job_events (job_id, event_type) SELECT '{JOB}', 'progress' FROM generate_series(1, 3);
INSERT INTO job_events (job_id, event_type) SELECT '{TEAM}', 'progress' FROM generate_series(1, 2);
DELETE FROM job_events WHERE job_id = '{JOB}';
"""
NEXT: Final = "INSERT INTO job_events (job_id, event_type) VALUES (%s, 'failed') RETURNING sequence"
FOUND: Final = """SELECT count(*) FROM searchable_projects WHERE spec @> '{"title": "Harbour"}'"""
STATES: Final = "SELECT srrelid::regclass::text, srsubstate FROM pg_subscription_rel"


class Machine:
    """Two servers of a major, with a database in use on the first of them.

    Attributes:
        here, there: the servers.
        variables: what the commands of the page find in their environment.
    """

    def __init__(self, here: Server, there: Server, folder: Path) -> None:
        """Make the database, with the schema and rows."""
        self.here, self.there, self.folder = here, there, folder
        (folder / "migrations").symlink_to(MIGRATIONS)
        with psycopg.connect(here.conninfo, autocommit=True) as connection:
            ((bin_dir,),) = connection.execute(BINDIR).fetchall()
            connection.execute("CREATE DATABASE framecast ENCODING 'UTF8' TEMPLATE template0")
        with psycopg.connect(here.conninfo, dbname="framecast", autocommit=True) as connection:
            migrations.install(connection, migrations.load(MIGRATIONS))
            connection.execute(f"BEGIN; {ROWS}; COMMIT")
        self.bin_dir = Path(bin_dir)
        self.variables = {
            "SERVER_URL": plain(there),
            "REPLICA_SERVER_URL": plain(there),
            "DATABASE_URL": plain(here, "framecast"),
            "RESTORED_URL": plain(there, "framecast_restored"),
            "REPLICA_URL": plain(there, "framecast_replica"),
            "COPY_URL": plain(there, "framecast_replica"),
        }

    def follow(self, heading: str, **variables: str) -> None:
        """Run the commands below a heading of the page, the first of which that fails ends it."""
        self.run(commands(heading), **variables)

    def run(self, script: str, **variables: str) -> None:
        """Run commands with the servers' own programs, in a folder that has the migrations."""
        path = os.pathsep.join((str(self.bin_dir), str(Path(sys.executable).parent)))
        done = subprocess.run(
            ["/bin/sh", "-euc", script],
            cwd=self.folder,
            env={
                **os.environ,
                **self.variables,
                **variables,
                "PATH": f"{path}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(ROOT),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"

    def faults(self, url: str) -> list[tuple[str, str]]:
        """Return what section 8 of the audit finds in a database, and what about."""
        with opened(self.here) as scratch:
            expected = enforcement.expected_of(scratch, migrations.load(MIGRATIONS))
        with reading(self.variables[url], Limits()) as connection:
            section = enforcement.inspect(connection, expected)
        return [(fault.about, fault.what) for fault in section.faults]

    @contextmanager
    def asking(self, url: str) -> Iterator[psycopg.Connection[Any]]:
        """Connect to a database."""
        with psycopg.connect(self.variables[url], autocommit=True) as connection:
            yield connection


def plain(server: Server, database: str = "postgres") -> str:
    """Return the address of a database as somebody would write it."""
    assert server.cluster
    return make_conninfo(server.cluster.conninfo, dbname=database)


def commands(heading: str) -> str:
    """Return the commands that the page has below a heading."""
    return "".join(blocks(heading))


def blocks(heading: str) -> list[str]:
    """Return them block by block."""
    text = PAGE.read_text(encoding="utf-8")
    below = re.split(r"\n#+ ", text.split(f"# {heading}\n", 1)[1], maxsplit=1)[0]
    found: list[str] = re.findall(r"```sh\n(.*?)```", below, re.DOTALL)
    assert found
    return found


@pytest.fixture(params=[15, 18])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    """Two servers, and a database in use."""
    wanted = Request(major=request.param)
    with provision(wanted, SETTINGS) as here, provision(wanted, SETTINGS) as there:
        yield Machine(here, there, tmp_path)


def goes_on(connection: psycopg.Connection[Any], *, after: int = 3) -> None:
    """Check that events are counted on, that specs are searched, and that rights are as before."""
    assert [(after + 1,)] == connection.execute(NEXT, [JOB]).fetchall()
    assert [(3,)] == connection.execute(NEXT, [TEAM]).fetchall()
    assert [(1,)] == connection.execute(FOUND).fetchall()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SET ROLE framecast_app; CREATE TEMPORARY TABLE mine ()")
    connection.execute("RESET ROLE")


def test_a_dump_is_restored(machine: Machine) -> None:
    """On a new server a restored database passes the audit, and goes on where it stopped."""
    machine.follow("Back up")
    machine.follow("Restore")

    with machine.asking("RESTORED_URL") as connection:
        goes_on(connection)


def test_a_restore_over_a_new_database_is_found(machine: Machine) -> None:
    """Where nobody has taken from everybody the right to temporary tables, the audit says so."""
    machine.follow("Back up")
    script = commands("Restore").splitlines()
    machine.run("\n".join(line for line in script if "REVOKE" not in line and "audit" not in line))

    about = "privilege TEMPORARY on the database to PUBLIC"
    assert [(about, "no part of the migrations")] == machine.faults("RESTORED_URL")


def test_a_standby_takes_over(machine: Machine) -> None:
    """A physical standby passes the audit, and goes on where the primary stopped."""
    standby = machine.there.cluster
    assert standby
    standby.kill()
    data = standby.folder / "data"
    shutil.rmtree(data)
    machine.follow("A physical standby", STANDBY_DATA=str(data))
    seed.give(data, binaries.inspect(machine.bin_dir, "the server's own").identity)
    standby.start()
    machine.variables["STANDBY_URL"] = plain(machine.there, "framecast")
    assert [] == machine.faults("STANDBY_URL")

    with machine.asking("STANDBY_URL") as connection:
        assert [(True, True)] == connection.execute(
            "SELECT pg_is_in_recovery(), pg_promote()"
        ).fetchall()
        goes_on(connection)


def test_a_logical_replica_takes_over(machine: Machine) -> None:
    """A replica that is sent all tables passes the audit, and goes on where the origin stopped."""
    copying, taking_over = blocks("A logical replica")
    machine.run(copying)
    with machine.asking("DATABASE_URL") as connection:
        connection.execute(NEXT, [JOB])
        connection.execute("DELETE FROM job_events WHERE job_id = %s", [JOB])
    machine.run(taking_over)

    with machine.asking("REPLICA_URL") as connection:
        goes_on(connection, after=4)


def test_a_replica_that_migrations_have_made(machine: Machine) -> None:
    """Its matrix is in the way: the audit says so, and the commands of the page let it through."""
    with psycopg.connect(machine.there.conninfo, autocommit=True) as connection:
        connection.execute("CREATE DATABASE framecast_replica ENCODING 'UTF8' TEMPLATE template0")
    with machine.asking("REPLICA_URL") as connection:
        migrations.install(connection, migrations.load(MIGRATIONS))
        machine.run("\n".join(blocks("A logical replica")[0].splitlines()[-2:]))
        stuck = {("role_permissions", "d")}
        assert until(lambda: stuck == {row for row in connection.execute(STATES) if row[1] != "r"})
        (what,) = [what for _, what in machine.faults("REPLICA_URL") if what.endswith(" yet")]
        assert what.startswith("writes to role_permissions as a replica")

        machine.follow("A replica that the migrations have made")
        assert until(lambda: {"r"} == {state for _, state in connection.execute(STATES)})
        connection.execute("DROP SUBSCRIPTION framecast")
        goes_on(connection)


def test_a_copy_without_the_books(machine: Machine) -> None:
    """A replica of `public` alone is found by the audit, and the commands of the page mend it."""
    copying, taking_over = blocks("A logical replica")
    machine.run(copying.replace("FOR ALL TABLES", "FOR TABLES IN SCHEMA public"))
    machine.run("\n".join(taking_over.splitlines()[:-1]))
    books = {"books framecast.job_event_counters", "books framecast.project_specs"}
    assert books == {about for about, _ in machine.faults("REPLICA_URL")}

    machine.follow("A copy without the books")
    assert [] == machine.faults("REPLICA_URL")
    with machine.asking("REPLICA_URL") as connection:
        goes_on(connection, after=0)


INITDB: Final = "--username=postgres --auth=trust --encoding=UTF8 --no-locale --no-sync"


@pytest.fixture
def cluster() -> Iterator[Path]:
    """A folder for data directories and sockets, which a server's own user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="framecast-upgrade-", dir=folders.base()))
    yield folder
    shutil.rmtree(folder)


def test_an_upgrade(cluster: Path) -> None:
    """A database that pg_upgrade has brought from 15 to 18 goes on where it stopped."""
    with provision(Request(major=15)) as server, psycopg.connect(server.conninfo) as connection:
        ((old_bin,),) = connection.execute(BINDIR).fetchall()
    with provision(Request(major=18)) as server, psycopg.connect(server.conninfo) as connection:
        ((new_bin,),) = connection.execute(BINDIR).fetchall()
    old, new = (binaries.inspect(Path(each), "its own") for each in (old_bin, new_bin))
    seed.give(cluster, new.identity)
    _as_server(old, cluster, f"{old_bin}/initdb --pgdata=old {INITDB}")
    _as_server(new, cluster, f"{new_bin}/initdb --pgdata=new {INITDB} --no-data-checksums")
    with _running(old, cluster, "old") as connection:
        migrations.install(connection, migrations.load(MIGRATIONS))
        connection.execute(f"BEGIN; {ROWS}; COMMIT")
    places = {"OLD_BIN": old_bin, "NEW_BIN": new_bin, "OLD_DATA": "old", "NEW_DATA": "new"}
    setting = " ".join(f"{name}={shlex.quote(each)}" for name, each in places.items())
    script = commands("Upgrade PostgreSQL").replace("pg_upgrade ", f"{new_bin}/pg_upgrade ", 1)
    _as_server(new, cluster, f"{setting}; {script}")
    with _running(new, cluster, "new") as connection:
        assert 180000 <= connection.info.server_version
        goes_on(connection)


def _as_server(programs: Binaries, folder: Path, script: str) -> None:
    """Run commands in a folder, as whom a server runs: some of them refuse root."""
    shell = ["/bin/sh", "-euc", f"cd {shlex.quote(str(folder))}; {script}"]
    done = identity.run_as(programs.identity, shell)
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"


@contextmanager
def _running(programs: Binaries, folder: Path, data: str) -> Iterator[psycopg.Connection[Any]]:
    """Start a server on a data directory, connect to it, and stop it in order."""
    control = f"{programs.bin_dir}/pg_ctl --pgdata={data} --log=log --wait"
    options = shlex.quote(f"-k {folder} -c listen_addresses= -c fsync=off")
    _as_server(programs, folder, f"{control} --options={options} start")
    try:
        with psycopg.connect(host=str(folder), user="postgres", autocommit=True) as connection:
            yield connection
    finally:
        _as_server(programs, folder, f"{control} --mode=fast stop")
