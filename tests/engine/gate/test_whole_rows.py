"""Whole rows: a library writes every column that it has read, and nothing has changed by that."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql

from conformance.engine.gate import rehearsal
from conformance.engine.gate.state import State
from conformance.engine.postgres.scratch import Scratch, Template
from conformance.framecast import states
from conformance.framecast.privileges import UPDATES
from conformance.framecast.rules import RULES
from conformance.framecast.rules.ownership import SUBJECTS
from strategies.enums import ENUMS
from tests.engine.rejections.test_rejections import LISTED
from tests.support.clients import Connection

# What the application's role may update, by the server's own word, with the columns' types.
GRANTED: Final = """
SELECT c.relname::text, a.attname::text, b.typname::text
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind = 'r'
JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_type AS b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
    AND has_column_privilege('framecast_app', c.oid, a.attnum, 'UPDATE')
ORDER BY 1, a.attnum
"""
# Numbers that no double is, or that print in other ways, and times that have microseconds.
NUMBERS: Final = """{
    "price": 1.50, "fps": 1e2, "nothing": -0, "id": 9007199254740993, "pi": 3.14159265358979323846,
    "small": 1e-300, "large": 12345678901234567890123, "list": [1.0, 2.00, [0.1000000000000000001]],
    "b": {"z": 1, "a": 0.30000000000000004}, "": "1.50"
}"""
# By type, what becomes of a column.
AWKWARD: Final = {
    "jsonb": sql.SQL("{column} = CASE WHEN {column} IS NOT NULL THEN %(numbers)s::jsonb END"),
    "timestamptz": sql.SQL("{column} = {column} + interval '123456 microseconds'"),
}
MILLISECOND: Final = 1000


def as_python(row: dict[str, Any], _kinds: dict[str, str]) -> dict[str, Any]:
    """Return a row as Python has it, where JSON's fractions are doubles."""
    return row


def as_node(row: dict[str, Any], kinds: dict[str, str]) -> dict[str, Any]:
    """Return a row as JavaScript has it: all of JSON's numbers are doubles, times milliseconds."""
    return {name: _in_javascript(value, kinds[name]) for name, value in row.items()}


