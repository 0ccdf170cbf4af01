"""Stand-ins for roles and extensions that exist on the target alone, made as files name them.

A file may grant something to a role that only the database in use has. On a scratch server such a
role is made, with no right at all, before the first file is run; a statement about an extension
that this server does not have is left out, and how and where a table is stored is left to its
default. Lines stay where they are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from conformance.engine.deployment.tokens import SEMICOLON, STRING, by_statement, content, tokens

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from conformance.engine.deployment.migration import Migration
    from conformance.engine.deployment.tokens import Token

# Words of statements that name roles.
OF_ROLES = frozenset(
    {"grant", "revoke", "owner", "owned", "policy", "authorization", "role", "user"}
)
MAKING = frozenset({"role", "user", "group"})
MAKE = (
    "BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {text}) THEN "
    "CREATE ROLE {name}; END IF; "
    "EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL; END;"
)
EXTENSION = "extension"
# Ways to store a table, as `FOUND` lists them, each with a word that every server knows there; and
# settings of the same.
STORED: Final = {"compression": "default", "tablespace": "pg_default"}
SETTINGS: Final = {"default_toast_compression": "pglz", "default_tablespace": ""}
QUOTES: Final = "'\""
MADE_BY_HAND: Final = frozenset({"create", "alter", "drop"})  # a tablespace
# What a server has beside roles: extensions by their names, and ways to store a table.
FOUND: Final = """
    SELECT name::text FROM pg_catalog.pg_available_extensions
    UNION ALL SELECT 'tablespace ' || spcname FROM pg_catalog.pg_tablespace
    UNION ALL SELECT 'compression ' || unnest(enumvals) FROM pg_catalog.pg_settings
     WHERE name = 'default_toast_compression'
"""


def on(
    here: Collection[str],
    files: tuple[Sequence[Migration], Sequence[Migration]],
    known_roles: Collection[str],
    known_extensions: Collection[str],
) -> tuple[tuple[Migration, ...], tuple[Migration, ...], list[str]]:
    """Return files as a scratch server can run them, and notes on what stands in for what.

    Args:
        here: what the scratch server has, as `FOUND` lists it.
        files: those that were applied to the target, and those that are pending.
        known_roles: of the target.
        known_extensions: the same of the target.
    """
    applied, pending = files
    every = (*applied, *pending)
    made = roles(every, known_roles, len(applied))
    left_out = [name for name in extensions(every) if name in known_extensions and name not in here]
    stored = {each for each in known_extensions if " " in each and each not in here}
    plain = [_stored_plainly(file, stored) for file in every]
    used = sorted({each for _, names in plain for each in names})
    every = with_roles([without_extensions(file, left_out) for file, _ in plain], made)
    notes = [f"a role of no rights stands in for {name}, which the target has" for name in made]
    notes += [
        f"the extension {name} is not on the scratch server: what is said of it was left out, "
        "and what needs it cannot be tried"
        for name in left_out
    ]
    notes += [f"{name} is not on the scratch server: the default stands in for it" for name in used]
    return every[: len(applied)], every[len(applied) :], notes


def roles(files: Sequence[Migration], known: Collection[str], applied: int) -> list[str]:
    """Return roles of a target that files name, and that the applied ones of them do not make.

    Args:
        files: all of them, in their order.
        known: the roles of the target.
        applied: how many of the files were applied there.
    """
    named: set[str] = set()
    made: set[str] = set()
    for number, file in enumerate(files):
        for words in _statements(file.sql):
            if OF_ROLES & set(words):
                named.update(words)
            if number < applied:
                made.update(_made(words))
    return sorted(role for role in known if role in named and role not in made)


def extensions(files: Sequence[Migration]) -> list[str]:
    """Return the extensions that files make, change or drop."""
    return sorted(
        {name for file in files for statement in by_statement(file.sql) if (name := _of(statement))}
    )


def with_roles(files: Sequence[Migration], made: Sequence[str]) -> tuple[Migration, ...]:
    """Return files of which the first makes some roles before all else, in its first line."""
    if not files or not made:
        return tuple(files)
    body = " ".join(MAKE.format(text=_quoted(name, "'"), name=_quoted(name, '"')) for name in made)
    first = replace(files[0], sql=f"DO $stand_ins$ BEGIN {body} END $stand_ins$; {files[0].sql}")
    return first, *files[1:]


def without_extensions(file: Migration, names: Collection[str]) -> Migration:
    """Return a file without the statements that are about some extensions."""
    text = file.sql
    for statement in by_statement(file.sql):
        if _of(statement) in names:
            start, last = statement[0].start, statement[-1]
            end = last.start + len(last.text)
            blank = "".join("\n" if char == "\n" else " " for char in text[start:end])
            text = f"{text[:start]}{blank}{text[end:]}"
    return file if text == file.sql else replace(file, sql=text)


def _stored_plainly(file: Migration, names: Collection[str]) -> tuple[Migration, list[str]]:
    """Return a file with defaults for some ways to store a table, and those that it names."""
    text, met = file.sql, []
    found = [token for token in tokens(file.sql) if not token.name.endswith("_COMMENT")]
    for head, before, token in reversed([*zip(found, found[1:], found[2:], strict=False)]):
        setting = head.word if before.word in {"=", "to"} and head.word in SETTINGS else ""
        word = setting.rpartition("_")[2] or before.word
        name = f"{word} {token.text.strip(QUOTES) if token.text[0] in QUOTES else token.word}"
        if name in names and head.word not in MADE_BY_HAND:
            instead = f"'{SETTINGS[setting]}'" if setting else STORED[word]
            text = f"{text[: token.start]}{instead}{text[token.start + len(token.text) :]}"
            met.append(name)
    return (replace(file, sql=text) if met else file), met


def _of(statement: Sequence[Token]) -> str:
    """Return the extension that a statement makes, changes, drops or comments on; or ''."""
    words = [token.word for token in statement]
    if words[1:2] == [EXTENSION] and words[0] in {"create", "alter", "drop"}:
        rest = words[2:]
    elif words[:3] == ["comment", "on", EXTENSION]:
        rest = words[3:]
    else:
        return ""
    return next((word for word in rest if word not in {"if", "not", "exists"}), "")


def _statements(sql: str) -> Iterator[list[str]]:
    """Yield the words of each statement, also of those in bodies and strings."""
    words: list[str] = []
    for token in tokens(sql):
        if token.name == STRING:
            inner = content(token)
            words.append(inner)  # a string may be a name
            yield from _statements(inner)
        elif token.name == SEMICOLON:
            yield words
            words = []
        elif not token.name.endswith("_COMMENT"):
            quoted = token.text.startswith('"')
            words.append(token.text.strip('"').replace('""', '"') if quoted else token.word)
    if words:
        yield words


def _made(words: Sequence[str]) -> Iterator[str]:
    for place, word in enumerate(words[:-2]):
        if word == "create" and words[place + 1] in MAKING:
            yield words[place + 2]


def _quoted(name: str, quote: str) -> str:
    return f"{quote}{name.replace(quote, quote * 2)}{quote}"
