"""Patterns and texts by which a schema's own checks and partial keys know the rows that they take.

Values that were chosen with one pattern in mind meet few of the texts that another one lets in. So
texts are drawn from what is there, and what it lets in is asked of the rule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from itertools import permutations
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from conformance.engine.reading.constants import texts_of
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import psycopg
    from hypothesis.strategies import SearchStrategy

CHECKS: Final = """
SELECT t.relname, k.conname, pg_get_constraintdef(k.oid), '{}'::text[]
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS t ON t.oid = k.conrelid
WHERE k.contype = 'c' AND t.relnamespace = to_regnamespace('public')
UNION ALL
SELECT t.relname, c.relname, format('CHECK (%s)', pg_get_expr(i.indpred, i.indrelid)), (
    SELECT array_agg(a.attname::text ORDER BY k.at)
    FROM unnest(i.indkey) WITH ORDINALITY AS k (number, at)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
    WHERE k.at <= i.indnkeyatts
)
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
WHERE i.indisunique AND i.indpred IS NOT NULL AND 0 <> ALL (i.indkey)
    AND t.relnamespace = to_regnamespace('public')
ORDER BY 1, 2
"""
EXPRESSION: Final = re.compile(r"CHECK (\(.*\))[^)]*", re.DOTALL)
COMPARES: Final = frozenset({"=", "<>", "<", "<=", ">", ">="})
LIKE: Final = {"~~": re.DOTALL, "~~*": re.DOTALL | re.IGNORECASE}
MATCHES: Final = {"~": re.DOTALL, "~*": re.DOTALL | re.IGNORECASE}
OPTIONS: Final = re.compile(r"(?:\*{3}:)?\(\?([a-z]+)\)")
# Of PostgreSQL's options those that make other texts match.
MEANT: Final = {"i": re.IGNORECASE, "n": re.MULTILINE, "m": re.MULTILINE, "w": re.MULTILINE}
CLASSES: Final = {
    "[:space:]": r"\s",
    "[:digit:]": r"\d",
    "[:alnum:]": r"0-9A-Za-z\u00e9",
    "[:alpha:]": r"A-Za-z\u00e9",
    "[:lower:]": r"a-z",
    "[:upper:]": r"A-Z",
    "[:xdigit:]": r"0-9A-Fa-f",
    "[:punct:]": r"!-/:-@",
}
# A column in a pattern that is put together, of no character that PostgreSQL has.
PART: Final = re.compile("\0(.*?)\0")
# All that a text of PostgreSQL can hold.
CHARACTERS: Final = st.characters(codec="utf-8", exclude_characters="\0")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern or text that a check, or what a partial key is asked of, compares a column with.

    Attributes:
        table: the table, in `public`.
        column: its column.
        constraint: the check, or the key.
        pattern: the pattern, as Python has it; between two zero bytes, a column that is part of it.
        flags: how it is meant.
        shared: of a key, what no two of the rows that it is asked of may share.
    """

    table: str
    column: str
    constraint: str
    pattern: str
    flags: re.RegexFlag
    shared: tuple[str, ...] = ()

    def texts(self, row: Mapping[str, object]) -> SearchStrategy[str]:
        """Texts that the pattern matches in a row, save where Python cannot read it."""
        try:
            return st.from_regex(self.compiled(row), alphabet=CHARACTERS)
        except re.error:
            return st.just("")

    def compiled(self, row: Mapping[str, object]) -> re.Pattern[str]:
        """Return the pattern of a row; raises re.error where Python cannot read it."""

        def value(part: re.Match[str]) -> str:
            return re.escape(str(row.get(part[1], "")))

        return re.compile(PART.sub(value, self.pattern), self.flags)


def patterns(connection: psycopg.Connection) -> list[Pattern]:
    """Return the patterns and texts of all checks and partial keys, as far as Python has them."""
    checks = connection.execute(CHECKS).fetchall()
    return [
        Pattern(table, column, constraint, *pattern, tuple(shared))
        for table, constraint, definition, shared in checks
        for column, pattern in (*in_check(definition), *texts_in(definition))
    ]


def texts_in(definition: str) -> Iterator[tuple[str, tuple[str, re.RegexFlag]]]:
    """Yield the columns and texts that a check compares, each as a pattern that is no other's."""
    for node in _comparisons(definition):
        for one, other in permutations((node.lexpr, node.rexpr)):
            column = _column(one)
            if column and node.name[-1].sval in COMPARES:
                for text in dict.fromkeys(texts_of(other)):
                    yield column, (rf"\A{re.escape(text)}\Z", re.NOFLAG)


def _comparisons(definition: str) -> Iterator[Any]:
    from pglast.parser import parse_sql  # noqa: PLC0415 - slow, and rarely needed

    found = EXPRESSION.fullmatch(definition)
    for node in below(parse_sql(f"SELECT {found[1]}")) if found else ():
        if type(node).__name__ == "A_Expr" and node.name:
            yield node


def in_check(definition: str) -> Iterator[tuple[str, tuple[str, re.RegexFlag]]]:
    """Yield the columns and patterns in a check, as `pg_get_constraintdef` returns it."""
    for node in _comparisons(definition):
        column, text, operator = _column(node.lexpr), _text(node.rexpr), node.name[-1].sval
        pattern = _meant_by(text, operator) if column and text is not None else None
        if pattern is not None:
            yield column, pattern


def _meant_by(text: str, operator: str) -> tuple[str, re.RegexFlag] | None:
    """Return a pattern of an operator as Python has it; None of what is no such operator."""
    if operator in LIKE:
        return rf"\A{_like(text)}\Z", LIKE[operator]
    if operator not in MATCHES:
        return None
    flags = MATCHES[operator]
    if options := OPTIONS.match(text):
        flags |= reduce(re.RegexFlag.__or__, map(_meant, options[1]))
        text = text[options.end() :]
    for name, members in CLASSES.items():
        text = text.replace(name, members)
    return _bracketed(text), flags


def _bracketed(text: str) -> str:
    """Return a pattern whose brackets hold no bare brackets, of which Python warns."""
    parts = []
    inside, before = False, ""
    for each in text:
        parts.append(f"\\{each}" if inside and each == "[" else each)
        if before != "\\":
            inside = each == "[" or (inside and each != "]")
        before = each if before != "\\" else ""
    return "".join(parts)


def _meant(option: str) -> re.RegexFlag:
    return MEANT.get(option, re.NOFLAG)


def _like(text: str) -> str:
    """Return a pattern of LIKE as a regular expression."""
    wild = {"%": ".*", "_": "."}
    parts = re.findall(r"\0.*?\0|\\.|.", text, re.DOTALL)
    return "".join(
        each if each[0] == "\0" else wild.get(each) or re.escape(each.removeprefix("\\"))
        for each in parts
    )


def _column(node: Any) -> str:
    """Return the column that a side is, in whatever collation or type, or ''."""
    while type(node).__name__ in {"CollateClause", "TypeCast"}:
        node = node.arg
    if type(node).__name__ != "ColumnRef":
        return ""
    return str(getattr(node.fields[-1], "sval", ""))


def _text(node: Any) -> str | None:
    """Return the text that a side is, put together or not; None where it is none."""
    kind = type(node).__name__
    if kind == "ColumnRef":
        return f"\0{_column(node)}\0"
    if kind == "TypeCast":
        return _text(node.arg)
    if kind == "A_Const":
        return getattr(node.val, "sval", None)
    if kind == "A_Expr" and node.name and node.name[-1].sval == "||":
        parts = (_text(node.lexpr), _text(node.rexpr))
        return None if None in parts else "".join(map(str, parts))
    return None
