"""Tokens of a script, as far as the scanner of PostgreSQL gets."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMENTS = ("SQL_COMMENT", "C_COMMENT")
STRING = "SCONST"
UNICODE_STRING = "USCONST"
UESCAPE = "UESCAPE"
SEMICOLON = "ASCII_59"
OPEN, CLOSE = "ASCII_40", "ASCII_41"
BACKSLASH = "ASCII_92"
# What E'…' and U&'…' write otherwise: numbers of characters, and characters as they are.
ESCAPED = re.compile(
    r"\\(?:x(?P<hex>[0-9A-Fa-f]{1,2})|(?P<octal>[0-7]{1,3})|u(?P<short>[0-9A-Fa-f]{4})"
    r"|U(?P<long>[0-9A-Fa-f]{8})|(?P<plain>.))",
    re.DOTALL,
)
UNICODE = re.compile(r"\\(?:(?P<short>[0-9A-Fa-f]{4})|\+(?P<long>[0-9A-Fa-f]{6})|(?P<plain>\\))")
CONTROL = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
CONTINUED = re.compile(r"'\s*\n\s*'")  # one string, on two lines


class Token(NamedTuple):
    """One token: the scanner's name for it, where it begins in the script, and its text."""

    name: str
    start: int
    text: str

    @property
    def word(self) -> str:
        """The token in lower case, without the quotes of an identifier."""
        text = self.text
        if text[:2].lower() == "u&":
            text = UNICODE.sub(_character, text[2:])
        return text.lower().strip('"')


def tokens(sql: str) -> list[Token]:
    """Return all tokens and comments, up to where the script cannot be scanned any more."""
    from pglast.parser import ParseError, scan  # noqa: PLC0415 - slow, and rarely needed

    try:
        found = scan(sql)
    except ParseError as error:
        *_, where = error.args
        found = scan(sql[:where]) if isinstance(where, int) else []
    return _escaped(
        [Token(each.name, each.start, sql[each.start : each.end + 1]) for each in found]
    )


def _escaped(found: list[Token]) -> list[Token]:
    r"""Write `U&'…' UESCAPE '!'` as one token with backslashes, as all others have them."""
    written: list[Token] = []
    for token in found:
        if token.name == STRING and [each.name for each in written[-1:]] == [UESCAPE]:
            written.pop()
            if written:
                sign, text = content(token), written[-1].text
                pairs = (("\\", r"\\"), (sign * 2, "\0"), (sign, "\\"), ("\0", sign))
                for plain, coded in pairs if sign != "\\" else ():
                    text = text.replace(plain, coded)
                written[-1] = written[-1]._replace(text=text)
        else:
            written.append(token)
    return written


def by_statement(sql: str) -> Iterator[list[Token]]:
    """Yield the tokens of each statement, without comments and semicolons.

    A semicolon in a rule or in a body that is no string divides here as well.
    """
    statement: list[Token] = []
    for token in tokens(sql):
        if token.name == SEMICOLON:
            if statement:
                yield statement
            statement = []
        elif token.name not in COMMENTS:
            statement.append(token)
    if statement:
        yield statement


def content(token: Token) -> str:
    """Return what a string constant holds."""
    text = token.text
    if text.startswith("$"):
        tag = text[: text.index("$", 1) + 1]
        return text.removeprefix(tag).removesuffix(tag)
    body = text[text.index("'") + 1 :].removesuffix("'")
    body = CONTINUED.sub("", body).replace("''", "'")
    escapes = {"e": ESCAPED, "u": UNICODE}.get(text[0].lower())
    return escapes.sub(_character, body) if escapes else body


def _character(escape: re.Match[str]) -> str:
    """Return the character that an escape stands for."""
    found = {name: digits for name, digits in escape.groupdict().items() if digits is not None}
    [(name, digits)] = found.items()
    if name == "plain":
        return CONTROL.get(digits, digits)
    number = int(digits, 8 if name == "octal" else 16)
    return chr(number) if number <= sys.maxunicode else ""


def line_of(sql: str, index: int) -> int:
    """Return the line, counted from 1, that an index lies in."""
    return sql.count("\n", 0, index) + 1
