"""A client as a process of its own, connected as an application connects, and judged by flow."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict

from clients.flows import HERE, Flow, begin, filled
from clients.preparing import NODE, tool
from conformance.engine.postgres.scratch import Scratch
from conformance.framecast.application import APPLICATION

LOGIN: Final = "framecast_client"
# How each client is started: a module of Python, or a program of node.
CLIENTS: Final = {
    "SQL (psycopg)": "clients.python.with_psycopg",
    "SQLAlchemy, psycopg": "clients.python.with_sqlalchemy",
    "SQLAlchemy, asyncpg": "clients.python.with_asyncpg",
    "Django": "clients.python.with_django",
    "Peewee": "clients.python.with_peewee",
    "Knex": "knex.ts",
    "Drizzle": "drizzle.ts",
    "TypeORM": "typeorm.ts",
    "Prisma": "prisma.ts",
    "Sequelize": "sequelize.ts",
}


@dataclass(frozen=True)
class Outcome:
    """Outcome of a flow.

    Attributes:
        done: whether the client took it for done, and the rows say so too.
        sqlstate: what it was refused with.
        constraint: what the client's own exception says refused it.
        message: the exception, for whoever reads a failure.
        answer: what rules.json says to do, as the client has looked it up.
        hint: what it says to show.
        known: whether the client has this flow at all.
    """

    done: bool = False
    sqlstate: str | None = None
    constraint: str | None = None
    message: str = ""
    answer: str = ""
    hint: str = ""
    known: bool = True

    def __str__(self) -> str:
        """Return it in a word."""
        if not self.known:
            return "none"
        if self.done:
            return "done"
        return self.constraint or self.sqlstate or "not done"


class Client:
    """A client that does flows in a database."""

    def __init__(self, process: subprocess.Popen[str], owner: psycopg.Connection[Any]) -> None:
        """Use `connected`."""
        self._process = process
        self._owner = owner

    def does(self, flow: Flow) -> Outcome:
        """Do a flow from the beginning, and look what became of it.

        Raises:
            RuntimeError: The client has ended: it said why on the error output.
        """
        begin(self._owner)
        self.starts(flow)
        return self.ends(flow)

    def starts(self, flow: Flow) -> None:
        """Let it start a flow, on the rows that there are."""
        if self._process.stdin is not None:
            self._process.stdin.write(f"{flow.name}\n")
            self._process.stdin.flush()

    def ends(self, flow: Flow) -> Outcome:
        """Wait for the flow that was started, and look what became of it."""
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            message = f"the client has ended with {self._process.wait()} in {flow.name}"
            raise RuntimeError(message)
        told = json.loads(line)
        if not told:
            return Outcome(known=False)
        if not told.pop("done", False):
            return Outcome(**told)
        answer = self._owner.execute(filled(flow.done or "SELECT true").encode()).fetchone()
        return Outcome(done=answer == (True,))


class Place(NamedTuple):
    """A database with a schema, and how the owner and an application find it.

    Attributes:
        conninfo: the owner's.
        owner: environment variables that every client knows.
        application: the same for a member of the application's role.
    """

    conninfo: str
    owner: dict[str, str]
    application: dict[str, str]


@contextmanager
def database(scratch: Scratch, folder: Path) -> Iterator[Place]:
    """Make a database with a folder's schema, and a login, for the length of a block."""
    password = secrets.token_hex(8)
    with (
        scratch.cloned(scratch.template(folder), "clients") as made,
        made.connect() as owner,
    ):
        owner.execute(
            f"CREATE ROLE {LOGIN} LOGIN PASSWORD '{password}' IN ROLE {APPLICATION}".encode()
        )
        try:
            given = {key: str(value) for key, value in conninfo_to_dict(made.conninfo).items()}
            found = {
                "PGHOST": given.get("host", "localhost"),
                "PGPORT": given.get("port", "5432"),
                "PGDATABASE": given["dbname"],
                "PGUSER": given["user"],
                "PGPASSWORD": given.get("password", ""),
            }
            application = {**found, "PGUSER": LOGIN, "PGPASSWORD": password}
            yield Place(made.conninfo, found, application)
        finally:
            owner.execute(f"DROP ROLE {LOGIN}".encode())


@contextmanager
def connected(name: str, place: Place) -> Iterator[Client]:
    """Start a client, and end it after a block."""
    program = CLIENTS[name]
    is_node = program.endswith(".ts")
    command = [tool("tsx"), program] if is_node else [sys.executable, "-m", program]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    with ExitStack() as ends:
        owner = ends.enter_context(psycopg.connect(place.conninfo, autocommit=True))
        process = ends.enter_context(
            subprocess.Popen(  # noqa: S603 - our own programs
                command,
                cwd=NODE if is_node else HERE.parent,
                env={**os.environ, **place.application, "PATH": path},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        yield Client(process, owner)
        if process.stdin is not None:
            process.stdin.close()
