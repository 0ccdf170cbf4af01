"""Influence of what pending files change: on any rule, and on what a role may do.

The suite writes to the tables that rules speak of, and knows no other. What only lies beside them
it cannot meet, and it need not be asked about that; what is the same whoever writes, it need not be
asked once more as the application's role.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from conformance.engine.domain.chosen import COLUMNS, DERIVED, RULES, domain
from conformance.engine.gate import bodies, published, unread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.description import Description

    Key = tuple[str, str]

OF_TABLES = (
    "bound",
    "column",
    "constraint",
    "index",
    "policy",
    "privilege",
    "trigger",
    "trigger of",
    "turn",
)
MADE = ("table", "partitioned table", "sequence", "view", "materialized view")
VIEWS = ("view", "materialized view")
SPEAKING = ("function", "policy", "rule", "trigger", "relation")
NOT_VALID = " NOT VALID (not validated)"
# Types whose keys always fit a page of an index, and operators that cannot fail.
SMALL = re.compile(r"(?:uuid|date|boolean|smallint|integer|bigint|interval|timestamp[\w() ]*)\b")
PLAIN = re.compile(
    r"CREATE INDEX \S+ ON (?:ONLY )?\S+ USING (?P<method>btree|hash|brin|gin) "
    r"\((?P<columns>(?:[\w, .\"]|lower\(\w+\))+)\)(?: INCLUDE \((?P<beside>[\w, \"]+)\))?"
)
# Keys of these are short, whatever the value is: hashes, groups of three letters, lexemes.
IN_PARTS = re.compile(r"(?:jsonb|tsvector)\b")
TRIGRAMS = "gin_trgm_ops"
LONGEST = 2_600  # bytes of a key that fits a page of an index
BYTES = 4  # of a character, which may be two in small letters
ASKED = (
    r"\(*(?:NOT )?\(?\w+\)?(?:::text)?(?: IS (?:NOT )?NULL"
    r"| (?:[<>]=?|=|<>) (?:'[^']*'::[\w.\" ]+|\d+)| = ANY \(ARRAY\[[^\]]*\]\))?\)*"
)
WHERE = re.compile(rf"(?: WHERE {ASKED}(?: (?:AND|OR) {ASKED})*)?")
# What runs with the rights of whoever writes, or reads who that is.
CALL = re.compile(r"\w\.\"?\w+\"?\(|\bnextval\b")
WHO = ("a setting", "a role", "the session")
# What of a schema no write asks, unless it is refused: that is told elsewhere.
BESIDE = ("comment", "connect", "default", "storage", "publication", *published.KINDS)
PARTS = {"table": "relation", "domain": "type", "type": "type", "function": "function"}
ALIKE = ("column", "comment", "constraint", "index", "trigger of", "turn", "type")
NARROW = (*ALIKE, "function", "privilege", "trigger")


def leaves_alone(steps: Sequence[Description]) -> bool:
    """Return whether files change nothing that a rule could tell.

    That are tables of their own, and views, types and functions that nothing of ours names;
    comments; the validation of what new rows keep already; an index that can refuse nothing; a
    column that nothing reads.

    Args:
        steps: what the schema is before the first pending file, and after each.
    """
    return not steps or not [*touching(steps[0], steps[-1])]


def minds_who_writes(steps: Sequence[Description]) -> bool:
    """Return whether what files change may be one thing for the owner, and another for a role."""
    before, after = steps[0], steps[-1]
    return any(not _is_alike(key, before, after) for key in touching(before, after))


def near(steps: Sequence[Description]) -> frozenset[str] | None:
    """Return the rules on tables that such a change can reach; None where it may reach all."""
    before, after = steps[0], steps[-1]
    keys = {key for key in touching(before, after) if not _is_alike(key, before, after)}
    if any(kind not in NARROW for kind, _ in keys):
        return None
    keys = _callers(keys, after)
    keys |= _called(keys, before) | _called(keys, after)
    texts = [f"{name} {before.get((kind, name))} {after.get((kind, name))}" for kind, name in keys]
    tables = {table for table in spoken() if any(_names(table, text) for text in texts)}
    rules = frozenset(rule.id for rule in RULES.values() if tables.intersection(rule.tables))
    return rules or None


def _callers(keys: set[Key], schema: Description) -> set[Key]:
    """Return some objects and all that call a function among them, however far."""
    words = {key: _words(text) for key, text in schema.items()}
    reached: set[Key] = set()
    while keys - reached:
        reached |= keys
        functions = {_bare(name).lower() for kind, name in reached if kind == "function"}
        keys = {key for key, said in words.items() if functions & said} | keys
    return reached


def _called(keys: set[Key], schema: Description) -> set[Key]:
    """Return some objects and the functions that they call, however far: what they have done."""
    functions = {key: _bare(key[1]).lower() for key in schema if key[0] == "function"}
    reached: set[Key] = set()
    while keys - reached:
        reached |= keys
        said = frozenset().union(*(_words(schema.get(key, "")) for key in keys))
        keys = {key for key, name in functions.items() if name in said} - reached
    return reached


@cache
def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


def touching(before: Description, after: Description) -> Iterator[Key]:
    """Yield what is not as it was, and not apart from all that rules speak of."""
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key) and not _is_apart(key, before, after):
            yield key


def _is_apart(key: Key, before: Description, after: Description) -> bool:
    """Return whether no rule can tell that something is not as it was."""
    kind, name = key
    was, now = before.get(key, ""), after.get(key, "")
    place = _place(kind, name)
    if kind == "privilege" and after.get(("relation", place), "").startswith(VIEWS):
        is_new = ("relation", place) not in before  # it reads and writes as its owner may
        ours = name.startswith("SELECT ") and name.endswith(f" to {domain().application}")
        return (is_new and ours) or _is_for_readers(name, before, after)
    if kind in OF_TABLES and (_is_beside(place, before, after) or _is_unread(key, before, after)):
        return True
    if kind == "function":
        return key not in before and _is_uncalled(name, now, before)
    if kind == "child table":
        mother = (now or was).removeprefix("of ")
        return all(_is_beside(each, before, after) for each in (mother, name))
    return (
        kind in BESIDE
        or (kind == "role" and key not in before and not now)  # it may do nothing by itself
        or (kind == "setting" and not name.endswith(" of every role"))  # who logs in has it
        or (kind == "membership" and _is_of_another(name, after))
        or (kind == "type" and _is_unused(name, before))
        or (kind in {"relation", "owner"} and _is_beside(name, before, after))
        or (kind == "constraint" and bool(was) and was.removesuffix(NOT_VALID) == now)
        or (kind == "index" and not was and _refuses_nothing(name, now, after))
        or (kind == "privilege" and _is_for_readers(name, before, after))
    )


def _is_of_another(membership: str, after: Description) -> bool:
    """Return whether a membership is of a role that the application is not, nor a member of."""
    member, role = membership.rpartition(" in ")[0], domain().application
    return member != role and ("membership", f"{role} in {member}") not in after


def _is_unread(key: Key, before: Description, after: Description) -> bool:
    """Return whether something is, or is a right to, a new column that nothing reads."""
    column = key[1] if key[0] == "column" else _granted_on(key[1])
    return unread.is_unread(column, after.get(("column", column), ""), before)


def _is_beside(name: str, before: Description, after: Description) -> bool:
    """Return whether something is, or belongs to, what is new or what nothing of ours names."""
    word, _, called = name.partition(" ")
    if not called or word not in PARTS:
        word, called = "table", name
    kind = PARTS[word]
    if "." not in called.partition("(")[0]:  # its owner is told by the shorter name
        called = f"public.{called}"
    key = kind, called
    if kind == "function":
        if key in after:
            return _is_apart(key, before, after)
        return key not in before and not _is_said(_bare(called), before)  # of an extension
    if kind == "type":
        return _is_unused(called, before)
    if key not in before:
        return after.get(key, "").startswith(MADE)
    space, _, bare = called.partition(".")
    ours = spoken()
    return bool(ours) and space == "public" and bare not in ours and not _is_read(bare, after)


def _is_read(table: str, schema: Description, views: frozenset[str] = frozenset()) -> bool:
    """Return whether something that may speak for our tables names another one.

    A view does where something else names it, beside those that lead here.
    """
    return any(
        kind in (*SPEAKING, "column", "constraint")
        and _names(table, text)
        and _place(kind, name) != f"public.{table}"
        and (
            kind != "relation"
            or (name not in views and _is_read(name.rpartition(".")[2], schema, views | {name}))
        )
        for (kind, name), text in schema.items()
    )


def _is_uncalled(name: str, definition: str, before: Description) -> bool:
    """Return whether a new function is one that nothing calls, or triggers of what is beside."""
    return (
        name.startswith("public.")
        and ("SECURITY DEFINER" not in definition or "RETURNS trigger" in definition)
        and not _is_said(_bare(name), before)
    )


def _is_said(name: str, schema: Description) -> bool:
    """Return whether anything of a schema has a name, or names it."""
    return any(_names(name, f"{called} {text}") for (_, called), text in schema.items())


def _is_unused(name: str, before: Description) -> bool:
    """Return whether a type is new, or one that none of our columns and functions has."""
    bare, ours = name.rpartition(".")[2], spoken()
    return ("type", name) not in before or not any(
        _names(bare, text)
        for (kind, of), text in before.items()
        if kind in SPEAKING or (kind == "column" and of.split(".")[1] in ours)
    )


def _refuses_nothing(name: str, definition: str, after: Description) -> bool:
    """Return whether an index is one into which every row fits."""
    found = PLAIN.match(definition)
    if found is None or not WHERE.fullmatch(definition[found.end() :]):
        return False
    table, columns = name.rpartition(" on ")[2], found["columns"].split(", ")
    if found["method"] == "gin":
        return all(
            each.endswith(TRIGRAMS)
            or IN_PARTS.match(after.get(("column", f"{table}.{each.split()[0]}"), ""))
            for each in columns
        )
    columns += found["beside"].split(", ") if found["beside"] else []
    widths = [_width(each.split()[0], table, after) for each in columns]
    return found["method"] == "hash" or sum(widths) <= LONGEST


def _width(element: str, table: str, after: Description) -> int:
    """Return how many bytes a column, or its small letters, may have in an index."""
    column = element.removeprefix("lower(").removesuffix(")")
    definition = after.get(("column", f"{table}.{column}"), "")
    labels = after.get(("type", definition.partition(" ")[0]), "")
    if SMALL.match(definition) or labels.startswith("'"):
        return BYTES * BYTES
    length = rf"char_length\({re.escape(column)}\)"
    bound = re.compile(rf"CHECK \(\(*(?:{length} >= \d+\) AND \()?{length} <= (\d+)\)+")
    bounds = [
        int(found[1])
        for (kind, name), text in after.items()
        if kind == "constraint"
        and name.endswith(f" on {table}")
        and (found := bound.fullmatch(text))
    ]
    return min(bounds, default=LONGEST) * BYTES * (1 + (column != element))


def _is_for_readers(name: str, before: Description, after: Description) -> bool:
    """Return whether a right is one to read, of a role that is neither everybody nor ours."""
    right, role = name.partition(" ")[0], name.rpartition(" to ")[2]
    member = ("membership", f"{domain().application} in {role}")
    everybody = role in {"PUBLIC", domain().application} or role.startswith("pg_")
    return right in {"SELECT", "USAGE"} and not everybody and not {member} & {*before, *after}


def _is_alike(key: Key, before: Description, after: Description) -> bool:
    """Return whether something that is not as it was is the same whoever writes."""
    kind, name = key
    if kind == "privilege":  # to what is new
        column = "column", _granted_on(name)
        return column in after and column not in before
    texts = [each[key] for each in (before, after) if key in each]
    return kind in ALIKE and all(_runs_nothing(kind, text, after) for text in texts)


def _runs_nothing(kind: str, text: str, after: Description) -> bool:
    """Return whether a definition calls nothing of ours, and reads nothing of who writes."""
    typed = text.partition(" ")[0]
    if kind == "column" and "." in typed and not after.get(("type", typed), "").startswith("'"):
        return False  # a domain may ask anything
    reads = bodies.reads(text).keys() & {*WHO}
    return not reads and (text.startswith("FOREIGN KEY") or not CALL.search(text))


def _place(kind: str, name: str) -> str:
    """Return what something is part of, or is about."""
    if kind == "privilege":
        on = _granted_on(name)
        return on.rpartition(".")[0] if on.count(".") > 1 and " " not in on else on
    if kind == "column":
        return name.rpartition(".")[0]
    return name.rpartition(" on ")[2]


def _granted_on(name: str) -> str:
    return name.partition(" on ")[2].rpartition(" to ")[0]


def spoken() -> frozenset[str]:
    """Return the tables that rules speak of, and those that the domain knows beside."""
    spoken = (table for rule in RULES.values() for table in rule.tables)
    return frozenset((*COLUMNS, *DERIVED, *spoken))


def _names(word: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) is not None


def _bare(name: str) -> str:
    """Return a function's name without its schema and arguments."""
    return name.partition("(")[0].rpartition(".")[2].strip('"')
