"""Scratch databases: made for a run, recognised by their name, and dropped when it has ended.

A run holds an advisory lock while it goes on, and its number is part of every name that it gives.
So a database whose run holds no lock is what a killed run left, and the next run drops it. No
other database of the server is ever touched. A role belongs to the server: the application's, which
the migrations make where there is none, goes with the run that made it.
"""

from __future__ import annotations

import re
import secrets
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from conformance.engine.deployment import migrations, stand_ins
from conformance.engine.domain.chosen import domain
from conformance.engine.postgres import roles
from conformance.engine.postgres.request import ProvisionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.postgres.server import Server

PREFIX = "framecast_conformance_"
LONGEST_NAME = 63
PATIENCE = 10.0  # seconds for a session that we have closed to be gone from the server
PAUSE = 0.002

LEFT_BEHIND = """
    SELECT datname
      FROM pg_catalog.pg_database
     WHERE pg_catalog.starts_with(datname, %(prefix)s)
       AND pg_catalog.pg_has_role(datdba, 'USAGE')
     ORDER BY datname
"""
RUNS_ALIVE = """
    SELECT classid::bigint << 32 | objid::bigint
      FROM pg_catalog.pg_locks
     WHERE locktype = 'advisory' AND objsubid = 1 AND granted
"""
MEMBER = "GRANT {} TO CURRENT_USER"
ROLE = "SELECT FROM pg_catalog.pg_roles WHERE rolname = %s"
TEMPORARY = "SELECT pg_catalog.has_database_privilege('public', %s, 'TEMPORARY')"
# What each session in a database begins with, as the database says: of all roles, or of one.
BEGINS = """
    SELECT r.rolname, split_part(c.setting, '=', 1), substr(c.setting, strpos(c.setting, '=') + 1)
      FROM pg_catalog.pg_db_role_setting AS s
      JOIN pg_catalog.pg_database AS d ON d.oid = s.setdatabase
      LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
     CROSS JOIN pg_catalog.unnest(s.setconfig) AS c (setting)
     WHERE d.datname = %s
"""
FIRING = "session_replication_role"
SESSIONS = """
    SELECT
      FROM pg_catalog.pg_stat_activity
     WHERE datname = %s AND backend_type = 'client backend'
"""
END_WORKERS = """
    SELECT pg_catalog.pg_terminate_backend(pid, %(milliseconds)s)
      FROM pg_catalog.pg_stat_activity
     WHERE application_name = %(run)s AND pid <> pg_catalog.pg_backend_pid()
"""


@dataclass(frozen=True)
class Database:
    """A database that is ours to write to.

    Attributes:
        name: Its name on the server.
        conninfo: How to connect to it; may hold a password, hence not shown.
    """

    name: str
    conninfo: str = field(repr=False)

    def connect(self) -> psycopg.Connection[Any]:
        """Open a connection of its own, in autocommit mode and without prepared statements."""
        return psycopg.connect(
            self.conninfo, autocommit=True, prepare_threshold=None, client_encoding="utf8"
        )


@dataclass(frozen=True)
class Template:
    """A sealed database with a schema in it: nobody can connect to it, anybody can clone it.

    Attributes:
        name: Its name on the server.
    """

    name: str


