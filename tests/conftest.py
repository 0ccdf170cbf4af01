"""Fixtures that several modules share."""

import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from conformance.engine.arguments import FINDINGS, NOWHERE
from conformance.engine.database.sandbox import Sandbox
from conformance.engine.migrate import runner
from conformance.engine.postgres import Server
from conformance.engine.postgres.scratch import Database, Scratch, Template
from conformance.framecast.application import APPLICATION
from conformance.framecast.races.harness import Harness
from tests.support.environment import unchanged
from tests.support.migrating import Project


def pytest_configure(config: pytest.Config) -> None:
    """Let a warning fail our own tests, and no run of the suite by somebody else.

    What runs of schemas with planted faults find is nobody's to keep.
    """
    # Under nohup, or beside another command of a script, signals that tests send would be ignored.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.setdefault(FINDINGS, NOWHERE)
    # Hypothesis reads the constants of all our modules, which takes seconds in a folder of its own.
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(config.rootpath / ".hypothesis"))
    config.addinivalue_line("filterwarnings", "error")
    config.addinivalue_line("markers", "slow: takes tens of seconds, so that it begins first")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long: begun last, it would keep one worker busy and the others idle."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def environment_as_it_was() -> Iterator[None]:
    """Take back what a test did to the environment, which later tests give to other processes."""
    with unchanged():
        yield


@pytest.fixture(scope="session")
def empty_template(scratch: Scratch, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Make a sealed database with nothing in it."""
    folder = tmp_path_factory.mktemp("empty")
    (folder / "nothing.sql").write_text("-- nothing\n")
    return scratch.template(folder)


@pytest.fixture
def roles_alone(server: Server) -> Iterator[None]:
    """Keep other workers' roles away: roles are the server's, and an audit sees them all."""
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtext('roles of the tests'))")
        yield


@pytest.fixture
def empty(scratch: Scratch, empty_template: Template) -> Iterator[Database]:
    """Lend a new database with nothing in it."""
    with scratch.cloned(empty_template, "empty") as database:
        yield database


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder for migrations."""
    path = tmp_path / "migrations"
    path.mkdir()
    return path


@pytest.fixture
def project(empty: Database, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Set up a folder with one migration and a database with nothing in it."""
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("DATABASE_URL", empty.conninfo)
    monkeypatch.delenv("CONFORMANCE_MIGRATIONS", raising=False)  # of this run
    with ExitStack() as processes:
        project = Project(folder, empty.conninfo, processes)
        project.write(a="CREATE TABLE a ()")
        yield project


@pytest.fixture
def watcher(empty: Database) -> Iterator[psycopg.Connection[Any]]:
    """Connect to the same database, to look on and to stand in the way."""
    with empty.connect() as conn:
        yield conn


@pytest.fixture(scope="module")
def application(scratch: Scratch, template: Template) -> Iterator[str]:
    """Make a database and a login that an application would use; return how it connects."""
    login = f"client_{secrets.token_hex(4)}"
    with scratch.cloned(template, "clients") as database, database.connect() as owner:
        owner.execute(f"CREATE ROLE {login} LOGIN IN ROLE {APPLICATION}".encode())
        try:
            yield make_conninfo(database.conninfo, user=login)
        finally:
            owner.execute(f"DROP ROLE {login}".encode())


@pytest.fixture
def client(application: str) -> Iterator[psycopg.Connection[Any]]:
    """Connect as an application does; what is not committed is taken back."""
    with psycopg.connect(application) as connection:
        yield connection
        connection.rollback()


@pytest.fixture(scope="module")
def harness(scratch: Scratch, template: Template) -> Iterator[Harness]:
    """Lend a database of this module's own, with sessions that race on it."""
    with (
        scratch.cloned(template, "races") as database,
        Sandbox(database.conninfo) as sandbox,
        Harness(sandbox, database.conninfo) as harness,
    ):
        yield harness


@pytest.fixture(scope="module")
def target(scratch: Scratch, empty_template: Template, schema: Path) -> Iterator[Database]:
    """Lend a database that `migrate` has made."""
    with scratch.cloned(empty_template, "target") as database:
        runner.migrate(database.conninfo, schema, 5, lambda _line: None)
        yield database


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """Copy the project's own migrations, with the linter's configuration above them."""
    project = tmp_path_factory.mktemp("project")
    shutil.copy(pytestconfig.rootpath / ".squawk.toml", project)
    return shutil.copytree(pytestconfig.rootpath / "migrations", project / "migrations")


@pytest.fixture
def pending(schema: Path) -> Iterator[Path]:
    """Lend the name of a file beside the applied ones."""
    path = schema / "900_next.sql"
    yield path
    path.unlink(missing_ok=True)
