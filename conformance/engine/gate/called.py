"""Bodies that the statements of pending files run: of what they call, and of triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pglast import ast
from pglast.enums import AlterTableType, ObjectType, OnConflictAction

from conformance.engine.gate.parts import last, statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.gate.parts import Node

DEFINITIONS = """
    SELECT pg_get_functiondef(p.oid) FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
     WHERE p.proname = %s AND l.lanname IN ('sql', 'plpgsql') AND p.prokind IN ('f', 'p')
       AND p.pronamespace <> 'pg_catalog'::regnamespace
       AND NOT EXISTS (
        SELECT FROM pg_depend AS d
         WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    )
"""
# Whether a function is PostgreSQL's own or an extension's, or an aggregate.
TRUSTED = """
    SELECT EXISTS (
        SELECT FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
         WHERE p.proname = %(name)s AND (
            p.pronamespace = 'pg_catalog'::regnamespace OR p.prokind = 'a'
            OR l.lanname IN ('c', 'internal') OR EXISTS (
                SELECT FROM pg_depend AS d
                 WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
            )
        )
    ) OR EXISTS (SELECT FROM pg_type WHERE typname = %(name)s)
"""
# Triggers of a target that call a function, or have a name on a table.
TRIGGERS = """
    SELECT c.relname::text, t.tgname::text, p.proname::text, t.tgtype::int, ARRAY(
            SELECT a.attname::text FROM pg_attribute AS a
             WHERE a.attrelid = c.oid AND a.attnum = ANY (t.tgattr)
        )
      FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
      JOIN pg_proc AS p ON p.oid = t.tgfoid
     WHERE NOT t.tgisinternal
       AND (p.proname = %(function)s OR (c.relname, t.tgname) = (%(table)s, %(trigger)s))
"""
# Events as the server counts them.
INSERT, DELETE, UPDATE, TRUNCATE = 4, 8, 16, 32
ENABLING = (
    AlterTableType.AT_EnableTrig,
    AlterTableType.AT_EnableAlwaysTrig,
    AlterTableType.AT_EnableReplicaTrig,
)


class Bodies:
    """Bodies of functions by their names: those of pending files, and those of a target."""

    def __init__(self, files: Sequence[Migration], conn: Connection | None = None) -> None:
        """Read those of the files; those of the target are asked for when they are called."""
        self.conn = conn
        self._found: dict[str, list[str]] = {}
        self._makes_extensions = False
        self._triggers: dict[tuple[str, str], _Trigger] = {}
        for file in files:
            for node, text, _ in statements(file.sql):
                self._define(node, text)

    def of(self, name: str) -> list[str]:
        """Return the definitions of all functions of a name, as statements that make them."""
        if name not in self._found:
            rows = self.conn.execute(DEFINITIONS, (name,)).fetchall() if self.conn else []
            self._found[name] = [text for (text,) in rows]
        return self._found[name]

    def is_unread(self, name: str) -> bool:
        """Return whether nobody can tell what a function does; those of extensions are trusted."""
        if self.conn is None or self.of(name):
            return False
        [(known,)] = self.conn.execute(TRUSTED, {"name": name}).fetchall()
        return not (known or self._makes_extensions)

    def _define(self, statement: Node, text: str) -> None:
        if isinstance(statement, ast.CreateFunctionStmt) and text:
            found = self._found.setdefault(last(statement.funcname), [])
            if text not in found:
                found.append(text)
        self._makes_extensions |= isinstance(statement, ast.CreateExtensionStmt)

    def meet(self, statement: Node, text: str = "") -> None:
        """Note the functions that a statement of a file makes, and triggers that come of it."""
        self._define(statement, text)
        if isinstance(statement, ast.CreateTrigStmt) and statement.relation:
            place = str(statement.relation.relname), str(statement.trigname)
            self._triggers[place] = _Trigger(
                last(statement.funcname),
                statement.events or 0,
                tuple(each.sval for each in statement.columns or ()),
            )
        elif isinstance(statement, ast.CreateFunctionStmt):
            self._ask(function=last(statement.funcname))
        elif isinstance(statement, ast.AlterTableStmt) and statement.relation:
            for command in statement.cmds or ():
                if command.subtype in ENABLING:
                    self._ask(table=str(statement.relation.relname), trigger=command.name)
        elif _drops_triggers(statement):
            for each in statement.objects:
                self._triggers.pop((each[-2].sval, each[-1].sval), None)

    def fired(self, node: Node) -> Iterator[str]:
        """Yield the bodies of such triggers that a statement fires."""
        events = _events(node)
        names = {each.name for each in getattr(node, "targetList", None) or () if events == UPDATE}
        relations = getattr(node, "relations", None) or (getattr(node, "relation", None),)
        tables = {each.relname for each in relations if each is not None} if events else set()
        for (table, _), trigger in [*self._triggers.items()]:
            columns = names & {*trigger.columns} if names and trigger.columns else True
            if table in tables and trigger.events & events and columns:
                yield from self.of(trigger.function)

    def _ask(self, function: str = "", table: str = "", trigger: str = "") -> None:
        asked = {"function": function, "table": table, "trigger": trigger}
        found = self.conn.execute(TRIGGERS, asked).fetchall() if self.conn else []
        for on, name, called, events, columns in found:
            self._triggers[on, name] = _Trigger(called, events, tuple(columns))


class _Trigger(NamedTuple):
    """A trigger: the function that it calls, its events, and the columns that it waits for."""

    function: str
    events: int
    columns: tuple[str, ...]


def _drops_triggers(statement: Node) -> bool:
    of_triggers = getattr(statement, "removeType", None) == ObjectType.OBJECT_TRIGGER
    return of_triggers and isinstance(statement, ast.DropStmt)


def _events(node: Node) -> int:
    """Return the events of a statement."""
    if isinstance(node, ast.InsertStmt):
        clause: Node = node.onConflictClause
        updates = clause and clause.action == OnConflictAction.ONCONFLICT_UPDATE
        return INSERT | UPDATE if updates else INSERT
    if isinstance(node, ast.MergeStmt):
        return INSERT | UPDATE | DELETE
    kinds = ((ast.UpdateStmt, UPDATE), (ast.DeleteStmt, DELETE), (ast.TruncateStmt, TRUNCATE))
    return next((event for kind, event in kinds if isinstance(node, kind)), 0)
