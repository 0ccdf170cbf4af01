"""Guards that ask who or where somebody is, and guards that another trigger goes around.

A rule that a setting lifts, or a name, or a nesting of triggers, looks whole from outside: nobody
who writes knows the word. So what every guard reads is read: functions, conditions of triggers,
checks, policies, defaults, generated columns and indexes.

And `UPDATE OF` sees the columns of the statement alone: what a BEFORE trigger assigns passes by.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from conformance.engine.cases.verdicts import Verdict
from conformance.engine.catalogue.concerns import concern
from conformance.engine.domain.chosen import RULES, conventions
from conformance.engine.reading import bodies, recording
from conformance.engine.reading.needs import unknown, unneeded
from conformance.engine.reading.nodes import Reading, asks_clock
from conformance.engine.reading.places import BEGINS, CHILDREN, LIFTED, Guards

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg


SETTING, SESSION, TRANSACTION, CATALOG = "a setting", "the session", "the transaction", "a catalog"
DEPTH, BYPASS, OFF, REWRITES, MADE = "the nesting", "bypass", "off", "rewrites", "made-up text"
CHANCE, COUNTING, OUTSIDE, DAY = "chance", "a sequence", "what is no table", "a day"
SHARE, ROUNDED, ADVISORY = "a share", "rounded moments", "a lock of no row"
FIRST, PATTERN = "the first of several", "a pattern"

UNNEEDED, STALE, HIDDEN, BESIDE = "what no rule needs", "a copy", "policies", "a child"

VERBS: Final = {
    BYPASS: "assigns",
    OFF: "is",
    REWRITES: "rewrites",
    MADE: "runs",
    BESIDE: "inherits",
    ADVISORY: "takes",
    FIRST: "takes",
    PATTERN: "takes",
}
# What may be innocent: nothing is proven of the rules that rest on it.
DOUBTED: Final = frozenset(
    {UNNEEDED, STALE, HIDDEN, BESIDE, SHARE, ROUNDED, ADVISORY, FIRST, PATTERN}
)

# What a call tells, by the function's name.
TELLS: Final = {
    SETTING: r"current_setting|set_config|pg_show_all_settings|pg_settings_get_flags",
    SESSION: r"pg_has_role|has_\w+_privilege|pg_backend_pid|inet_(client|server)_\w+"
    r"|row_security_\w+|current_(user|role|database|schemas?|query)|session_user|system_user|user"
    r"|getdatabaseencoding|pg_my_temp_schema|pg_is_other_temp_schema|pg_stat_get_\w+|pg_blocking_pids|version"
    r"|pg_is_in_recovery|to_reg\w+|pg_client_encoding|pg_postmaster_start_time|pg_conf_load_time",
    TRANSACTION: r"txid_\w+|pg_current_(xact_id|snapshot)\w*|pg_xact_\w+|pg_visible_in_snapshot"
    r"|pg_try_advisory_\w+",
    DEPTH: r"pg_trigger_depth",
    CATALOG: r"(\w+_)?obj_description|col_description|pg_listening_channels",
    CHANCE: r"random(_normal)?|setseed|gen_random_(uuid|bytes)|uuidv[47]|uuid_generate_\w+",
    COUNTING: r"lastval|currval|nextval|pg_sequence_last_value",
    ADVISORY: r"pg_advisory_(xact_)?lock(_shared)?",
    OUTSIDE: r"lo_\w+|query_to_xml\w*|pg_(ls|read|stat)_\w*(dir|file)",
}
KEYWORDS: Final = r"CURRENT_(ROLE|USER|CATALOG|SCHEMA)|USER|SESSION_USER|SYSTEM_USER|PG_CONTEXT"
CATALOGS: Final = re.compile(r"(pg_catalog|information_schema)\.|pg_")
STATEMENTS: Final = {
    "VariableShowStmt": SETTING,
    "VariableSetStmt": SETTING,
    "AlterTableStmt": OFF,
    "DropStmt": OFF,
}
# Of a function: what it runs under.
UNDER: Final = re.compile(r"^ SET (session_replication_role|row_security) ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Switch:
    """A place that decides by something that is no row, or by what its rule does not need.

    Attributes:
        place: the object, such as `check users.name_of_it`.
        kind: what it asks of.
        reads: what it reads.
        rules: the ids of the rules that rest on the place.
    """

    place: str
    kind: str
    reads: str
    rules: tuple[str, ...]

    def __str__(self) -> str:
        """Return it as a clause."""
        verb = VERBS.get(self.kind, "reads")
        return f"{self.place} {verb} {self.reads}"

    @property
    def verdict(self) -> Verdict:
        """Verdict on the rule: a column that it does not need may be innocent."""
        return Verdict.UNPROVEN if self.kind in DOUBTED else Verdict.BROKEN


def switches(connection: psycopg.Connection[Any]) -> list[Switch]:
    """Return what decides by something that is no row, and is not meant to."""
    with connection.transaction(force_rollback=True):
        found = [*_Lifted(Guards(connection)).switches()]
    return [
        each for each in found if (_bare(each.place), each.reads) not in conventions().on_purpose
    ]


def _bare(place: str) -> str:
    """Return a place without a function's arguments, whose types say nothing of what it reads."""
    return place.partition("(")[0]


