"""Helpers that tests of servers share."""

import psycopg
import pytest

from conformance.engine.postgres import ProvisionError, Request, Server, provision


def complaint(request: Request, settings: dict[str, str] | None = None) -> str:
    """Return the message with which a request fails."""
    with pytest.raises(ProvisionError) as caught, provision(request, settings):
        pass
    return str(caught.value)


def ask(server: Server, query: str) -> object:
    """Return the one value of a query."""
    with psycopg.connect(server.conninfo) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]
