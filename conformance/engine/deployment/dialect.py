"""Parts of a file that are for another program than the server: for psql, or for another runner.

A dump of pg_dump begins with psql's restrict command and holds rows below COPY. Other runners keep
in one file how a change is made and how it is undone, and run the half that is asked for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.engine.deployment.migration import MigrationError
from conformance.engine.deployment.tokens import BACKSLASH, by_statement, line_of, tokens

if TYPE_CHECKING:
    from conformance.engine.deployment.migration import Migration
    from conformance.engine.deployment.tokens import Token

# Names of files that undo what others do, of golang-migrate, Flyway and their like.
UNDOES = re.compile(r"(?i:(?:.*\.)?(?:down|undo|rollback|revert)\.sql)|U\d[\d._]*__.*")
# Where the half begins that undoes a file: of dbmate, goose, sql-migrate, node-pg-migrate, MyBatis,
# tern and rambler.
UNDOING = re.compile(
    r"^--[ \t]*(?:migrate:down|\+(?:goose|migrate)[ \t]+down|down[ \t]+migration|//[ \t]*@undo"
    r"|rambler[ \t]+down|--[ \t]*create[ \t]+above[ \t]*/[ \t]*drop[ \t]+below).*$",
    re.IGNORECASE | re.MULTILINE,
)
DATA = (
    "COPY FROM STDIN takes its rows from psql, which reads them from the lines below: "
    "write them as INSERT"
)
REMEDIES = {
    "restrict": "take that line out, which pg_dump writes for psql alone",
    "unrestrict": "take that line out, which pg_dump writes for psql alone",
    "connect": "take that line out: migrate is given the database",
    "c": "take that line out: migrate is given the database",
    "i": "put the other file's text here, or beside this file under a name of its own",
    "ir": "put the other file's text here, or beside this file under a name of its own",
    "include": "put the other file's text here, or beside this file under a name of its own",
    "copy": "write the rows as INSERT",
}


def refusal(migration: Migration) -> MigrationError | None:
    """Return why a file cannot be run as it is, with its line, or None."""
    found = _of_psql(migration.sql) or _undone(migration.sql)
    if found is None:
        return None
    index, what = found
    return MigrationError.at(migration.path, line_of(migration.sql, index), what)


def undoes(name: str) -> bool:
    """Return whether a file's name says that it undoes another."""
    return UNDOES.fullmatch(name) is not None


def _of_psql(sql: str) -> tuple[int, str] | None:
    """Return where rows or a command for psql stand, and what to do."""
    if "\\" not in sql and "stdin" not in sql.lower():
        return None
    for statement in by_statement(sql):
        if _takes_rows(statement):
            return statement[0].start, DATA
        for token in statement:
            if token.name == BACKSLASH:  # no operator of PostgreSQL has it
                command = re.match(r"[a-z]+|.", sql[token.start + 1 :], re.IGNORECASE)
                name = command[0] if command else ""
                remedy = REMEDIES.get(name, "write it in SQL, or take it out")
                return token.start, f"\\{name} is a command of psql, and no SQL: {remedy}"
    return None


def _takes_rows(statement: list[Token]) -> bool:
    words = [token.word for token in statement]
    return words[0] == "copy" and "stdin" in words and words[words.index("stdin") - 1] == "from"


def _undone(sql: str) -> tuple[int, str] | None:
    """Return where a half begins that would undo the other, if it holds a statement."""
    found = UNDOING.search(sql)
    if found is None or not any(by_statement(sql[found.end() :])):
        return None
    if not any(token.start == found.start() for token in tokens(sql)):
        return None  # in a string
    what = (
        f"what follows {found[0].strip()} undoes the file, and would be run with it: "
        "move it to a file whose name ends in .down.sql"
    )
    return found.start(), what
