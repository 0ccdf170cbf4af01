"""The installed schema: its types, columns, keys, indexes and functions are what was promised."""

import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from conformance.engine.deployment.migrations import load
from conformance.engine.postgres import Request, binaries, provision
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.engine.sql.writes import Insert, statements
from strategies.enums import ENUMS
from strategies.tables import COLUMNS, DERIVED, REQUIRED
from strategies.world import World
from tests.planted.planting import invitation, membership
from tests.support.granting import have_role

MIGRATIONS: Final = Path(__file__).parents[2] / "migrations"

# Each column as `name type`, with `!` for not null and `=default`. All but `usage` begin with the
# id and end with created_at, those in TOUCHED with updated_at as well.
TABLES: Final = {
    "users": """
        email text!; name text; avatar_url text; tier user_tier! ='starter'; credits integer! =0;
        ephemeral_storage_bytes bigint! =0; upgraded_at timestamptz""",
    "teams": """
        name text!; slug text! ='(made from the name)'; credits integer! =0;
        ephemeral_storage_bytes bigint! =0; settings jsonb! ='{}'""",
    "memberships": "team_id uuid!; user_id uuid!; role membership_role! ='member'",
    "invitations": """
        team_id uuid!; invited_by uuid!; email text!; role invitation_role! ='member';
        token text!; expires_at timestamptz! =now() + '168:00:00'; accepted_at timestamptz;
        revoked_at timestamptz""",
    "api_keys": """
        user_id uuid!; owner text!; name text! ='Default'; key_prefix text!; key_hash text!;
        scopes jsonb! ='["*"]'; last_used_at timestamptz; expires_at timestamptz;
        revoked_at timestamptz""",
    "projects": """
        team_id uuid!; created_by uuid!; name text!; status project_status! ='draft';
        spec jsonb""",
    "jobs": """
        owner text!; triggered_by uuid!; project_id uuid; status job_status! ='queued';
        spec_snapshot jsonb!; options jsonb! ='{}'; progress jsonb! ='{}'; output jsonb;
        output_size_bytes bigint; error jsonb; credits_charged integer! =0;
        failure_type job_failure_type; credits_refunded integer! =0; idempotency_key text;
        started_at timestamptz; completed_at timestamptz""",
    "job_events": """
        job_id uuid!; sequence bigint! =0; event_type job_event_type!; payload jsonb! ='{}'""",
    "asset_files": """
        owner text!; uploaded_by uuid!; project_id uuid; filename text!; s3_key text!;
        content_type text!; size_bytes bigint!; status asset_status! ='pending';
        metadata jsonb! ='{}'""",
    "webhooks": """
        team_id uuid!; created_by uuid!; url text!; events webhook_event_type[]!; secret text!;
        is_active boolean! =true; last_triggered_at timestamptz""",
    "webhook_deliveries": """
        webhook_id uuid!; job_id uuid; event_type text!;
        status webhook_delivery_status! ='pending'; payload jsonb!; response_status integer;
        response_body text; attempts integer! =0; max_attempts integer! =5;
        next_retry_at timestamptz; delivered_at timestamptz""",
    "usage": """
        id uuid! =gen_random_uuid(); owner text!; period text!; renders_count integer! =0;
        render_seconds integer! =0; credits_used integer! =0; credits_refunded integer! =0;
        api_calls integer! =0; updated_at timestamptz! =now()""",
    "system_assets": """
        id text!; category system_asset_category!; name text!; description text;
        duration_seconds numeric(10,3); s3_key text!; content_type text!; size_bytes bigint!;
        tags text[]! ='{}'; created_at timestamptz! =now()""",
}
TOUCHED: Final = {"users", "teams", "projects", "jobs", "asset_files", "webhooks"}
# Not null by a check, whose rejection can carry the rule's name.
NULL_BY_NAME: Final = {
    *(("memberships", "team_id"), ("memberships", "user_id")),
    *(("invitations", "team_id"), ("invitations", "email")),
}
PARENTS: Final = {
    ("memberships", "team_id", "teams"): "CASCADE",
    ("memberships", "user_id", "users"): "CASCADE",
    ("invitations", "team_id", "teams"): "CASCADE",
    ("invitations", "invited_by", "users"): "",
    ("api_keys", "user_id", "users"): "CASCADE",
    ("projects", "team_id", "teams"): "CASCADE",
    ("projects", "created_by", "users"): "",
    ("jobs", "triggered_by", "users"): "",
    ("jobs", "project_id", "projects"): "SET NULL",
    ("job_events", "job_id", "jobs"): "CASCADE",
    ("asset_files", "uploaded_by", "users"): "",
    ("asset_files", "project_id", "projects"): "CASCADE",
    ("webhooks", "team_id", "teams"): "CASCADE",
    ("webhooks", "created_by", "users"): "",
    ("webhook_deliveries", "webhook_id", "webhooks"): "CASCADE",
    ("webhook_deliveries", "job_id", "jobs"): "SET NULL",
}
# What lists are filtered, sorted and searched by: how some index begins, as PostgreSQL has it.
ASKED: Final = {
    *("users btree email", "invitations btree email"),
    *(f'{table} btree lower((email COLLATE "C"))' for table in ("users", "invitations")),
    *("api_keys btree owner", "jobs btree owner", "asset_files btree owner", "usage btree owner"),
    *("projects btree status", "jobs btree status, created_at", "asset_files btree status"),
    *(
        "usage btree period",
        "jobs btree created_at DESC",
        "projects btree team_id, updated_at DESC",
    ),
    *("framecast.project_specs gin spec", "teams gin settings", "asset_files gin metadata"),
    *("api_keys gin scopes", "webhooks gin events", "system_assets gin tags"),
}
WAITING: Final = "webhook_deliveries btree status, next_retry_at"

