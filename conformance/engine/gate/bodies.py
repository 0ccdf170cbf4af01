"""Bodies of what guards the rules: which of them files add, change or drop, and what they read.

A guard that lets through who sets a setting, has a role or comes at a certain time keeps its rule
whenever the suite looks. Reading finds it.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from conformance.engine.audit.drift import difference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.engine.audit.description import Description

GUARDS = ("function", "trigger", "policy", "constraint", "rule", "column")
VIEWS = ("view", "materialized view")
ADDED = ("trigger", "policy", "rule")  # that change what may be written to a table that was there
# What a body may read beside its rows, and the words by which it does.
READS: Mapping[str, re.Pattern[str]] = {
    "a setting": re.compile(
        r"\b(?:current_setting|set_config|pg_settings|pg_db_role_setting)\b"
        r"|\bSHOW\s+\w+|\bSET\s+(?:LOCAL\s+)?session_replication_role\b",
        re.IGNORECASE,
    ),
    "a role": re.compile(
        r"\b(?:current_user|session_user|current_role|system_user|pg_has_role|has_\w+_privilege"
        r"|pg_roles|pg_authid|pg_auth_members|row_security_active)\b",
        re.IGNORECASE,
    ),
    "a clock": re.compile(
        r"\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\("
        r"|\b(?:current_(?:date|time|timestamp)|localtime|localtimestamp)\b",
        re.IGNORECASE,
    ),
    "the session": re.compile(
        r"\b(?:pg_stat_activity|inet_(?:client|server)_\w+|application_name|pg_backend_pid"
        r"|pg_trigger_depth)\b",
        re.IGNORECASE,
    ),
    "chance": re.compile(r"\brandom\w*\s*\(", re.IGNORECASE),
}
# Words of the function's own head, which sets what it names for itself.
HEAD = re.compile(r"^ SET \w+ TO .*$", re.MULTILINE)


def look(before: Description, after: Description) -> Iterator[str]:
    """Yield what of guards is not as it was, with the difference, and what they newly read."""
    for key in sorted(before.keys() & after.keys()):
        kind, name = key
        old, new = before[key], after[key]
        if (kind in GUARDS or new.startswith(VIEWS)) and old != new:
            # All of it: what lifts a rule may well come after what is harmless.
            yield f"changes {kind} {name}: {'; '.join(difference(old, new, most=None))}"
            yield from _newly_read(f"{kind} {name}", old, new)
    for kind, name in sorted(before.keys() - after.keys()):
        if kind in GUARDS:
            yield f"takes away {kind} {name}"
    for kind, name in sorted(after.keys() - before.keys()):
        table = name.rpartition(" on ")[2]
        definition = after[kind, name]
        if kind in ADDED and ("relation", table) in before:
            yield f"adds {kind} {name}: {' '.join(definition.split())}"
        if kind in GUARDS and kind != "column":  # a default is no guard
            yield from _newly_read(f"{kind} {name}", "", definition)


def reads(definition: str) -> dict[str, Counter[str]]:
    """Return what a definition reads beside its rows: by what, the words and how often."""
    body = HEAD.sub("", definition)
    found = {
        what: Counter(" ".join(word.lower().split()) for word in words.findall(body))
        for what, words in READS.items()
    }
    return {what: words for what, words in found.items() if words}


def _newly_read(about: str, old: str, new: str) -> Iterator[str]:
    """Yield a note for each kind of thing that a definition reads, or reads once more."""
    was = reads(old)
    for what, words in reads(new).items():
        more = words - was.get(what, Counter())
        lines = [
            " ".join(line.split())
            for line in HEAD.sub("", new).splitlines()
            if READS[what].search(line) and line.split() not in map(str.split, old.splitlines())
        ]
        if more:
            called = ", ".join(sorted(word.rstrip("( ") for word in more))
            yield f"{about} newly reads {what} ({called}): {' / '.join(lines)}"