class _Lifted:
    """Finder of what lifts the guards of a database."""

    def __init__(self, guards: Guards) -> None:
        self._guards = guards

    def switches(self) -> Iterator[Switch]:
        for place, reading, rules in self._guards.places():
            if rules or not self._only_records(place, reading):
                is_fired = self._guards.is_fired(place)
                # Who calls a function may want others to wait, or few rows.
                yield from (
                    each
                    for each in _of_reading(place, reading, rules)
                    if is_fired or each.kind not in {ADVISORY, FIRST}
                )
            asked = self._guards.live.asked(reading)
            if rules:
                beside = unneeded(asked, rules)
            else:
                beside = unknown(place, asked) if self._guards.is_fired(place) else iter(())
            yield from (Switch(place, UNNEEDED, each, rules) for each in beside)
        for signature, (function, reading) in self._guards.functions.items():
            rules = concern(self._guards.schema, function).rules
            yield from self._through(signature, reading, rules)
            yield from self._unseen(signature, function, reading, rules)
            for found in UNDER.finditer(function.definition):
                yield Switch(signature, OFF, f"run under {found[1]}", rules)
        for each in self._guards.rows(LIFTED):
            yield Switch(
                each.place, each.kind, each.reads, self._guards.rules(each.name, each.comment)
            )
        for each in self._guards.rows(BEGINS):
            reads = f"begun with {each.reads}, which fires no trigger"
            yield Switch(each.place, OFF, reads, tuple(RULES))
        for each in self._guards.rows(CHILDREN):
            reads = f"{each.parent}, whose triggers and keys do not ask its rows"
            yield Switch(f"table {each.child}", BESIDE, reads, _about(each.parent))
        for trigger in self._guards.triggers:
            yield from self._passed_by(trigger)

    def _only_records(self, place: str, reading: Reading) -> bool:
        """Return whether a place writes down what it asks, beside all that rules speak of."""
        if place in self._guards.functions:
            function, _ = self._guards.functions[place]
            return recording.only_records(function, reading, _asks, self._guards.is_beside)
        kind, _, name = place.partition(" ")
        if kind == "column" and not self._guards.is_read(name):
            return True
        return self._guards.is_beside(name.rpartition(".")[0])

    def _unseen(
        self, place: str, function: Any, reading: Reading, rules: tuple[str, ...]
    ) -> Iterator[Switch]:
        """Return the tables that a guard reads with its caller's eyes, where policies hide rows."""
        is_owners = " SECURITY DEFINER" in function.definition
        for name in sorted(reading.tables) if self._guards.is_fired(place) else ():
            forced = self._guards.policed.get(name)
            if forced is not None and (forced or not is_owners):
                yield Switch(place, HIDDEN, f"{name}, of which policies may hide rows", rules)

    def _through(
        self,
        place: str,
        reading: Reading,
        rules: tuple[str, ...],
        seen: frozenset[str] = frozenset(),
    ) -> Iterator[Switch]:
        """Return what a function reads by way of views, and of sequences."""
        for name in sorted(reading.tables - seen):
            relation = self._guards.relations.get(name)
            if relation is not None and relation.kind == "S":
                yield Switch(place, COUNTING, name, rules)
            elif relation is not None:
                if relation.kind == "m":
                    yield Switch(place, STALE, f"{name}, which is as old as its refresh", rules)
                inner = bodies.of_expression(f"({relation.text})")
                yield from _of_reading(f"{place}, through {name},", inner, rules)
                yield from self._through(place, inner, rules, seen | {name})

    def _passed_by(self, trigger: Any) -> Iterator[Switch]:
        """Return the triggers that do not see what a BEFORE UPDATE trigger assigns."""
        if not re.search(r" BEFORE (\w+ OR )*UPDATE", trigger.definition):
            return
        fires, _ = bodies.of_trigger(trigger.definition)
        assigned = self._assigned(trigger.function)
        for other in self._guards.triggers:
            watched, _ = bodies.of_trigger(other.definition)
            sees = bool(fires) and fires <= watched  # it fires whenever this one does
            hidden = watched if bodies.WHOLE in assigned else watched & assigned
            if other.table == trigger.table and other is not trigger and hidden and not sees:
                place = f"trigger {trigger.table}.{trigger.name}"
                reads = f"{', '.join(sorted(hidden))}, which {other.name} watches"
                rules = self._guards.rules(other.name, other.comment, other.table)
                yield Switch(place, BYPASS, reads, rules)

    def _assigned(self, function: str) -> set[str]:
        return {
            column
            for known, reading in self._guards.functions.values()
            if known.name == function
            for column in reading.assigns
        }


