"""However many teams a transaction makes, it takes few locks for their slugs."""

import pytest

from conformance.engine.postgres.scratch import Scratch, Template

HELD = """
SELECT count(*), count(DISTINCT classid) FROM pg_locks
WHERE locktype = 'advisory' AND pid = pg_backend_pid()
"""


@pytest.mark.parametrize("slug", ["NULL", "'given-' || n"])
def test_many_teams_take_few_locks(slug: str, scratch: Scratch, template: Template) -> None:
    """Two thousand teams of as many names, with slugs made up or given."""
    with scratch.cloned(template, "slugs") as database, database.connect() as connection:
        connection.execute("BEGIN")  # that each has an owner is asked at commit
        connection.execute(
            f"INSERT INTO teams (name, slug) SELECT 'Team ' || n, {slug}"  # noqa: S608 - our own
            " FROM generate_series(1, 2000) AS n".encode()
        )
        locks, spaces = connection.execute(HELD).fetchall()[0]
        plain = connection.execute(
            "SELECT count(*) FROM teams WHERE slug ~ '^(team|given)-[0-9]{1,4}$'"
        ).fetchall()[0][0]
        connection.execute("ROLLBACK")
    assert 0 < locks <= 256
    assert 1 == spaces
    assert 2000 == plain