def _in_javascript(value: Any, kind: str) -> Any:
    if kind == "timestamptz" and value is not None:
        time = datetime.fromisoformat(value)
        return time.replace(microsecond=time.microsecond // MILLISECOND * MILLISECOND).isoformat()
    return json.loads(json.dumps(value), parse_int=float) if kind == "jsonb" else value


READERS: Final[dict[str, Callable[[dict[str, Any], dict[str, str]], dict[str, Any]]]] = {
    "python": as_python,
    "node": as_node,
}
# The rows are s, with the columns in the order of {columns}; {sets} takes them from there.
WAYS: Final = {
    "UPDATE": "UPDATE {table} AS t SET {sets} FROM {rows} WHERE t.id = s.id",
    "ON CONFLICT": "INSERT INTO {table} ({columns}) SELECT {values} FROM {rows}"
    " ON CONFLICT (id) DO UPDATE SET {proposed}",
    "MERGE": "MERGE INTO {table} AS t USING (SELECT * FROM {rows}) AS s ON t.id = s.id"
    " WHEN MATCHED THEN UPDATE SET {sets}"
    " WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({values})",
}
ROWS: Final = "jsonb_populate_recordset(NULL::{table}, {given}) AS s"
Kinds = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def reached(scratch: Scratch, template: Template) -> Iterator[list[State]]:
    """Reach every state that rows can be in: each status, each cap, and where random runs end."""
    with scratch.cloned(template, "states") as database:
        yield list(states.reached(database, 1, lambda *_: None))


def granted(connection: Connection) -> Kinds:
    """Return what the application's role may update: by table, each column's type."""
    found: Kinds = {}
    for table, column, kind in connection.execute(GRANTED):
        found.setdefault(table, {})[column] = kind
    return found


@pytest.fixture
def begin(application: str) -> Iterator[Callable[[State], None]]:
    """Return what makes the rows of the database those of a state."""
    with psycopg.connect(application, user="postgres", autocommit=True) as owner:
        yield partial(put, owner, granted(owner))


def put(owner: Connection, kinds: Kinds, state: State) -> None:
    """Make the rows of the database those of a state, with awkward numbers and times."""
    rehearsal.fill(owner, state)
    with owner.transaction():
        owner.execute("SET LOCAL session_replication_role = replica")
        for table, columns in kinds.items():
            changes = [
                AWKWARD[kind].format(column=sql.Identifier(column))
                for column, kind in columns.items()
                if kind in AWKWARD
            ]
            query = sql.SQL("UPDATE {} SET {}").format(
                sql.Identifier(table), sql.SQL(", ").join(changes)
            )
            owner.execute(query, {"numbers": NUMBERS})


def read(client: Connection, table: str) -> list[tuple[str, dict[str, Any]]]:
    """Return a table's rows: each as PostgreSQL prints it, and as JSON has it."""
    query = "SELECT (to_jsonb(t) - 'updated_at')::text, to_jsonb(t) FROM {} AS t ORDER BY t.id"
    return client.execute(sql.SQL(query).format(sql.Identifier(table))).fetchall()


def written(table: str, columns: list[str], way: str) -> sql.Composed:
    """Return the statement that writes rows back in a way; they are its only parameter."""
    parts: dict[str, list[sql.Composed]] = {
        "sets": [sql.SQL("{0} = s.{0}").format(sql.Identifier(each)) for each in columns],
        "proposed": [sql.SQL("{0} = excluded.{0}").format(sql.Identifier(c)) for c in columns],
        "values": [sql.SQL("s.{0}").format(sql.Identifier(each)) for each in columns],
        "columns": [sql.SQL("{0}").format(sql.Identifier(each)) for each in columns],
    }
    name = sql.Identifier(table)
    rows = sql.SQL(ROWS).format(table=name, given=sql.Placeholder())
    joined = {key: sql.SQL(", ").join(each) for key, each in parts.items()}
    return sql.SQL(WAYS[way]).format(table=name, rows=rows, **joined)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("way", WAYS)
def test_a_row_that_is_written_back_stays(
    way: str,
    reader: str,
    reached: list[State],
    begin: Callable[[State], None],
    client: Connection,
) -> None:
    """Every row of every state may be written back as a client has read it, and stays as it was."""
    kinds = granted(client)
    seen = set()
    for state in reached:
        begin(state)
        for table, columns in kinds.items():
            before = read(client, table)
            if not before:
                continue
            seen.add(table)
            back = [READERS[reader](_only(row, columns), columns) for _, row in before]
            told = f"{table} in the state {state.name!r}"
            try:
                client.execute(written(table, [*columns], way), [json.dumps(back)])
                client.execute("SET CONSTRAINTS ALL IMMEDIATE")
            except psycopg.Error as error:
                pytest.fail(f"{told}: {error}")
            after = read(client, table)
            client.rollback()
            assert [_fixed(table, *row) for row in before] == [
                _fixed(table, *row) for row in after
            ], told
    assert UPDATES.keys() == seen


def _only(row: dict[str, Any], columns: dict[str, str]) -> dict[str, Any]:
    return {name: row[name] for name in columns}


def _fixed(table: str, printed: str, row: dict[str, Any]) -> Any:
    """Return what may not change of a row: its subject; all, and exactly, of what is final."""
    if table == "job_events" or (table == "jobs" and row["status"] in JOB_ENDS):
        return printed
    exact = json.loads(printed, parse_float=str, parse_int=str)
    return {name: exact[name] for name in SUBJECTS[table]}


JOB_ENDS: Final = ("completed", "failed", "canceled")


def others(kind: str, value: Any) -> list[sql.Composable]:
    """Return values of a type that are not this one."""
    if kind in ENUMS:
        return [sql.Literal(label) for label in ENUMS[kind] if label != value]
    texts = {
        "uuid": ["00000000-0000-0000-0000-00000000dead"],
        "text": [f"{value}x", f"x{value}", "", str(value).swapcase()],
        "timestamptz": ["2019-01-01Z", "2031-01-01Z", "infinity"],
        "jsonb": ['{"other": 1}', "[]", "null", '"1.50"'],
        "bool": ["true", "false"],
        "_webhook_event_type": ["{job.queued,job.failed}", "{}"],
    }
    numbers = ["0", "1", "-1", "7", "2147483647"]
    return [sql.Literal(each) for each in texts.get(kind, numbers) if each != str(value)]


def near(kind: str, column: str) -> list[sql.Composable]:
    """Return values that lie as near as can be, by SQL that reads the old one.

    A time without its microseconds is what some client has read, and is no other one.
    """
    before = (
        "{0} - CASE WHEN {0} - interval '1 microsecond' = date_trunc('milliseconds', {0})"
        " THEN interval '2 microseconds' ELSE interval '1 microsecond' END"
    )
    shifts = {
        "timestamptz": ["{} + interval '1 microsecond'", before],
        "jsonb": ["jsonb_build_array({})", "jsonb_set({}, '{{price}}', '1.51')"],
        "text": ["{} || ' '"],
    }
    return [sql.SQL(each).format(sql.Identifier(column)) for each in shifts.get(kind, [])]


def test_what_changes_is_legal_or_refused_by_name(
    reached: list[State], begin: Callable[[State], None], client: Connection
) -> None:
    """Each column that may be named: what is fixed is refused by a rule, the rest has a reason."""
    kinds = granted(client)
    assert {table: set(columns) for table, columns in kinds.items()} == UPDATES
    seen = set()
    for state in reached:
        begin(state)
        for table, columns in kinds.items():
            for _, row in read(client, table):
                kind = (table, *(row[name] is None for name in columns), _of(row))
                if kind in seen:
                    continue
                seen.add(kind)
                for column in columns:
                    _try(client, table, row, column, columns[column])
        client.rollback()
    assert UPDATES.keys() == {kind[0] for kind in seen}


def _of(row: dict[str, Any]) -> str:
    """Return the kind of a row, of those that a rule may look at."""
    urn = str(row.get("owner"))[:15]
    return f"{row.get('status')} {row.get('role')} {row.get('tier')} {urn}"


def _try(client: Connection, table: str, row: dict[str, Any], column: str, kind: str) -> None:
    """Give a column each of some other values, and judge what the database says."""
    is_fixed = column in SUBJECTS[table]
    for value in (*others(kind, row[column]), *near(kind, column), sql.NULL):
        if value == sql.NULL and row[column] is None:
            continue
        query = sql.SQL("UPDATE {} SET {} = {} WHERE id = {}").format(
            sql.Identifier(table), sql.Identifier(column), value, sql.Literal(row["id"])
        )
        told = f"{query.as_string(client)}: {row}"
        refused = _refused(client, query)
        name = refused and refused.diag.constraint_name
        if refused is None:
            assert not is_fixed, told
        elif is_fixed:
            assert f"{str(name).partition('__')[0]}__" in TOKENS, told
        elif name:
            assert name in LISTED["constraints"], told
        else:
            assert f"{table}.{refused.diag.column_name}" in LISTED["not_null"], told


def _refused(client: Connection, query: sql.Composed) -> psycopg.errors.IntegrityError | None:
    """Return what refuses a statement, at once or at commit."""
    try:
        with client.transaction(force_rollback=True):
            client.execute(query)
            client.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except psycopg.errors.IntegrityError as refused:
        return refused
    return None


TOKENS: Final = {rule.token for rule in RULES.values()}
