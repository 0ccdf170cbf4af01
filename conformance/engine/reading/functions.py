"""Declarations of functions, compared with what their bodies do.

A function that reads tables and says that it is IMMUTABLE answers from a prepared plan, after what
it read has changed. Such things show themselves in some sessions only, so they are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import namedtuple_row

from conformance.engine.catalogue import schema
from conformance.engine.catalogue.concerns import concern
from conformance.engine.catalogue.rights import OURS
from conformance.engine.domain.chosen import conventions
from conformance.engine.reading import bodies
from conformance.engine.reading.probes import Probes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import psycopg

    from conformance.engine.catalogue.schema import Schema
    from conformance.engine.reading.nodes import Call, Reading

# As pg_proc has them, each less than the next.
VOLATILITY = {"i": "IMMUTABLE", "s": "STABLE", "v": "VOLATILE"}
PARALLEL = {"s": "PARALLEL SAFE", "r": "PARALLEL RESTRICTED", "u": "PARALLEL UNSAFE"}
IMMUTABLE, STABLE, VOLATILE = range(3)
SAFE, _RESTRICTED, UNSAFE = range(3)

# What extensions bring is theirs.
_IS_OURS = f"n.nspname {OURS}"
DECLARED = f"""
SELECT p.oid::regprocedure::text AS signature, n.nspname::text AS space, p.proname::text AS name,
    l.lanname::text AS language, p.pronargs AS most, p.pronargs - p.pronargdefaults AS least,
    p.provariadic <> 0 AS is_variadic, p.provolatile::text AS volatility,
    p.proparallel::text AS parallel, p.proisstrict AS is_strict, p.prosecdef AS is_definer,
    {_IS_OURS} AND p.prokind <> 'a' AND NOT EXISTS (
        SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
            AND d.deptype = 'e'
    ) AS is_ours,
    CASE WHEN {_IS_OURS} THEN pg_get_function_arguments(p.oid) ELSE '' END AS arguments,
    CASE WHEN {_IS_OURS} THEN pg_get_function_identity_arguments(p.oid) END AS parameters,
    p.prokind = 'f' AND p.prorettype NOT IN (
        'trigger'::regtype, 'event_trigger'::regtype, 'void'::regtype
    ) AS answers,
    (
        SELECT substr(c, 13) FROM unnest(p.proconfig) AS c WHERE starts_with(c, 'search_path=')
    ) AS path,
    p.proowner::regrole::text AS owner
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_language AS l ON l.oid = p.prolang
ORDER BY 1
"""  # noqa: S608 - nothing that is put in comes from outside
# Tables that the owner of a function does not own, of those that it may touch.
FOREIGN = """
SELECT c.oid::regclass::text FROM pg_class AS c
WHERE c.oid = ANY (SELECT to_regclass(t) FROM unnest(%s::text[]) AS t)
    AND NOT pg_has_role(%s::regrole, c.relowner, 'USAGE')
ORDER BY 1
"""
# Locks that outlive a transaction: who asks for one next waits until the session ends.
KEPT = frozenset(
    f"pg_{tries}advisory_lock{shared}" for tries in ("", "try_") for shared in ("", "_shared")
)
RELEASED = "pg_advisory_unlock"
OPEN = "SELECT has_schema_privilege('public', oid, 'CREATE') FROM pg_namespace WHERE nspname = %s"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A function that is not what it declares.

    Attributes:
        function: its signature.
        declared: what it says.
        does: what it does, against that.
        rules: the ids of the rules that rest on it.
    """

    function: str
    declared: str
    does: str
    rules: tuple[str, ...]

    def __str__(self) -> str:
        """Return it as a sentence."""
        return f"{self.function} is {self.declared}, and {self.does}"


def mismatches(connection: psycopg.Connection[Any]) -> list[Mismatch]:
    """Return the functions of a database that are not what they declare."""
    with connection.transaction(force_rollback=True):
        return [*_Functions(connection).mismatches()]


