"""Long INSERTs are printed a row a line, and mean the same."""

import pglast
import pytest

from conformance.engine.sql.folding import folded
from conformance.engine.sql.writes import Insert, statements

TRICKY = "it's), ('a', \"b\"), (c"


def test_rows_of_a_long_insert_have_a_line_each() -> None:
    """Forty nine memberships are forty nine lines, none of them long."""
    rows = tuple({"id": str(number), "name": TRICKY, "role": "viewer"} for number in range(49))
    (statement,) = statements(Insert("memberships", rows))
    script = f"BEGIN;\n{statement.script()}COMMIT;\n"

    shown = folded(script)

    assert 49 + 2 == len(shown.splitlines())
    assert max(map(len, shown.splitlines())) < 120
    assert pglast.prettify(script) == pglast.prettify(shown)


@pytest.mark.parametrize(
    "line", ["INSERT INTO t (a) VALUES (1), (2);", f"SELECT '{'), (' * 80}';", ""]
)
def test_other_lines_stay(line: str) -> None:
    """What is short, or no INSERT, is printed as it is."""
    assert line == folded(line)