class Scratch:
    """The scratch databases of one run, or of one of its workers, on one server."""

    def __init__(self, server: Server, token: str, worker: str) -> None:
        """Use `opened` for a run and `joined` for a worker of a run that is open.

        Args:
            server: Where the databases are made.
            token: The run's number, twelve hexadecimal digits.
            worker: A short name, different for each worker of the run.
        """
        self.server = server
        self.token = token
        self._prefix = f"{PREFIX}{token}_{worker}_"
        self._dropped = self._prefix
        self._application, self._makes_role = "", False
        self._numbers = count(1)
        self._templates: dict[tuple[Migration, ...], Template] = {}
        self._open: dict[str, bool] = {}  # templates by whether all may make temporary tables
        self._begins: dict[str, list[tuple[Any, ...]]] = {}  # settings of templates
        self._run = f"{PREFIX}{token}"
        self._ends_workers = False
        self._roles: roles.Facts = {}  # before the run
        self._named: set[str] = set()  # in what was installed
        self._admin = psycopg.connect(
            server.conninfo,
            autocommit=True,
            prepare_threshold=None,
            application_name=self._run,
        )

    def template(self, directory: Path) -> Template:
        """Return a sealed database with the migrations of a folder installed; one per content.

        Raises:
            MigrationError: The folder has none, or one of them fails.
        """
        read = migrations.load(directory)
        if read not in self._templates:
            self._templates[read] = self._sealed(read)
        return self._templates[read]

    def clone(self, template: Template, label: str = "clone") -> Database:
        """Make a new database that is a copy of a template."""
        name = self._name(label)
        strategy = "STRATEGY file_copy" if self.server.owned else ""
        self._create(name, f"TEMPLATE {{}} {strategy}", template.name)
        if not self._lets_everybody(template):
            self._execute("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC", name)
        return self._begun_alike(template, self._database(name))

    def seal(self, database: Database) -> Template:
        """Turn a database into a template: nobody can connect to it any more.

        Our own sessions are waited for, since CREATE DATABASE would wait for them too, but look
        again only every 100 ms.
        """
        self._execute("ALTER DATABASE {} ALLOW_CONNECTIONS false", database.name)
        deadline = time.monotonic() + PATIENCE
        while self._admin.execute(SESSIONS, [database.name]).rowcount:
            if time.monotonic() > deadline:
                message = f"sessions of database {database.name} are not closed: close them first"
                raise ProvisionError(message)
            time.sleep(PAUSE)
        return Template(database.name)

    @contextmanager
    def cloned(self, template: Template, label: str = "clone") -> Iterator[Database]:
        """Make a copy of a template for the length of a ``with`` block."""
        database = self.clone(template, label)
        try:
            yield database
        finally:
            self.drop(database)

    @contextmanager
    def lent(self, template: Template, text: str, label: str = "clone") -> Iterator[Database]:
        """Make a copy of a template for files to be tried in; what they make of roles goes with it.

        Args:
            template: what is copied.
            text: of all these files.
            label: part of the copy's name.
        """
        with self.roles_kept(text), self.cloned(template, label) as database:
            yield database

    @contextmanager
    def roles_kept(self, text: str) -> Iterator[None]:
        """Let files be run, and give roles that they name what they had before.

        Args:
            text: of all these files.
        """
        before = roles.facts(self._admin)
        try:
            yield
        finally:
            roles.take_back(self._admin, before, roles.names(text))

    def extensions(self) -> frozenset[str]:
        """Return the extensions that can be made here, and the ways in which a table is stored."""
        return frozenset(name for (name,) in self._admin.execute(stand_ins.FOUND))

    def drop(self, database: Database | Template) -> None:
        """Drop a database of this run, whoever is connected to it."""
        self._drop(database.name)

    def close(self) -> None:
        """Drop what was made here, unless the server goes with it; harmless when done twice.

        A worker whose session has been ended has nothing to drop: who ended it does that.
        """
        ended = () if self._ends_workers else (errors.AdminShutdown,)
        with suppress(*ended), self._admin:
            if not self.server.owned and not self._admin.closed:
                if self._ends_workers:
                    named = {"run": self._run, "milliseconds": int(PATIENCE * 1000)}
                    self._admin.execute(END_WORKERS, named)
                with ExitStack() as ends:  # each of them, whatever becomes of the others
                    if self._makes_role:
                        ends.callback(self._drop_role)
                    if self._ends_workers:
                        ends.callback(roles.take_back, self._admin, self._roles, self._named)
                    for name in self._ours(self._dropped):
                        ends.callback(self._drop, name)

    def hold(self) -> None:
        """Mark the run as alive while this is open, and have `close` drop all of the run's.

        That includes what its workers made, of which some may have crashed, and others may still
        be making more: after an interrupt nobody has waited for them. So they lose their sessions.
        """
        self._ends_workers = True
        self._dropped = f"{PREFIX}{self.token}_"
        self._admin.execute("SELECT set_config('idle_session_timeout', '0', false)")
        self._admin.execute("SELECT pg_advisory_lock(%s)", [int(self.token, 16)])
        self._roles = roles.facts(self._admin)
        self._application = domain().application
        self._makes_role = bool(self._application) and not (
            self._admin.execute(ROLE, [self._application]).rowcount
        )

    def sweep(self) -> None:
        """Drop what runs that are no longer alive have left on the server."""
        left = {name: _number(name) for name in self._ours(PREFIX)}
        # Read after the names: a run takes its lock before it makes its first database.
        alive = {number for (number,) in self._admin.execute(RUNS_ALIVE)}
        for name, number in left.items():
            if number is not None and number not in alive:
                try:
                    self._drop(name)
                except (errors.InsufficientPrivilege, errors.ObjectInUse, errors.InternalError_):
                    continue  # another run drops it at this moment, or a later one will

    def _sealed(self, read: tuple[Migration, ...]) -> Template:
        database = self._database(self._name("template"))
        self._create(database.name, f"TEMPLATE template0 ENCODING 'UTF8' {self._locale()}")
        self._named.update(*(roles.names(file.sql) for file in read))
        try:
            with database.connect() as connection:
                migrations.install(connection, read)
                if self._makes_role and not self.server.superuser:
                    # Whoever makes a role may make itself a member, to try what the role may do.
                    with suppress(errors.InsufficientPrivilege, errors.UndefinedObject):
                        member = sql.Identifier(self._application)
                        connection.execute(sql.SQL(MEMBER).format(member))
            return self.seal(database)
        except BaseException:
            self._drop(database.name)
            raise

    def _lets_everybody(self, template: Template) -> bool:
        """Return whether all may make temporary tables, which is not cloned with a database."""
        if template.name not in self._open:
            answer = self._admin.execute(TEMPORARY, [template.name]).fetchone()
            self._open[template.name] = answer != (False,)
        return self._open[template.name]

    def _begun_alike(self, template: Template, clone: Database) -> Database:
        """Give a clone the settings of its template, which are not cloned with a database.

        From what is set here: of a list, no text can be given in the place of its names. Where no
        trigger would fire, the suite's would not either: its sessions begin as usual.
        """
        if template.name not in self._begins:
            self._begins[template.name] = self._admin.execute(BEGINS, [template.name]).fetchall()
        begins = self._begins[template.name]
        for role, setting, value in begins:
            parts = setting.split(".")
            change = f"SET {'.'.join('{}' for _ in parts)} FROM CURRENT"
            with self._admin.transaction():
                self._admin.execute("SELECT set_config(%s, %s, true)", [setting, value])
                if role is None:
                    self._execute(f"ALTER DATABASE {{}} {change}", clone.name, *parts)
                else:
                    named = role, clone.name, *parts
                    self._execute(f"ALTER ROLE {{}} IN DATABASE {{}} {change}", *named)
        if not any(setting == FIRING for _, setting, _ in begins):
            return clone
        options = conninfo_to_dict(clone.conninfo).get("options", "")
        usual = make_conninfo(clone.conninfo, options=f"{options} -c {FIRING}=origin")
        return Database(clone.name, usual)

    def _locale(self) -> str:
        """Keep the server's own locale where it can be combined with UTF-8."""
        query = "SELECT encoding FROM pg_catalog.pg_database WHERE datname = 'template0'"
        utf8 = "SELECT pg_catalog.pg_char_to_encoding('UTF8')"
        same = self._admin.execute(f"SELECT ({query}) = ({utf8})").fetchone()
        return "" if same == (True,) else "LOCALE_PROVIDER libc LOCALE 'C'"

    def _create(self, name: str, options: str, *names: str) -> None:
        try:
            self._execute(f"CREATE DATABASE {{}} {options}", name, *names)
        except errors.InsufficientPrivilege as error:
            message = f"cannot create a scratch database: {error.diag.message_primary}"
            raise ProvisionError(message) from error

    def _drop(self, name: str) -> None:
        try:
            self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        except errors.InsufficientPrivilege:
            # Autovacuum is at work there, which only a superuser may end; without force the server
            # ends it by itself.
            self._execute("DROP DATABASE IF EXISTS {}", name)

    def _drop_role(self) -> None:
        """Drop the application's role, which was not there before, unless somebody uses it."""
        with suppress(errors.DependentObjectsStillExist, errors.InsufficientPrivilege):
            self._execute("DROP ROLE IF EXISTS {}", self._application)

    def _execute(self, statement: str, *names: str) -> None:
        identifiers = [sql.Identifier(name) for name in names]
        self._admin.execute(sql.SQL(statement).format(*identifiers))

    def _ours(self, prefix: str) -> list[str]:
        return [name for (name,) in self._admin.execute(LEFT_BEHIND, {"prefix": prefix})]

    def _name(self, label: str) -> str:
        name = f"{self._prefix}{next(self._numbers)}_{re.sub('[^a-z0-9]+', '_', label.lower())}"
        return name[:LONGEST_NAME]

    def _database(self, name: str) -> Database:
        return Database(name, make_conninfo(self.server.conninfo, dbname=name))


@contextmanager
def opened(server: Server) -> Iterator[Scratch]:
    """Begin a run on a server, and drop all its databases at the end.

    What earlier runs left on a server that is not our own is dropped first.
    """
    scratch = Scratch(server, secrets.token_hex(6), "main")
    try:
        scratch.hold()
        if not server.owned:
            scratch.sweep()
        yield scratch
    finally:
        scratch.close()


@contextmanager
def joined(server: Server, token: str, worker: str) -> Iterator[Scratch]:
    """Take part in a run that another process began; drop our own databases at the end."""
    scratch = Scratch(server, token, worker)
    try:
        yield scratch
    finally:
        scratch.close()


def _number(name: str) -> int | None:
    """Return the number of the run that gave a database its name."""
    found = re.match(r"[0-9a-f]{12}(?=_)", name.removeprefix(PREFIX))
    return int(found[0], 16) if found else None