class _Functions:
    """All functions of a database, and what those of its schema do."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._schema: Schema = schema.read(connection)
        self._declared: dict[str, list[Any]] = {}
        cursor = connection.cursor(row_factory=namedtuple_row)
        every: list[Any] = cursor.execute(DECLARED).fetchall()
        for each in every:
            self._declared.setdefault(each.name, []).append(each)
        self._ours = {each.signature: each for each in every if each.is_ours}
        self._bodies = {each.signature: each for each in self._schema.functions}
        self._reads: dict[str, Reading] = {
            each.signature: bodies.of_function(
                each.language, each.definition, each.body, each.sql_body
            )
            for each in self._schema.functions
            if each.signature in self._ours
        }
        self._probes = Probes(connection)
        self._needed: dict[tuple[str, str], tuple[int, str]] = {}

    def mismatches(self) -> Iterator[Mismatch]:
        for signature, function in self._ours.items():
            rules = concern(self._schema, self._bodies[signature]).rules
            faults = [*self._faults(function)]
            # With its caller's rights, and with no rule on it, it may look where its caller says.
            if rules or function.is_definer:
                faults += self._path(function)
            for declared, does in faults:
                yield Mismatch(signature, declared, does, rules)

    def _faults(self, function: Any) -> Iterator[tuple[str, str]]:
        signature = function.signature
        for kind, names in (("volatility", VOLATILITY), ("parallel", PARALLEL)):
            declared = getattr(function, kind)
            needed, why = self._need(signature, kind)
            if [*names].index(declared) < needed:
                yield names[declared], why
        yield from self._unstable(function)
        if function.is_strict and "DEFAULT NULL" in function.arguments:
            yield "STRICT", "a parameter is null unless it is given: it does nothing then"
        elif function.is_strict and function.answers:
            yield from (("STRICT", each) for each in self._probes.answers(signature))
        called = {call.name for call in self._reads[signature].calls}
        if not any(name.startswith(RELEASED) for name in called):
            for name in sorted(called & KEPT):
                yield "of a transaction", f"keeps the lock of {name} when that ends"
        if function.is_definer:
            tables = sorted(self._reads[signature].tables)
            foreign = self._connection.execute(FOREIGN, [tables, function.owner]).fetchall()
            for (table,) in foreign:
                yield "SECURITY DEFINER", f"its owner {function.owner} does not own {table}"

    def _unstable(self, function: Any) -> Iterator[tuple[str, str]]:
        """Return the operators and casts that are less than a function declares."""
        declared = [*VOLATILITY].index(function.volatility)
        if declared == VOLATILE or function.language not in ("sql", "plpgsql"):
            return
        body = self._bodies[function.signature]
        found: Iterable[tuple[str, str]]
        if body.sql_body:
            found = self._probes.of_body(function.signature)
        else:
            variables, texts = bodies.statements(function.language, body.definition, body.body)
            given = ", ".join(filter(None, (function.parameters, *variables)))
            path = function.path or ", ".join(conventions().schemas)
            found = [each for sql in texts for each in self._probes.of_text(given, path, sql)]
        for name, volatility in dict.fromkeys(found):
            if [*VOLATILITY].index(volatility) > declared:
                yield VOLATILITY[function.volatility], f"uses {name}, {VOLATILITY[volatility]}"

    def _path(self, function: Any) -> Iterator[tuple[str, str]]:
        """Return what is wrong with where a function that was given as text looks for names."""
        if self._bodies[function.signature].sql_body:
            return
        if function.path is None:
            yield "without a search_path", "finds what it names where its caller says"
            return
        places = [each.strip().strip('"') for each in function.path.split(",")]
        if "pg_temp" in places[:-1]:
            yield f"SET search_path = {function.path}", "finds temporary tables first"
        unsaid = sorted(name for name in self._reads[function.signature].tables if "." not in name)
        known = {name for name in unsaid if self._is_named_on(places, name)}
        if known and "pg_temp" not in places:
            yield f"SET search_path = {function.path}", f"finds a temporary {min(known)} first"
        for place in places:
            is_open = self._connection.execute(OPEN, [place]).fetchone() == (True,)
            if place == "$user" or is_open:
                yield f"SET search_path = {function.path}", f"anybody may put objects in {place}"

    def _is_named_on(self, places: Iterable[str], name: str) -> bool:
        query = "SELECT to_regclass(quote_ident(%s) || '.' || quote_ident(%s)) IS NOT NULL"
        return any(
            self._connection.execute(query, [place, name]).fetchone() == (True,) for place in places
        )

    def _need(self, signature: str, kind: str) -> tuple[int, str]:
        """Return the least that a function has to declare of a kind, and why."""
        if (signature, kind) not in self._needed:
            self._needed[signature, kind] = (0, "")  # while it is looked at, as it may call itself
            self._needed[signature, kind] = max(self._reasons(self._reads[signature], kind))
        return self._needed[signature, kind]

    def _reasons(self, reading: Reading, kind: str) -> Iterator[tuple[int, str]]:
        yield 0, ""
        if reading.is_write:
            what = sorted(reading.written) or sorted(reading.statements) or ["rows: it locks them"]
            yield VOLATILE, f"writes {', '.join(what)}"
        if kind == "volatility":
            if reading.tables:
                yield STABLE, f"reads {min(reading.tables)}"
            if reading.values:
                yield STABLE, f"reads {min(reading.values)}"
            if reading.is_made_up:
                yield STABLE, "runs text that it makes"
        elif reading.catches:
            yield UNSAFE, "catches errors"
        for call in reading.calls:
            yield self._need_of(call, kind), f"calls {call}"

    def _need_of(self, call: Call, kind: str) -> int:
        """Return what a call needs; of functions of one name that differ, the least of them."""
        names = VOLATILITY if kind == "volatility" else PARALLEL
        found = [
            self._need(each.signature, kind)[0]
            if each.is_ours
            else [*names].index(getattr(each, kind))
            for each in self._declared.get(call.name, ())
            if call.schema in ("", each.space)
            and (each.least <= call.arguments <= each.most or each.is_variadic)
        ]
        return min(found, default=0)
