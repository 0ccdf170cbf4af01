"""Scripts for reading: a row a line, where an INSERT of many rows is one long line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST: Final = 200  # of a line that stays as it is
BETWEEN: Final = "), ("  # two rows


def folded(script: str) -> str:
    """Return a script whose long INSERTs have a line for each row; psql reads the same."""
    return "\n".join(
        "\n".join(_rows(line)) if line.startswith("INSERT ") and len(line) > LONGEST else line
        for line in script.split("\n")
    )


def _rows(line: str) -> Iterator[str]:
    """Yield the parts of a line that end between two rows, of which a literal may look like one."""
    begun, quoted = 0, False
    for place, character in enumerate(line):
        quoted ^= character == "'"
        if not quoted and line.startswith(BETWEEN, place):
            yield line[begun : place + 2]
            begun = place + 3
    yield line[begun:]
