"""New columns that nothing of a schema reads, so that no rule can tell that they are there.

A column that takes nulls and holds none but what clients write is met by a guard that compares
whole rows, by SQL that reads all columns of its table, and by a name of its own that was another's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.engine.gate import conversions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.audit.description import Description

READING = ("function", "trigger", "policy", "rule", "relation")
# All columns at once, or what only running tells.
ALL = re.compile(
    r"(?:\bSELECT|\bRETURNING|,)\s*\*|\bROWTYPE\b|\bNATURAL\b"
    r"|\bEXECUTE\b(?!\s+(?:FUNCTION\b|format\s*\(\s*'|'))",
    re.IGNORECASE,
)
# A row as such: it is passed on by a trigger, or asked for one column by its name.
PASSED = re.compile(
    r"\bRETURN\s+(?:coalesce\s*\(\s*(?:NEW|OLD)\s*,\s*(?:NEW|OLD)\s*\)|NEW|OLD)\s*;"
    r"|\bto_jsonb?\s*\(\s*(?:(?:NEW|OLD)|coalesce\s*\(\s*(?:NEW|OLD)\s*,\s*(?:NEW|OLD)\s*\))"
    r"\s*\)\s*->>?\s*'\w+'"
    r"|\b(?:OLD|NEW)\s+(?:TABLE|ROW)\b",
    re.IGNORECASE,
)
# A table where its rows come from, with the alias that it has there.
SOURCE = (
    r"(?:\b(?:FROM|JOIN|INTO|UPDATE|ONLY|ON|USING)\s+|,\s*)(?:\w+\.)?{}\b(?:\s+(?:AS\s+)?(?!(?:where"
    r"|set|on|using|join|inner|left|right|cross|full|order|group|limit|for|as|values)\b)(\w+))?"
)
ROW = r"(?<!\bAS )(?<!\bOF )\b{}\b(?!\s*\.\s*\w)"  # and no column of one
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
STRING = re.compile(r"'(?:[^']|'')*'")


def is_unread(name: str, definition: str, before: Description) -> bool:
    """Return whether a column is new, holds nothing by itself, and is read by nothing.

    Args:
        name: with its table and schema.
        definition: of it.
        before: the schema without it.
    """
    table, _, column = name.rpartition(".")
    plain = definition == conversions.type_of(definition) and "." not in definition
    if not definition or ("column", name) in before or not plain:
        return False
    word = re.compile(rf"\b{re.escape(column.strip(chr(34)))}\b", re.IGNORECASE)
    texts = {key: COMMENT.sub("", text) for key, text in before.items() if key[0] in READING}
    bare = table.rpartition(".")[2].strip('"')
    return not any(
        word.search(text) or _reads_all(bare, text) for text in _reaching(table, bare, texts)
    )


def _reaching(table: str, bare: str, texts: Description) -> Iterator[str]:
    """Yield what names a table, what its triggers run, and what that calls, however far."""
    found = {
        key
        for key, text in texts.items()
        if key[1].endswith(f" on {table}") or re.search(rf"\b{re.escape(bare)}\b", text)
    }
    names = {key: key[1].partition("(")[0] for key in texts if key[0] == "function"}
    reached: set[tuple[str, str]] = set()
    while found - reached:
        reached |= found
        said = "\n".join(texts[key] for key in found)
        found = {key for key, name in names.items() if f"{name}(" in said}
    yield from (texts[key] for key in reached)


def _reads_all(table: str, text: str) -> bool:
    """Return whether SQL reads whole rows of a table, or may: an alias may be another's."""
    text = PASSED.sub("", text)
    if ALL.search(text):
        return True
    text = STRING.sub("''", text)
    source = re.compile(SOURCE.format(re.escape(table)), re.IGNORECASE)
    names = {"new", "old", table, *(found[1] for found in source.finditer(text) if found[1])}
    rest = source.sub("", text)
    return any(re.search(ROW.format(re.escape(name)), rest, re.IGNORECASE) for name in names)
