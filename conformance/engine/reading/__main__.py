"""Print what the guards of each rule read, as needs.toml has it."""

import sys
from pathlib import Path

import psycopg

from conformance.engine.postgres import Request, provision, scratch
from conformance.engine.reading.needs import written
from conformance.engine.reading.places import needed

MIGRATIONS = Path("migrations")

if __name__ == "__main__":
    with (
        provision(Request()) as server,
        scratch.opened(server) as databases,
        databases.cloned(databases.template(MIGRATIONS), "reads") as database,
        psycopg.connect(database.conninfo, autocommit=True) as connection,
    ):
        sys.stdout.write(written(needed(connection)))
