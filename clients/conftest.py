"""A database for the clients, and their programs as processes that are started once."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from clients.harness import Client, Place, connected, database
from clients.preparing import prepare
from conformance.engine.postgres.scratch import Scratch

MIGRATIONS = Path("migrations")


@pytest.fixture(scope="session")
def place(scratch: Scratch) -> Iterator[Place]:
    """Make a database with the schema, and install what the programs of node need."""
    prepare()
    with database(scratch, MIGRATIONS) as place:
        yield place


@pytest.fixture(scope="session")
def client(place: Place) -> Iterator[Callable[[str], Client]]:
    """Return what starts a client, or finds it started."""
    started: dict[str, Client] = {}
    with ExitStack() as ends:

        def find(name: str) -> Client:
            if name not in started:
                started[name] = ends.enter_context(connected(name, place))
            return started[name]

        yield find
