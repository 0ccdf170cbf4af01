"""The schema to begin with: a database in use, or a folder of migrations on a scratch server."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from conformance.engine.audit.target import Limits, reading
from conformance.engine.deployment import migrations
from conformance.engine.postgres import Request, provision, scratch
from conformance.engine.postgres.surroundings import withdrawn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import psycopg

    from conformance.engine.postgres.scratch import Scratch


@contextmanager
def opened(
    source: str | Path, options: Mapping[str, str | None], limits: Limits | None = None
) -> Iterator[psycopg.Connection[Any]]:
    """Open a read-only transaction on a schema.

    Args:
        source: a folder of migrations, or the address of a database.
        options: which scratch server to use, by the names of `Request`'s attributes.
        limits: how long anything may take there.

    Raises:
        TargetError: the database cannot be reached, or did not answer in time.
        MigrationError: the folder holds no migration, or one fails.
        ProvisionError: there is no scratch server.
    """
    with ExitStack() as exits:
        if isinstance(source, str):
            url = source
        else:
            migrations.load(source)
            completed = exits.enter_context(withdrawn(Request.read(options, os.environ)))
            server = exits.enter_context(provision(completed))
            url = exits.enter_context(
                installed(exits.enter_context(scratch.opened(server)), source)
            )
        yield exits.enter_context(reading(url, limits or Limits()))


@contextmanager
def installed(databases: Scratch, folder: Path) -> Iterator[str]:
    """Install the migrations of a folder into a database of their own; lend its address."""
    with databases.cloned(databases.template(folder), "init") as database:
        yield database.conninfo
