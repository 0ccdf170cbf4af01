"""Print the rejections of the schema, as migrations/rules.json has them."""

import sys
from pathlib import Path

import psycopg

from conformance.engine.postgres import Request, provision, scratch
from conformance.engine.rejections.listing import written

MIGRATIONS = Path("migrations")

if __name__ == "__main__":
    with (
        provision(Request()) as server,
        scratch.opened(server) as databases,
        databases.cloned(databases.template(MIGRATIONS), "rejections") as database,
        psycopg.connect(database.conninfo, autocommit=True) as connection,
    ):
        sys.stdout.write(written(connection))