READ_COLUMNS: Final = """
SELECT c.relname, a.attname,
    format_type(coalesce(nullif(t.typbasetype, 0), t.oid), a.atttypmod),
    a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attgenerated <> ''
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
    AND a.attnum > 0 AND NOT a.attisdropped
"""
# The columns that checks of their table speak of.
HELD: Final = """
SELECT k.conrelid::regclass::text, a.attname::text FROM pg_constraint AS k
JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey)
WHERE k.contype = 'c' AND k.convalidated
"""
READ_KEYS: Final = """
SELECT k.conrelid::regclass::text, k.confrelid::regclass::text, pg_get_constraintdef(k.oid),
    ARRAY(SELECT a.attname::text FROM pg_attribute AS a
        WHERE a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey))
FROM pg_constraint AS k
WHERE k.contype = 'f' AND k.connamespace IN ('public'::regnamespace, 'framecast'::regnamespace)
"""
READ_INDEXES: Final = """
SELECT i.indexrelid::regclass::text, i.indrelid::regclass::text, m.amname, i.indisunique,
    coalesce(pg_get_expr(i.indpred, i.indrelid), ''),
    ARRAY(
        SELECT pg_get_indexdef(i.indexrelid, n, false)
            || CASE WHEN i.indoption[n - 1] & 1 = 1 THEN ' DESC' ELSE '' END
        FROM generate_series(1, i.indnkeyatts) AS n ORDER BY n
    )
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_am AS m ON m.oid = c.relam
WHERE c.relnamespace IN ('public'::regnamespace, 'framecast'::regnamespace)
"""


class Index(NamedTuple):
    """An index: its kind, what it covers, and of which rows."""

    name: str
    table: str
    method: str
    unique: bool
    predicate: str
    columns: list[str]

    def begins(self, other: "Index") -> bool:
        """Return whether the other one serves whatever this one does."""
        alike = (self.table, self.method, self.predicate)
        return (
            alike == (other.table, other.method, other.predicate)
            and self.columns == other.columns[: len(self.columns)]
            and (not self.unique or (other.unique and self.columns == other.columns))
        )


@pytest.fixture(scope="module")
def schema(scratch: Scratch, template: Template) -> Iterator[psycopg.Connection[Any]]:
    """Connect to a new installation."""
    with scratch.cloned(template, "schema") as database, database.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def indexes(schema: psycopg.Connection[Any]) -> list[Index]:
    """Read all indexes."""
    return [Index(*row) for row in schema.execute(READ_INDEXES)]


