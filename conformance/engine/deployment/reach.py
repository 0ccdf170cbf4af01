"""Statements that reach beyond the database: to files, programs, sessions and other servers.

Before a migration has been read by anybody, it is run on scratch servers, whose machine may hold
what is none of its business. Bodies of functions and strings that are executed are looked into;
what is pieced together at run time is not seen here: a server of ours is kept from its machine.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING

from conformance.engine.deployment.migration import MigrationError
from conformance.engine.deployment.tokens import (
    CLOSE,
    CONTINUED,
    OPEN,
    SEMICOLON,
    STRING,
    UNICODE_STRING,
    Token,
    content,
    line_of,
    tokens,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.deployment.migration import Migration

FUNCTIONS = re.compile(
    r"pg_read_(?:binary_)?file|pg_ls_\w*dir|pg_stat_file|pg_file_\w+|lo_(?:import|export)|dblink\w*"
    r"|pg_(?:terminate|cancel)_backend|pg_reload_conf|pg_rotate_logfile|pg_promote|pg_switch_wal"
    r"|pg_(?:create|copy|drop)_\w*replication_slot|pg_replication_origin_\w+|pg_wal_replay_\w+"
)
EXTENSIONS = re.compile(r"\w*_fdw|dblink\w*|adminpack|pl\w+u|plsh|pljava|pg_net|http")
LANGUAGES = re.compile(r"c|internal|pl\w+u|plsh|java")
ROLES = re.compile(r"pg_(?:execute_server_program|(?:read|write)_server_files)")
# Two words that begin a statement.
STATEMENTS = {
    ("alter", "system"),
    ("create", "server"),
    ("create", "subscription"),
    ("create", "tablespace"),
    ("foreign", "table"),
    ("import", "foreign"),
    ("user", "mapping"),
}
PAIRS = "|".join(rf"{one}\s+{two}" for one, two in sorted(STATEMENTS))
# All that any of the above needs, in lower case, to leave most files unread.
SUSPECT = re.compile(
    rf"\bcopy\b|\bload\b|\b(?:{FUNCTIONS.pattern}|{EXTENSIONS.pattern}|{ROLES.pattern})\b"
    rf"|\blanguage\s+\W?(?:{LANGUAGES.pattern})\b"
    rf"|\b(?:{PAIRS})\b"
    r"|\be'|\bu&['\"]"  # which may write any of them otherwise
)
REMEDY = "a migration stays within its database: take it out, and do it by hand where it is needed"


def refusal(migration: Migration) -> MigrationError | None:
    """Return the error of the first statement that reaches beyond the database, or None."""
    if not _is_suspect(migration.sql):
        return None
    for index, what in _reaches(migration.sql):
        line = line_of(migration.sql, index)
        said = f"{what} would reach the server's machine: {REMEDY}"
        return MigrationError.at(migration.path, line, said)
    return None


def what(sql: str) -> str | None:
    """Return what of a text that is made up would reach further, or None."""
    return next((each for _, each in _reaches(sql)), None) if _is_suspect(sql) else None


@lru_cache
def _is_suspect(sql: str) -> bool:
    """Return whether a script may reach further; a string on two lines is read as one, too."""
    text = sql.lower()
    return any(map(SUSPECT.search, {text, CONTINUED.sub("", text)}))


def _reaches(sql: str) -> Iterator[tuple[int, str]]:
    found = [token for token in tokens(sql) if not token.name.endswith("_COMMENT")]
    for place, token in enumerate(found):
        if token.name in {STRING, UNICODE_STRING}:
            # What a body or a string says is told at the place where that begins.
            inner = content(token)
            if _is_suspect(inner):
                yield from ((_within(sql, token, index), what) for index, what in _reaches(inner))
        elif BEGINS.fullmatch(token.word) and (what := _reach(token, found[place + 1 :])):
            yield token.start, what


def _within(sql: str, token: Token, index: int) -> int:
    """Return where in a script what stands in a string is; about there, if it has escapes."""
    return min(token.start + (len(token.text) - len(content(token)) - 1) // 2 + index, len(sql) - 1)


def _reach(token: Token, after: Sequence[Token]) -> str | None:
    """Return what begins at a token and reaches further, in a few words."""
    following = after[0] if after else Token("", 0, "")
    if (token.word, following.word) in STATEMENTS:
        return f"{token.text.upper()} {following.text.upper()}"
    own = any(each.word == "pg_backend_pid" for each in after[1:2])  # session, to end it
    if FUNCTIONS.fullmatch(token.word) and following.name == OPEN and not own:
        return f"{token.word}()"
    if ROLES.fullmatch(token.word):  # given, and not taken away
        given = any(each.word == "to" for each in takewhile(_goes_on, after))
        return f"the role {token.word}" if given else None
    look = BY_WORD.get(token.word)
    return look(after) if look else None


def _loads(after: Sequence[Token]) -> str | None:
    return "LOAD" if after and after[0].name == STRING else None


def _extends(after: Sequence[Token]) -> str | None:
    name = next((each.word for each in after if each.word not in {"if", "not", "exists"}), "")
    return f"the extension {name}" if EXTENSIONS.fullmatch(name) else None


def _speaks(after: Sequence[Token]) -> str | None:
    name = after[0].word.strip("'") if after else ""
    return f"the language {name}" if LANGUAGES.fullmatch(name) else None


def _goes_on(token: Token) -> bool:
    return token.name != SEMICOLON


def _copies(after: Sequence[Token]) -> str | None:
    """Return the way of a COPY, which names a file or a program after FROM or TO."""
    depth = 0
    for place, token in enumerate(after[:-1]):
        depth += (token.name == OPEN) - (token.name == CLOSE)
        if depth < 0 or token.name == SEMICOLON:
            return None
        if depth == 0 and token.word in {"from", "to"}:
            target = after[place + 1]
            if target.word == "program":
                return f"COPY {token.text.upper()} PROGRAM"
            # A % is a file that format() puts in.
            if target.name == STRING or target.text.startswith("%"):
                return f"COPY {token.text.upper()} a file"
            return None
    return None


BY_WORD = {"copy": _copies, "load": _loads, "extension": _extends, "language": _speaks}
# The word that a token must be for anything to begin at it.
BEGINS = re.compile(
    "|".join((*BY_WORD, *sorted({one for one, _ in STATEMENTS}), FUNCTIONS.pattern, ROLES.pattern))
)
