"""Needs of the guards of each rule: tables, columns and keys of JSON, as data.

A rule that is lifted by a column that it does not speak of, by a row of some table or by a key in
JSON holds for everybody who does not know the word. So what the guards of a domain's schema read is
written down, by rules, in its `needs.toml`; and what a guard reads beside that, and beside what the
rule's own violation query asks, is named.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from conformance.engine.domain.chosen import COLUMNS, RULES, domain
from conformance.engine.reading.constants import strange

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from conformance.engine.reading.nodes import Reading

RECORD: Final = "needs.toml"
KINDS: Final = ("tables", "columns", "keys", "rows", "constants")
HEAD: Final = """\
# What the guards of each rule read in the schema of this project, beside what the rule's violation
# query asks. `python -m conformance.engine.reading` prints it anew.
"""
# In the place of a rule: what fires when somebody writes, and is no rule's, such as a lock.
BESIDE: Final = "beside"
WORD: Final = re.compile(r"\w+")
# What every guard may read: a row is told from others by it.
KEY: Final = frozenset({"id"})
# The matrix of permissions is data, in a table of any name.
MATRIX: Final = re.compile(r"permission", re.IGNORECASE)


class Asked(NamedTuple):
    """One thing that a guard reads."""

    tables: frozenset[str] = frozenset()
    columns: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    rows: frozenset[str] = frozenset()
    constants: frozenset[str] = frozenset()

    def __or__(self, other: Asked) -> Asked:
        """Return what either reads."""
        return Asked(*(mine | theirs for mine, theirs in zip(self, other, strict=True)))

    def beyond(self, other: Asked) -> Asked:
        """Return what this one reads and the other does not."""
        return Asked(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class Live:
    """Names of a live schema, which tell columns from variables, and bookkeeping from switches.

    Attributes:
        columns: by tables, as `schema.name`: their columns.
        derived: columns that the database computes from others -> what they are computed from.
        books: tables that the schema's own triggers write.
        passing: names of transition tables.
        views: what each view reads.
        words: of its labels and names, of which constants may consist.
    """

    columns: Mapping[str, frozenset[str]]
    derived: Mapping[str, frozenset[str]] = field(default_factory=dict)
    books: frozenset[str] = frozenset()
    passing: frozenset[str] = frozenset()
    views: Mapping[str, Reading] = field(default_factory=dict)
    words: frozenset[str] = frozenset()

    def asked(self, reading: Reading) -> Asked:
        """Return what some SQL reads of this schema."""
        seen = reading.tables & self.views.keys()
        tables = {self._named(each) for each in reading.tables - self.passing - seen}
        # A column can be had from a table that is read, or from a row of one that rules speak of.
        read = {*COLUMNS, *reading.tables}
        near = self.books | {each if "." in each else f"public.{each}" for each in read}
        every = frozenset[str]().union(*(self.columns.get(each, frozenset()) for each in near))
        of_books = frozenset[str]().union(
            *(self.columns.get(each, frozenset()) for each in self.books)
        )
        known = frozenset[str]().union(
            *(each for name, each in self.columns.items() if name not in self.books)
        )
        names = (reading.names | reading.keys) & every
        columns = frozenset[str]()
        for name in names - (of_books - known):
            columns |= self.derived.get(name, frozenset({name}))
        asked = Asked(
            frozenset(each for each in tables if each not in self.books),
            columns,
            frozenset(reading.keys) - every,
            frozenset(reading.rows),
            strange(reading.constants - reading.rows, self.words),
        )
        for name in seen:
            asked |= self.asked(self.views[name])
        return asked

    def _named(self, name: str) -> str:
        """Return a table's name as the domain has it; with its schema where that is another."""
        full = (
            name if "." in name else next((f for f in self.columns if f.endswith(f".{name}")), "")
        )
        return (full or name) if full in self.books else (full or name).removeprefix("public.")


def unneeded(asked: Asked, rules: Iterable[str]) -> Iterator[str]:
    """Return in words what a guard of some rules reads, and none of them needs."""
    allowed = Asked()
    for rule in rules:
        allowed |= _needs().get(rule, Asked()) | of_query(rule)
    beyond = asked.beyond(allowed)
    yield from (f"table {each}" for each in sorted(beyond.tables) if not MATRIX.search(each))
    yield from (f"column {each}" for each in sorted(beyond.columns - KEY))
    yield from (f"the key {each!r} in JSON" for each in sorted(beyond.keys))
    yield from (f"the row {each!r}" for each in sorted(beyond.rows))
    yield from (f"the constant {each!r}" for each in sorted(beyond.constants))


def unknown(place: str, asked: Asked) -> Iterator[str]:
    """Return in words what a guard of no rule reads, and the domain does not know, or has not."""
    of_domain = frozenset(COLUMNS) | frozenset().union(*(each.tables for each in _needs().values()))
    tables = sorted(asked.tables - of_domain)
    yield from (f"table {each}" for each in tables if not MATRIX.search(each))
    yield from (f"the row {each!r}" for each in sorted(asked.rows))
    yield from (f"the constant {each!r}" for each in sorted(asked.constants))
    if place in _beside():
        columns = sorted(asked.columns - _beside()[place] - KEY)
        yield from (f"column {each}" for each in columns)


@cache
def of_query(rule: str) -> Asked:
    """Return what a rule's own words and violation query ask."""
    said = RULES[rule]
    words = frozenset(WORD.findall(f"{said.violations} {said.at_scale}"))
    tables = frozenset(COLUMNS) & (words | frozenset(said.tables))
    return Asked(tables, words)


def written(found: Mapping[str, Asked]) -> str:
    """Return what the guards of a schema read, by rules and places, as the file has it."""
    blocks = [HEAD]
    for rule in RULES:
        beyond = found.get(rule, Asked()).beyond(of_query(rule))
        lines = [
            f"{kind} = {sorted(each)!r}" for kind, each in zip(KINDS, beyond, strict=True) if each
        ]
        if lines:
            blocks.append("\n".join((f"[{rule}]", *lines, "")))
    beside = {place: sorted(found[place].columns - KEY) for place in sorted(found.keys() - RULES)}
    lines = [f"{place!r} = {columns!r}" for place, columns in beside.items()]
    blocks.append("\n".join((f"[{BESIDE}]", *lines, "")))
    return "\n".join(blocks)


def _needs() -> Mapping[str, Asked]:
    return _recorded(domain().record(RECORD))[0]


def _beside() -> Mapping[str, frozenset[str]]:
    return _recorded(domain().record(RECORD))[1]


@cache
def _recorded(file: Path | None) -> tuple[Mapping[str, Asked], Mapping[str, frozenset[str]]]:
    """Return what guards read by rules, then by places; nothing where a domain has no record."""
    said = tomllib.loads(file.read_text(encoding="utf-8")) if file else {}
    beside = {place: frozenset(columns) for place, columns in said.pop(BESIDE, {}).items()}
    needs = {
        rule: Asked(*(frozenset(each.get(kind, ())) for kind in KINDS))
        for rule, each in said.items()
    }
    return needs, beside