def promised(table: str) -> set[str]:
    """Return the columns that a table ought to have, one text each."""
    columns = [" ".join(part.split()) for part in TABLES[table].split(";")]
    if table not in ("usage", "system_assets"):
        columns += ["id uuid! =gen_random_uuid()", "created_at timestamptz! =now()"]
    if table in TOUCHED:
        columns.append("updated_at timestamptz! =now()")
    return set(columns)


def there(table: str, schema: psycopg.Connection[Any]) -> set[str]:
    """Return the columns that a table has, apart from derived ones, in the same form."""
    found = set()
    for relation, name, kind, not_null, default, _ in schema.execute(READ_COLUMNS):
        if relation != table or name in DERIVED.get(table, ()):
            continue
        short = kind.replace("timestamp with time zone", "timestamptz")
        mark = "!" if not_null or (table, name) in NULL_BY_NAME else ""
        value = re.sub(r"::[a-z_]+(\[\])?", "", default or "")
        value = value[1:-1] if value.startswith("(") else value
        found.add(f"{name} {short}{mark}" + (f" ={value}" if default else ""))
    return found


def test_enums_are_the_same_in_both_languages(schema: psycopg.Connection[Any]) -> None:
    """Python's labels are those of PostgreSQL's enum types, in the same order."""
    labels = schema.execute(
        "SELECT t.typname, array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum AS e"
        " JOIN pg_type AS t ON t.oid = e.enumtypid GROUP BY 1"
    )
    assert {name: tuple(each) for name, each in labels} == dict(ENUMS)


@pytest.mark.parametrize("table", COLUMNS)
def test_tables_are_as_promised(table: str, schema: psycopg.Connection[Any]) -> None:
    """A table has the promised columns with their types, nullability and defaults, no others."""
    assert promised(table) == there(table, schema)


def test_strategies_know_the_tables() -> None:
    """The columns that strategies draw are those, and they give what has no default."""
    assert TABLES.keys() == COLUMNS.keys()
    for table, columns in COLUMNS.items():
        stated = {text.split()[0]: text for text in promised(table)}
        assert set(columns) == set(stated)
        needed = {name for name, text in stated.items() if "!" in text and "=" not in text}
        assert needed == REQUIRED[table]


def test_what_a_table_has_beside_is_derived(schema: psycopg.Connection[Any]) -> None:
    """No column is generated, which libraries send; each beside the domain's is held by a check."""
    columns = schema.execute(READ_COLUMNS).fetchall()
    assert [] == [(table, name) for table, name, *_, generated in columns if generated]
    checked = {(table, name) for table, name in schema.execute(HELD)}
    for table, names in DERIVED.items():
        assert {(table, name) for name in names} <= checked


def test_what_is_null_by_name_is_refused(schema: psycopg.Connection[Any]) -> None:
    """A column that a check keeps from being null is so, and the rejection has the rule's name."""
    for table, column in NULL_BY_NAME:
        make = {"memberships": membership, "invitations": invitation}[table]
        (statement,) = statements(Insert(table, ({**make(World()), column: None},)))
        with pytest.raises(psycopg.errors.CheckViolation) as caught:
            schema.execute(statement.sql)
        assert str(caught.value.diag.constraint_name).startswith(("inv_m1__", "inv_i1__"))


def test_what_becomes_of_rows_when_their_parent_goes(schema: psycopg.Connection[Any]) -> None:
    """Every reference has its foreign key, which does with the row what was promised."""
    keys = schema.execute(READ_KEYS).fetchall()
    for (table, column, parent), action in PARENTS.items():
        ours = [key for key in keys if key[:2] == (table, parent) and column in key[3]]
        assert ours, (table, column)
        for _, _, definition, _ in ours:
            assert action == (re.findall(r"ON DELETE (CASCADE|SET NULL)", definition) or [""])[0]
    assert set() == {
        (table, column)
        for table, _, _, columns in keys
        for column in columns
        if table in COLUMNS and column in COLUMNS[table] and column != "owner"
    } - {(table, column) for table, column, _ in PARENTS}


