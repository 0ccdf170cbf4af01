"""Values too long for an index are refused by their table, under a name."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import psycopg
import pytest

from conformance.engine.database.session import Session
from conformance.engine.sql.writes import Insert, statements
from strategies.column_cases import a_row
from strategies.tables import COLUMNS
from strategies.world import World

if TYPE_CHECKING:
    from conformance.engine.postgres.scratch import Scratch, Template

# Texts, and lists of them, that some index has; expressions of them too.
INDEXED = """
SELECT DISTINCT c.relname::text, a.attname::text, a.attndims > 0
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indrelid AND c.relnamespace = 'public'::regnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND a.attgenerated = '' AND (
    a.attnum = ANY (i.indkey) OR pg_get_indexdef(i.indexrelid) LIKE '%' || a.attname || '%'
)
WHERE a.atttypid IN ('text'::regtype, 'text[]'::regtype)
    OR (SELECT typbasetype FROM pg_type WHERE oid = a.atttypid) = 'text'::regtype
ORDER BY 1, 2
"""
LENGTHS = (256, 700, 2_000, 2_800, 9_000, 40_000)


def test_no_index_refuses_a_value(scratch: Scratch, template: Template) -> None:
    """A text that does not compress is taken, or refused by a check or a type, at any length."""
    chance = random.Random(1)  # noqa: S311 - what does not compress
    tried = 0
    with scratch.cloned(template, "indexed") as database, Session(database.conninfo) as session:
        columns = [each for each in session.fetch(INDEXED) if each[0] in COLUMNS]
        for table, column, is_list in columns:
            for length in LENGTHS:
                world = World()
                row = a_row(str(table), world)
                value = "".join(chr(chance.randint(0x4E00, 0x9FFF)) for _ in range(length))
                plain = "".join(chance.choice("abcdefghij0123456789") for _ in range(length))
                for text in (value, plain):
                    odd = {**row, str(column): [text] if is_list else text}
                    sql = ";".join(
                        each.sql
                        for write in (*world.given, Insert(str(table), (odd,)))
                        for each in statements(write)
                    )
                    with pytest.raises(psycopg.errors.IntegrityError) as refused:
                        session.connection.execute(f"BEGIN; {sql}; ROLLBACK; {FAIL}")
                    session.connection.execute("ROLLBACK")
                    tried += 1
                    assert refused.value.diag.constraint_name
    assert tried > 50


# So that what is taken ends in an error of the same class.
FAIL = "DO $$BEGIN RAISE check_violation USING CONSTRAINT = 'taken'; END$$"
