"""List of rejections for programs: rule, table, columns, hint, and who can mend it."""

from __future__ import annotations

import json
import tomllib
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from conformance.engine.domain.chosen import RULES, conventions, domain
from conformance.engine.rejections.names import Name, names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg

RECORD: Final = "answers.toml"
ANSWERS: Final = ("mend", "later", "bug")
VERSION: Final = 1
NOT_NULL: Final = """
SELECT c.oid::regclass || '.' || a.attname FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
WHERE c.relkind = 'r' AND a.attnum > 0 AND a.attnotnull
    AND a.attgenerated = '' AND c.relnamespace = 'public'::regnamespace
ORDER BY c.relname, a.attnum
"""
LABELS: Final = """
SELECT t.typname::text, array_agg(e.enumlabel::text ORDER BY e.enumsortorder), ARRAY(
    SELECT a.attrelid::regclass || '.' || a.attname FROM pg_attribute AS a
    JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind = 'r'
    WHERE a.atttypid IN (t.oid, t.typarray) AND a.attgenerated = '' ORDER BY 1
)
FROM pg_enum AS e JOIN pg_type AS t ON t.oid = e.enumtypid
WHERE t.typnamespace::regnamespace::text IN OUR SCHEMAS
GROUP BY t.oid, t.typname, t.typarray ORDER BY 1
"""


def written(connection: psycopg.Connection[Any]) -> str:
    """Return the rejections of a schema as JSON, in the order of their names."""
    parts = (f"  {_json(key)}: {_lines(value)}" for key, value in listed(connection).items())
    return "{\n" + ",\n".join(parts) + "\n}\n"


def listed(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    """Return the rejections of a schema as plain values."""
    found = names(connection)
    return {
        "version": VERSION,
        "answers": _answers()["answers"],
        "sqlstates": _answers()["sqlstates"],
        "constraints": {name: _entry(found[name]) for name in sorted(found)},
        "not_null": [column for (column,) in connection.execute(NOT_NULL.encode())],
        "types": {
            name: {
                "rules": [rule.id for rule in RULES.values() if name in rule.types],
                "labels": labels,
                "columns": columns,
            }
            for name, labels, columns in connection.execute(conventions().placed(LABELS).encode())
        },
    }


def answered(name: str) -> list[tuple[str, str, str]]:
    """Return what is said of a name: how it is answered, its hint, and the entry that says so.

    An entry that is the name itself stands before one that is a pattern.
    """
    said = [
        (answer, hint, entry)
        for answer in ANSWERS
        for entry, hint in _answers()[answer].items()
        if fnmatchcase(name, entry)
    ]
    return [each for each in said if each[2] == name] or said


def entries() -> Iterator[str]:
    """Return the names and patterns that something is said of."""
    for answer in ANSWERS:
        yield from _answers()[answer]


def _entry(name: Name) -> dict[str, Any]:
    ((answer, hint, _),) = answered(name.name)
    own = [rule for rule in RULES.values() if name.name.startswith(rule.token)]
    also = [each for each in RULES.values() if name.name in each.enforced_by and each not in own]
    return {
        "rule": own[0].id if own else None,
        "also": [rule.id for rule in also],
        "statement": own[0].statement if own else _claim(name),
        "tables": list(name.tables),
        "columns": list(name.columns),
        "sqlstates": list(name.states),
        "when": "commit" if name.is_late else "statement",
        "answer": answer,
        "hint": name.hint or hint,
    }


def _lines(value: Any) -> str:
    """Return JSON with a line for each member of an object, which is how a change is read best."""
    if not isinstance(value, dict):
        return _json(value)
    members = (f"    {_json(key)}: {_json(each)}" for key, each in value.items())
    return "{\n" + ",\n".join(members) + "\n  }"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _claim(name: Name) -> str:
    """Return what a constraint of no rule asks, in the words of its name."""
    table, columns = name.tables[0].rpartition(".")[2], name.columns
    claim = name.name.removeprefix(f"{table}_").replace("_", " ")
    if claim == "pkey":
        claim = f"no two rows share {' and '.join(each.rpartition('.')[2] for each in columns)}"
    return f"{table}: {claim}"


def _answers() -> dict[str, dict[str, str]]:
    file = domain().record(RECORD)
    if file is None:
        message = f"{domain().name} has no {RECORD} among its records"
        raise FileNotFoundError(message)
    return _read(file)


@cache
def _read(file: Path) -> dict[str, dict[str, str]]:
    return tomllib.loads(file.read_text(encoding="utf-8"))