def test_every_foreign_key_is_indexed(
    schema: psycopg.Connection[Any], indexes: list[Index]
) -> None:
    """A deleted parent's rows are found by an index on all columns of the key."""
    for table, _, definition, columns in schema.execute(READ_KEYS):
        orders = [list(order) for order in permutations(columns)]
        null = {f"({column} IS NOT NULL)" for column in columns}
        serving = [
            index
            for index in indexes
            if index.table == table
            and index.columns[: len(columns)] in orders
            and index.predicate in {"", *null}
        ]
        assert serving, f"{table}: {definition}"


def test_no_index_serves_twice(indexes: list[Index]) -> None:
    """No index is the same as another, or the beginning of one of the same kind and rows."""
    assert [] == [
        f"{one.name} begins {other.name}"
        for one, other in permutations(indexes, 2)
        if one.begins(other)
    ]


def test_what_is_asked_for_is_indexed(indexes: list[Index]) -> None:
    """Every column that lists are filtered, sorted or searched by begins an index of all rows."""
    beginnings = {
        f"{index.table} {index.method} {', '.join(index.columns[:length])}": index.predicate
        for index in sorted(indexes, key=lambda index: index.predicate, reverse=True)
        for length in range(1, len(index.columns) + 1)
    }
    assert set() == {name for name in ASKED if beginnings.get(name) != ""}
    assert beginnings[WAITING]
    partial = {index.table for index in indexes if index.predicate}
    assert {"jobs", "invitations", "api_keys", "webhook_deliveries"} <= partial


def test_updated_at_is_kept_by_a_trigger(schema: psycopg.Connection[Any]) -> None:
    """Every table with updated_at has a row trigger before update that sets it."""
    kept = schema.execute(
        "SELECT t.tgrelid::regclass::text FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid ="
        " t.tgfoid WHERE p.prosrc LIKE '%NEW.updated_at :=%' AND t.tgtype & 19 = 19"
    )
    assert TOUCHED | {"usage"} == {table for (table,) in kept}


def test_functions_find_the_same_objects_for_everybody(schema: psycopg.Connection[Any]) -> None:
    """Every function pins its search_path or has a body that was parsed when it was made."""
    loose = schema.execute(
        "SELECT oid::regprocedure::text FROM pg_proc"
        " WHERE pronamespace IN ('public'::regnamespace, 'framecast'::regnamespace)"
        " AND prosqlbody IS NULL AND NOT coalesce(proconfig::text LIKE '%search_path=%', false)"
    )
    assert [] == loose.fetchall()


@pytest.mark.parametrize("major", [15, 18])
def test_psql_installs_it_for_a_plain_role(major: int) -> None:
    """The files, each run by psql, are an installation, and need the own database and a role."""
    bin_dir = binaries.embedded()
    psql = str(bin_dir / "psql") if bin_dir else shutil.which("psql")
    assert psql
    name = f"plain_{secrets.token_hex(4)}"
    with provision(Request(major=major)) as server:
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {name} LOGIN".encode())
            connection.execute(f"CREATE DATABASE {name} OWNER {name} ENCODING 'UTF8'".encode())
        have_role(server.conninfo)
        assert major == server.major
        conninfo = make_conninfo(server.conninfo, dbname=name, user=name)
        command = [psql, conninfo, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"]
        for migration in load(MIGRATIONS):
            done = subprocess.run(
                [*command, str(migration.path)], capture_output=True, text=True, check=False
            )
            assert (0, "", "") == (done.returncode, done.stdout, done.stderr)
        with psycopg.connect(conninfo) as connection:
            assert set(COLUMNS) == _tables(connection) - {"role_permissions"}
            assert (True,) == connection.execute(
                "SELECT role_has_permission('owner', 'team.delete')"
            ).fetchone()


def _tables(connection: psycopg.Connection[Any]) -> set[str]:
    query = (
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = to_regnamespace(%s)"
    )
    return {name for (name,) in connection.execute(query, ["public"])}
