"""Invented rows that a new constraint refuses: they go, and no others."""

from pathlib import Path

import pytest

from conformance.engine.deployment import migrations
from conformance.engine.deployment.migrations import Migration, MigrationError
from conformance.engine.gate import invented
from conformance.engine.postgres.scratch import Scratch, Template

TABLE = "CREATE TABLE bills (total integer); INSERT INTO bills VALUES (1), (9), (2), (8)"


@pytest.mark.parametrize(
    ("script", "left"),
    [
        ("ALTER TABLE bills ADD CHECK (total < 5)", [1, 2]),
        ("ALTER TABLE bills ADD CHECK (total > 10)", [1, 2, 8, 9]),  # it takes none
        ("CREATE UNIQUE INDEX ON bills ((total > 5))", [1, 2, 8, 9]),  # it takes each alone
        ("INSERT INTO users (email) VALUES (NULL)", [1, 2, 8, 9]),  # a rule's own table
    ],
)
def test_rows_that_are_refused_go(
    scratch: Scratch, template: Template, script: str, left: list[int]
) -> None:
    """Where what is new takes some rows, those that it refuses are left out; else none is."""
    file = Migration(Path("a.sql"), "a.sql", script, "")
    with scratch.cloned(template, "invented") as database, database.connect() as conn:
        conn.execute(TABLE.encode())
        with pytest.raises(MigrationError) as caught:
            migrations.install(conn, [file])
        again = invented.left_out(conn, file, caught.value)
        rows = [total for (total,) in conn.execute("SELECT total FROM bills ORDER BY 1")]

    assert (again, rows) == (left == [1, 2], left)
