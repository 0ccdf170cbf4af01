"""Rights that a role has and should not have, or the other way round, in words."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FEW = 4  # rights that are named in the line that counts them
WIDTH = 88
INDENT = "    "


def differing(sides: Mapping[str, Sequence[str]]) -> str:
    """Return rights by what is wrong with them: in a line where they are few, else a list.

    Args:
        sides: by words such as `too few`, rights such as `INSERT users.email`; some may have none.
    """
    some = {words: rights for words, rights in sides.items() if rights}
    heads = (
        f"{words}: {', '.join(rights)}" if len(rights) <= FEW else f"{words}: {len(rights)} rights"
        for words, rights in some.items()
    )
    lists = (
        line
        for words, rights in some.items()
        if len(rights) > FEW
        for line in (f"  {words}:", *_listed(rights))
    )
    return "\n".join(("; ".join(heads), *lists))


def _listed(rights: Sequence[str]) -> Iterator[str]:
    """Yield a line an object or more, with the columns of a table in parentheses."""
    groups: dict[str, list[str]] = {}
    for right in sorted(rights):
        name, dot, column = right.partition(".")
        whole, column = (name, column) if dot and "(" not in name else (right, "")
        groups.setdefault(whole, []).extend([column] if column else [])
    for name, columns in groups.items():
        text = f"{name} ({', '.join(columns)})" if columns else name
        yield from wrap(text, WIDTH, initial_indent=INDENT, subsequent_indent=2 * INDENT)
