"""Conversions of a column to another type: which rows of today would not survive it unchanged.

No query can tell without failing at the first such row. So the rows are converted one by one, in a
block that reads only, as an assignment, which ALTER COLUMN TYPE does as well: what is too long or
out of range fails there, and is not cut off. A value that becomes another one, and is not what it
was when it is converted back, has lost something.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pglast import ast, parse_sql
from pglast.enums import AlterTableType
from pglast.parser import ParseError
from pglast.stream import RawStream

from conformance.engine.audit.findings import SHOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.description import Description
    from conformance.engine.deployment.migrations import Migration

KEY = "/* the key */"  # stands in a block for the key of a row
FOUND = "conformance.would_fail"  # a setting of the transaction, which holds the answer
# In the definition of a column, what follows its type.
AFTER_TYPE = re.compile(
    r" (?:COLLATE|NOT NULL|IDENTITY|STORED AS|VIRTUAL AS|DEFAULT)\b.*", re.DOTALL
)
VALUE = re.compile(r"\bVALUE\b")
BLOCK = """
DO $framecast_block$
DECLARE
    framecast_row {table}%ROWTYPE;
    framecast_new {declared};
    framecast_back {table}.{column}%TYPE;
    framecast_kept boolean;
    framecast_count bigint := 0;
    framecast_keys text[] := '{{}}';
    framecast_changes bigint := 0;
    framecast_changed text[] := '{{}}';
    framecast_key text;
BEGIN
    FOR framecast_row IN SELECT * FROM {table} LOOP
        BEGIN
            SELECT {value} INTO framecast_new FROM (SELECT framecast_row.*) AS {name};
            IF {wrong} THEN
                RAISE check_violation;
            END IF;
            framecast_kept := framecast_row.{column}::text IS NOT DISTINCT FROM framecast_new::text
                OR to_jsonb(framecast_row.{column}) IS NOT DISTINCT FROM to_jsonb(framecast_new);
            IF NOT framecast_kept THEN
                BEGIN
                    framecast_back := {back};
                    framecast_kept := framecast_back::text
                        IS NOT DISTINCT FROM framecast_row.{column}::text;
                EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
                    NULL;
                END;
            END IF;
            IF NOT framecast_kept THEN
                framecast_changes := framecast_changes + 1;
                IF framecast_changes <= {shown} THEN
                    SELECT {key} INTO framecast_key FROM (SELECT framecast_row.*) AS t;
                    framecast_changed := framecast_changed || framecast_key;
                END IF;
            END IF;
        EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
            framecast_count := framecast_count + 1;
            IF framecast_count <= {shown} THEN
                SELECT {key} INTO framecast_key FROM (SELECT framecast_row.*) AS t;
                framecast_keys := framecast_keys || framecast_key;
            END IF;
        END;
    END LOOP;
    PERFORM set_config(
        '{found}',
        json_build_array(
            framecast_count, to_json(framecast_keys), framecast_changes, to_json(framecast_changed)
        )::text,
        true
    );
END
$framecast_block$
"""


def type_of(definition: str) -> str:
    """Return the type in the definition of a column."""
    return AFTER_TYPE.sub("", definition)


def block(
    column: tuple[str, str],
    before: Description,
    after: Description,
    pending: Sequence[Migration],
) -> str | None:
    """Return a block that converts all rows, with KEY for the key of one; None for no change.

    Args:
        column: its table with its schema, and its name.
        before: what the schema is.
        after: what it is going to be.
        pending: the files, which say how a column is converted.
    """
    table, name = column
    key = ("column", f"{table}.{name}")
    old, new = type_of(before[key]), type_of(after[key])
    value = next(_values(column, new, pending), None)
    if old == new and value is None and not _shrinks(old, before, after):
        return None
    value = value or name
    wrong, declared = _wrong(new, before, after)
    labels = after.get(("type", new), "")
    return BLOCK.format(
        table=table,
        name=table.rpartition(".")[2],
        column=name,
        declared=declared,
        value=f"({value})::text" if labels.startswith("'") and declared == "text" else value,
        back=_back(value, name),
        wrong=wrong,
        shown=SHOWN,
        found=FOUND,
        key=KEY,
    )


def _back(value: str, name: str) -> str:
    """Return what converts a value back: in the time zone in which it was converted, if any."""
    statement: Any = parse_sql(f"SELECT {value}")[0].stmt
    node: Any = statement.targetList[0].val
    if isinstance(node, ast.FuncCall):
        called: Any = node.funcname
        zone, *of = node.args or (None,)
        own = [str(RawStream()(each)) for each in of] == [name]
        if called[-1].sval == "timezone" and own:
            return f"framecast_new AT TIME ZONE {RawStream()(zone)}"
    return "framecast_new"


def _shrinks(name: str, before: Description, after: Description) -> bool:
    """Return whether a type of the same name has lost a label."""
    old, new = before.get(("type", name), ""), after.get(("type", name), "")
    return bool(old.startswith("'") and set(old.split(", ")) - set(new.split(", ")))


def _wrong(new: str, before: Description, after: Description) -> tuple[str, str]:
    """Return what refuses a value of a new type, and what type to give it meanwhile.

    A type that the files make, or make anew, is not there yet.
    """
    definition = after.get(("type", new))
    if definition is None or before.get(("type", new)) == definition:
        return "false", new
    if definition.startswith("'"):
        return f"framecast_new NOT IN ({definition})", "text"
    checks = [
        f"({VALUE.sub('framecast_new', text.removeprefix('CHECK '))}) IS FALSE"
        for (kind, name), text in after.items()
        if kind == "constraint" and name.endswith(f" on domain {new}")
    ]
    checks += ["framecast_new IS NULL"] * (" NOT NULL" in definition)
    return " OR ".join(checks) or "false", re.split(r" (?:NOT NULL|DEFAULT)\b", definition)[0]


def _values(column: tuple[str, str], new: str, pending: Sequence[Migration]) -> Iterator[str]:
    """Yield what a file converts a column from, without the cast to its new type."""
    table, name = column
    for file in pending:
        try:
            parsed = parse_sql(file.sql)
        except ParseError:
            continue
        for statement in parsed:
            node: Any = statement.stmt
            if not isinstance(node, ast.AlterTableStmt) or node.relation is None:
                continue
            if node.relation.relname != table.rpartition(".")[2].strip('"'):
                continue
            for command in node.cmds or ():
                of_type = command.subtype == AlterTableType.AT_AlterColumnType
                if of_type and command.name == name.strip('"') and command.def_.raw_default:
                    yield _bare(command.def_.raw_default, new)


def _bare(node: Any, new: str) -> str:
    if isinstance(node, ast.TypeCast):
        of: Any = node.typeName
        called = str(RawStream()(of)).rpartition(".")[2]
        if called.strip('"') == new.rpartition(".")[2].strip('"'):
            node = node.arg
    return str(RawStream()(node))
