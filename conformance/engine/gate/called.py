"""Bodies that the statements of pending files run: of what they call, and of triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pglast import ast
from pglast.enums import AlterTableType, CmdType, ObjectType, OnConflictAction

from conformance.engine.gate.parts import last, statements
from conformance.engine.sql.tree import below

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
# Functions that views, rules, operators, casts, defaults, checks and indexes of a target call, as
# far as what they are made of leads; what triggers call is asked for by itself.
LED = """
    WITH RECURSIVE led (class, object) AS (
        SELECT 'pg_class'::regclass::oid, oid FROM pg_class WHERE relname = ANY (%(names)s)
        UNION SELECT 'pg_operator'::regclass, oid FROM pg_operator WHERE oprname = ANY (%(names)s)
        UNION SELECT 'pg_type'::regclass, oid FROM pg_type WHERE typname = ANY (%(names)s)
        UNION SELECT 'pg_cast'::regclass, k.oid FROM pg_cast AS k
         JOIN pg_type AS t ON t.oid IN (k.castsource, k.casttarget)
         WHERE t.typname = ANY (%(names)s)
        UNION SELECT e.class, e.object FROM led
         JOIN LATERAL (
            SELECT refclassid AS class, refobjid AS object FROM pg_depend
             WHERE classid = led.class AND objid = led.object
            UNION ALL SELECT classid, objid FROM pg_depend
             WHERE refclassid = led.class AND refobjid = led.object AND deptype IN ('a', 'i')
         ) AS e ON e.class <> 'pg_trigger'::regclass
    )
    SELECT DISTINCT p.proname::text FROM led JOIN pg_proc AS p ON p.oid = led.object
     WHERE led.class = 'pg_proc'::regclass AND p.prorettype <> 'trigger'::regtype
"""
# Statements that make what calls a function without its name.
LEADING = (
    ast.DefineStmt,
    ast.CreateRangeStmt,
    ast.CreateCastStmt,
    ast.CreateOpClassStmt,
    ast.CreateEventTrigStmt,
)
# Events as the server counts them.
INSERT, DELETE, UPDATE, TRUNCATE = 4, 8, 16, 32
OF_RULES = {CmdType.CMD_INSERT: INSERT, CmdType.CMD_UPDATE: UPDATE, CmdType.CMD_DELETE: DELETE}
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
        self.own: set[str] = set()  # names of those of the files
        self.read: set[str] = set()  # of those, names and definitions, that statements run
        self._makes_extensions = False
        self._made: set[str] = set()  # aggregates and the like
        self._rules: list[Node] = []
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
        if self.conn is None or name in self._made or self.of(name):
            return False
        [(known,)] = self.conn.execute(TRUSTED, {"name": name}).fetchall()
        return not (known or self._makes_extensions)

    def _define(self, statement: Node, text: str) -> None:
        if isinstance(statement, ast.CreateFunctionStmt) and text:
            self.own.add(last(statement.funcname))
            found = self._found.setdefault(last(statement.funcname), [])
            if text not in found:
                found.append(text)
        elif isinstance(statement, ast.DefineStmt):
            self._made.add(last(statement.defnames))
        self._makes_extensions |= isinstance(statement, ast.CreateExtensionStmt)

    def called(self, node: Node) -> Iterator[str]:
        """Yield the functions that a statement calls, or makes something call."""
        every = [*below(node)]
        yield from (last(each.funcname) for each in every if isinstance(each, ast.FuncCall))
        if isinstance(node, LEADING):
            names = (last(each) for each in every if _is_name(each))
            yield from (each for each in names if self.of(each))
        elif self.conn is not None:
            of = {str(each.relname) for each in every if isinstance(each, ast.RangeVar)}
            of |= {last(each.name) for each in every if isinstance(each, ast.A_Expr) and each.name}
            of |= {last(each.names) for each in every if isinstance(each, ast.TypeName)}
            yield from (name for (name,) in self.conn.execute(LED, {"names": [*of]}).fetchall())

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
        elif isinstance(statement, ast.RuleStmt):
            self._rules.append(statement)
        elif isinstance(statement, ast.CreateFunctionStmt):
            self._ask(function=last(statement.funcname))
        elif isinstance(statement, ast.AlterTableStmt) and statement.relation:
            for command in statement.cmds or ():
                if command.subtype in ENABLING:
                    self._ask(table=str(statement.relation.relname), trigger=command.name)
        elif _drops_triggers(statement):
            for each in statement.objects:
                self._triggers.pop((each[-2].sval, each[-1].sval), None)

    def ruled(self, node: Node) -> Iterator[Node]:
        """Yield the actions of rules of the files that a statement comes to."""
        events = _events(node)
        for rule in self._rules if events else ():
            same = rule.relation.relname == getattr(node.relation, "relname", "")
            if same and OF_RULES.get(rule.event, 0) & events:
                yield from rule.actions or ()

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


def _is_name(node: Any) -> bool:
    return isinstance(node, tuple) and bool(node) and all(isinstance(i, ast.String) for i in node)


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
