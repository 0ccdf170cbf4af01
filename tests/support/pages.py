"""SQL on our pages, read in the order in which it stands there."""

import re
from pathlib import Path
from typing import Final, NamedTuple

DOCS: Final = Path(__file__).parents[2] / "docs"
PART: Final = re.compile(
    r"^#+ (?P<title>[^\n]+)$|^```sql\n(?P<sql>.*?)^```$", re.MULTILINE | re.DOTALL
)
NAMED: Final = re.compile(r":'(?P<name>[a-z_]+)'")


class Block(NamedTuple):
    """One block of SQL, and the heading that it stands under."""

    title: str
    sql: str

    @property
    def statements(self) -> tuple[str, ...]:
        """Return its statements, without what ends them."""
        return tuple(each.strip() for each in self.sql.split(";\n") if each.strip())


def blocks(page: str) -> list[Block]:
    """Return the blocks of SQL of a page."""
    found, title = [], ""
    for part in PART.finditer((DOCS / page).read_text()):
        title = part["title"] or title
        if part["sql"]:
            found.append(Block(title, part["sql"]))
    return found


def filled(sql: str, values: dict[str, object]) -> str:
    """Return SQL with what psql would put in for its variables.

    Raises:
        KeyError: A variable has no value.
    """
    return NAMED.sub(lambda name: f"'{values[name['name']]}'", sql)