def _about(table: str) -> tuple[str, ...]:
    """Return the rules that speak of a table."""
    name = table.removeprefix("public.")
    return tuple(rule.id for rule in RULES.values() if name in rule.tables)


def _of_reading(place: str, reading: Reading, rules: tuple[str, ...]) -> Iterator[Switch]:
    for kind, reads in _asked(reading):
        yield Switch(place, kind, reads, rules)


def _asks(reading: Reading) -> bool:
    return any(True for _ in _asked(reading))


def _asked(reading: Reading) -> Iterator[tuple[str, str]]:
    """Return what some SQL asks that is no row, each with its kind."""
    for call in sorted(reading.calls, key=str):
        for kind, names in TELLS.items():
            if call.schema == "" and re.fullmatch(names, call.name):
                yield kind, str(call)
    yield from ((SESSION, each) for each in sorted(reading.values) if re.fullmatch(KEYWORDS, each))
    yield from ((TRANSACTION, column) for column in sorted(reading.columns))
    yield from ((CATALOG, table) for table in sorted(reading.tables) if CATALOGS.match(table))
    yield from ((STATEMENTS[each], each) for each in sorted(reading.statements & set(STATEMENTS)))
    # What holds until a day, or from it on, or for what is older, is not what was tried today.
    clock = "the clock, and " if asks_clock(reading) else ""
    yield from ((DAY, f"{clock}the day {each}") for each in sorted(reading.dates))
    # Two texts that are drawn are seldom like each other.
    yield from ((PATTERN, f"a text for a pattern, by {each}") for each in sorted(reading.patterns))
    # Few scenarios have more rows than that.
    yield from ((FIRST, each) for each in sorted(reading.firsts))
    # What a change is given to at first is too little for rows that are drawn.
    yield from ((SHARE, f"a share of all rows, by {each}") for each in sorted(reading.shares))
    yield from ((DAY, f"the time of the day: {each}") for each in sorted(reading.times))
    # Near misses try rows a microsecond before and after, but no moment of now's own second.
    if reading.rounds:
        yield ROUNDED, "moments rounded by date_trunc()"
    if reading.is_made_up:
        yield MADE, MADE
