"""Powers of a role on a server: asked of the catalogue of PostgreSQL, and tried for real.

An attempt is a statement that needs a right. Each is made for everything of its kind that the
server lists (every table, column, function, trigger, schema, role), so that what a migration adds
is tried as well. Whatever is allowed is rolled back, as far as that is possible.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from conformance.engine.database.session import Session
from conformance.engine.domain.chosen import COLUMNS, DERIVED, domain
from conformance.engine.privileges.granted import (
    LACKING,
    OF_CLASS,
    OF_EVERYBODY,
    OF_EXTENSION,
    OURS,
    RIGHTS,
    TO_COME_OF_EVERYBODY,
)
from conformance.engine.privileges.missing import PRIVILEGE
from conformance.engine.sql.outcomes import Rejected
from conformance.engine.sql.writes import Statement
from conformance.framecast.privileges import (
    CALLS,
    COMPUTES,
    DELETES,
    INSERTS,
    OFFERS,
    READS,
    UPDATES,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from types import TracebackType

# What a server lists, each with the names that a statement needs, already quoted.
LISTS = {
    "table": f"SELECT format('%I.%I', n.nspname, c.relname) {OF_CLASS} AND c.relkind IN ('r', 'p')",
    "index": f"SELECT format('%I.%I', n.nspname, c.relname) {OF_CLASS} AND c.relkind = 'i'",
    "column": f"SELECT format('%I.%I', n.nspname, c.relname), quote_ident(a.attname)"
    " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
    f" JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS} AND c.relkind IN ('r', 'p')"
    " AND a.attnum > 0 AND NOT a.attisdropped",
    "trigger": "SELECT t.tgrelid::regclass::text, quote_ident(t.tgname) FROM pg_trigger t"
    f" JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
    f" WHERE {OURS} AND NOT t.tgisinternal AND t.tgfoid NOT IN"
    " (SELECT oid FROM pg_proc WHERE pronamespace = to_regnamespace('conformance'))",
    "constraint": "SELECT k.conrelid::regclass::text, quote_ident(k.conname) FROM pg_constraint k"
    f" JOIN pg_namespace n ON n.oid = k.connamespace WHERE {OURS} AND k.conrelid <> 0",
    "type": "SELECT t.oid::regtype::text FROM pg_type t"
    f" JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {OURS} AND t.typtype IN ('e', 'd')",
    "schema": "SELECT quote_ident(n.nspname) FROM pg_namespace n"
    " WHERE n.nspname <> 'conformance' AND n.nspname !~ '^pg_(toast|temp)'",
    # With a null of the type of each argument, for a call.
    "function": "SELECT format('%I.%I', n.nspname, p.proname), p.oid::regprocedure::text, ("
    " SELECT coalesce(string_agg('NULL::' || g.t::regtype::text, ', ' ORDER BY g.i), '')"
    " FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY g (t, i))"
    f" FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {OURS}"
    f" AND p.prokind NOT IN ('a', 'p') AND NOT EXISTS ({OF_EXTENSION})",
    "setting": "SELECT name FROM pg_settings WHERE context = 'superuser'",
    # Nobody is made a member of pg_database_owner: who owns the database is.
    "role": "SELECT quote_ident(rolname) FROM pg_roles WHERE rolname <> 'pg_database_owner'",
    "user": "SELECT quote_ident(rolname) FROM pg_roles WHERE rolname !~ '^pg_'",
    "server": "SELECT ''",
}
# What a role could try with each of them.
ATTEMPTS = {
    "table": (
        "ALTER TABLE {0} ADD COLUMN extra integer",
        "ALTER TABLE {0} OWNER TO CURRENT_USER",
        "ALTER TABLE {0} RENAME TO other",
        "ALTER TABLE {0} DISABLE TRIGGER ALL",
        "ALTER TABLE {0} DISABLE TRIGGER USER",
        "ALTER TABLE {0} ENABLE ROW LEVEL SECURITY",
        "COMMENT ON TABLE {0} IS 'mine'",
        "COPY {0} TO PROGRAM 'true'",
        "COPY {0} FROM PROGRAM 'true'",
        "COPY {0} TO '/nowhere/file'",
        "COPY {0} FROM '/nowhere/file'",
        "CREATE INDEX ON {0} ((1))",
        "CREATE POLICY mine ON {0}",
        "CREATE RULE mine AS ON INSERT TO {0} DO INSTEAD NOTHING",
        "CREATE TABLE public.mine () INHERITS ({0})",
        "CREATE TRIGGER mine BEFORE UPDATE ON {0} EXECUTE FUNCTION pg_catalog.now()",
        "DROP TABLE {0} CASCADE",
        "REINDEX TABLE {0}",
        "TRUNCATE {0}",
        "TRUNCATE {0} CASCADE",
    ),
    "column": (
        "ALTER TABLE {0} ALTER COLUMN {1} SET DEFAULT NULL",
        "ALTER TABLE {0} DROP COLUMN {1} CASCADE",
        "ALTER TABLE {0} RENAME COLUMN {1} TO other",
    ),
    "trigger": (
        "ALTER TABLE {0} DISABLE TRIGGER {1}",
        "ALTER TABLE {0} ENABLE REPLICA TRIGGER {1}",
        "ALTER TRIGGER {1} ON {0} RENAME TO other",
        "DROP TRIGGER {1} ON {0}",
    ),
    "constraint": (
        "ALTER TABLE {0} DROP CONSTRAINT {1} CASCADE",
        "ALTER TABLE {0} RENAME CONSTRAINT {1} TO other",
    ),
    "index": ("ALTER INDEX {0} RENAME TO other", "DROP INDEX {0}"),
    "type": ("ALTER TYPE {0} RENAME TO other", "DROP TYPE {0} CASCADE"),
    "schema": (
        "ALTER SCHEMA {0} RENAME TO other",
        "DROP SCHEMA {0} CASCADE",
        "CREATE TABLE {0}.mine ()",
        "CREATE VIEW {0}.mine AS SELECT 1 AS one",
        "CREATE SEQUENCE {0}.mine",
        "CREATE TYPE {0}.mine AS ENUM ()",
        "CREATE DOMAIN {0}.mine AS integer",
        "CREATE FUNCTION {0}.mine() RETURNS integer LANGUAGE sql RETURN 1",
        "CREATE PROCEDURE {0}.mine() LANGUAGE sql AS 'SELECT 1'",
    ),
    "function": (
        "ALTER FUNCTION {1} SECURITY INVOKER",
        "ALTER FUNCTION {1} RESET ALL",
        "DROP FUNCTION {1} CASCADE",
    ),
    "setting": ("SET {0} TO DEFAULT",),
    "role": ("GRANT {0} TO CURRENT_USER",),
    "user": ("ALTER ROLE {0} SUPERUSER", "DROP ROLE {0}"),
    "server": (
        "CREATE SCHEMA mine",
        "CREATE TEMPORARY TABLE mine ()",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "CREATE EVENT TRIGGER mine ON ddl_command_start EXECUTE FUNCTION mine()",
        "CREATE FOREIGN DATA WRAPPER mine",
        "CREATE PUBLICATION mine",
        "ALTER SYSTEM RESET ALL",
        "DO LANGUAGE plpgsql $$BEGIN CREATE TEMPORARY TABLE mine (); END$$",
        "SELECT pg_catalog.pg_read_file('PG_VERSION')",
    ),
}
ALONE = ("CREATE DATABASE", "ALTER SYSTEM")  # not possible in a transaction, allowed or not
# What a declared right is to, by its first word.
ABOUT = {
    **dict.fromkeys(("INSERT", "UPDATE"), "column"),
    **dict.fromkeys(("SELECT", "DELETE"), "table"),
    "EXECUTE": "function",
}
# What there is to offer.
RELATIONS = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"


class Powers:
    """A role on a database, and the owner who looks on."""

    def __init__(self, conninfo: str, role: str, further: Collection[str] = ()) -> None:
        """Connect twice; raises as `Session`.

        Args:
            conninfo: of a database with the schema.
            role: whose powers they are.
            further: tables, columns and functions, with their schema, of which no rule speaks.
        """
        self._owner = Session(conninfo)
        self._further = frozenset(name.partition("(")[0] for name in further) | self._renamed()
        self._session = Session(conninfo, role)
        self._role = role

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close both sessions."""
        self._owner.connection.close()
        self._session.connection.close()

    def attempts(self, kind: str) -> list[str]:
        """Return the statements that need a right which the role should not have."""
        if kind == "write":
            return list(self._writes())
        if kind == "call":
            return [
                f"SELECT {name}({arguments})"
                for name, _, arguments in self._listed("function")
                if name.removeprefix("public.") not in CALLS and not self._is_further(name)
            ]
        if kind == "become":
            ours = self._ours()
            return [f"SET ROLE {name}" for (name,) in self._listed("role") if name not in ours]
        templates = ATTEMPTS[kind]
        return [
            each.format(*names)
            for names in self._listed(kind)
            if kind not in {"table", "column"} or not self._is_further(*names)
            for each in templates
        ]

    def allowed(self, attempts: Iterable[str]) -> list[str]:
        """Try statements; return those that were not refused for want of a right, and why."""
        return [shown for sql in attempts if (shown := self._try(sql))]

    def granted(self) -> set[str]:
        """Return the rights that the role has, such as `UPDATE jobs.status`, and everybody's.

        Where a schema does not have what one may offer, nobody misses the right to it.
        """
        asked = {"role": self._role, "group": domain().application}
        its_own = self._owner.connection.execute(RIGHTS, asked)
        found = {str(name) for (name,) in [*its_own, *self._owner.fetch(OF_EVERYBODY)]}
        there = {str(name) for (name,) in self._owner.fetch(RELATIONS)}
        lacking = {
            f"{table}.{column}"
            for table, columns in DERIVED.items()
            for column in columns
            if (f"public.{table}", column) not in self._listed("column")
        }
        return (
            {right for right in found if not self._is_of_further(right)}
            | {f"SELECT {name}" for name in OFFERS - there}
            | {f"{right} {name}" for right in ("INSERT", "UPDATE") for name in lacking}
        )

    def to_come(self) -> set[str]:
        """Return the rights that migrations give everybody to what is made after them.

        On a database that had default privileges before them, those are among them: whoever owns
        it said so.
        """
        return {str(name) for (name,) in self._owner.fetch(TO_COME_OF_EVERYBODY)}

    def lacking(self) -> set[str]:
        """Return the rights that everybody has unless they are taken, and the role has not."""
        rows = self._owner.connection.execute(LACKING, {"role": self._role})
        return {str(name) for (name,) in rows}

    def absent(self) -> dict[str, str]:
        """Return the declared rights to what the schema does not have, and what that is."""
        columns = {
            f"{table.removeprefix('public.')}.{name}" for table, name in self._listed("column")
        }
        tables = {each.partition(".")[0] for each in columns}
        there = columns | tables | {each[0].rpartition(".")[2] for each in self._listed("function")}
        found = {}
        for right in declared():
            verb, _, name = right.partition(" ")
            table = name.partition(".")[0]
            if verb in ABOUT and name not in OFFERS | there:
                kind, lacking = ABOUT[verb], name
                if kind == "column" and table not in tables:
                    kind, lacking = "table", table
                found[right] = f"there is no {kind} {lacking}"
        return found

    def _renamed(self) -> frozenset[str]:
        """Return columns that no domain knows, of tables that lack one of theirs.

        One of them may be the other under another name: rights to it are neither right nor wrong.
        """
        there: dict[str, set[str]] = {}
        for table, column in self._listed("column"):
            there.setdefault(table, set()).add(column)
        return frozenset(
            f"public.{table}.{column}"
            for table, known in COLUMNS.items()
            for column in there.get(f"public.{table}", set())
            if not there[f"public.{table}"].issuperset(known)
            if column not in (*known, *DERIVED.get(table, ()))
        )

    def _is_further(self, relation: str, column: str = "") -> bool:
        return relation in self._further or f"{relation}.{column}" in self._further

    def _is_of_further(self, right: str) -> bool:
        """Return whether a right, which names no schema, is to what no rule speaks of.

        One that is written down never is: functions of ours look like those of others.
        """
        if right in declared():
            return False
        names = {name.partition(".")[2] for name in self._further}
        on = right.partition(" ")[2].removesuffix(" by everybody")
        return on in names or on.rpartition(".")[0] in names

    def _writes(self) -> Iterator[str]:
        for (table,) in self._listed("table"):
            if self._is_further(table):
                continue
            name = table.removeprefix("public.")
            if name not in READS:
                yield f"SELECT FROM {table}"
            if name not in DELETES:
                yield f"DELETE FROM {table}"
        for table, column in self._listed("column"):
            if self._is_further(table, column):
                continue
            name = table.removeprefix("public.")
            if column not in INSERTS.get(name, ()):
                yield f"INSERT INTO {table} ({column}) VALUES (DEFAULT)"
            if column not in UPDATES.get(name, ()):
                yield f"UPDATE {table} SET {column} = DEFAULT"

    def _ours(self) -> set[str]:
        """Return the role itself, and where whom we connect as is no superuser, what that may be.

        SET ROLE asks whom we connect as.
        """
        query = (
            "SELECT quote_ident(r.rolname) FROM pg_roles r, pg_roles u WHERE u.rolname ="
            " session_user AND NOT u.rolsuper AND pg_has_role(session_user, r.oid, 'MEMBER')"
        )
        return {
            self._role,
            domain().application,
            *(str(name) for (name,) in self._owner.fetch(query)),
        }

    def _listed(self, kind: str) -> list[tuple[str, ...]]:
        return [tuple(map(str, row)) for row in self._owner.fetch(f"{LISTS[kind]} ORDER BY 1")]

    def _try(self, sql: str) -> str:
        alone = sql.startswith(ALONE)
        if not alone:
            self._session.send(Statement("BEGIN"))
        outcome = self._session.send(Statement(sql))
        if not alone:
            self._session.send(Statement("ROLLBACK"))
        denied = isinstance(outcome, Rejected) and outcome.sqlstate == PRIVILEGE
        return "" if denied else f"{sql}: {outcome}"


def declared() -> set[str]:
    """Return the rights that the application's role is meant to have, as `Powers.granted` does."""
    return {
        *(f"SELECT {table}" for table in READS | OFFERS),
        *(f"INSERT {table}.{column}" for table, names in INSERTS.items() for column in names),
        *(f"UPDATE {table}.{column}" for table, names in UPDATES.items() for column in names),
        *(f"DELETE {table}" for table in DELETES),
        *(f"EXECUTE {name}" for name in CALLS | COMPUTES),
        "USAGE public",
        "USAGE public by everybody",
    }


KINDS = (*ATTEMPTS, "write", "call", "become")
