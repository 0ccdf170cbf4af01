"""The application's role on a server, and rights that it should not have or lack."""

import shutil
from pathlib import Path

import psycopg

from conformance.engine.postgres.scratch import Scratch, Template
from conformance.framecast.application import APPLICATION

MIGRATIONS = Path(__file__).parents[2] / "migrations"
MAKE = f"""
DO $$
BEGIN
    CREATE ROLE {APPLICATION} NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END;
$$
"""


def have_role(conninfo: str) -> None:
    """Make the role, unless the server has it."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(MAKE)


def planted(scratch: Scratch, folder: Path, sql: str) -> Template:
    """Return a template of the migrations with another one after them."""
    schema = Path(shutil.copytree(MIGRATIONS, folder / "migrations"))
    (schema / "999_planted.sql").write_text(sql)
    return scratch.template(schema)
