"""Statements of pending files that delete or change rows, wherever they stand.

That may be in a part of another statement, in a block, in a string that a block executes, or in a
function that is called: one of the files' own, or one of the target.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from pglast import ast, parse_plpgsql, parse_sql
from pglast.enums import ObjectType, OnConflictAction
from pglast.parser import ParseError

from conformance.engine.deployment.tokens import line_of
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.migrations import Migration

Node: TypeAlias = Any  # of pglast: what its statements share has no type
Loops: TypeAlias = "tuple[tuple[str, str], ...]"  # rows that a block goes through: (name, query)

DEFINING = (ast.CreateFunctionStmt, ast.RuleStmt, ast.ViewStmt)  # what they hold is not run
QUERY = "query"  # what libpg_query calls the text of a statement in a body
DYNAMIC = ("PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors", "dynquery")
TAKES = re.compile(
    r"\b(?:DELETE\s+FROM|MERGE\s+INTO|(?<!\bON )UPDATE\b.*\bSET|TRUNCATE(?!\s+ON\b)"
    r"|DROP\s+TABLE|ON\s+CONFLICT\b.*\bDO\s+UPDATE)\b",
    re.IGNORECASE | re.DOTALL,
)
DEFINITIONS = """
    SELECT pg_get_functiondef(p.oid) FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
     WHERE p.proname = %s AND l.lanname IN ('sql', 'plpgsql') AND p.prokind IN ('f', 'p')
       AND p.pronamespace <> 'pg_catalog'::regnamespace AND p.prorettype <> 'trigger'::regtype
       AND NOT EXISTS (
        SELECT FROM pg_depend AS d
         WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    )
"""


@dataclass(frozen=True, slots=True)
class RowChange:
    """A statement that deletes or changes rows.

    Attributes:
        file: the migration's name.
        line: where the statement begins, or the block or call around it.
        table: as the statement names it; '' where a string names it that is put together.
        node: the statement.
        loops: what the block around it goes through.
    """

    file: str
    line: int
    table: str
    node: Node = field(compare=False)
    loops: Loops = ()

    @property
    def relation(self) -> str:
        """The table's name alone."""
        return self.table.rpartition(".")[2].strip('"')

    @property
    def deletes(self) -> bool:
        """Whether rows go, and none is changed."""
        return isinstance(self.node, ast.DeleteStmt | ast.TruncateStmt | ast.DropStmt)

    @property
    def targets(self) -> tuple[Node, ...]:
        """The assignments to its columns."""
        if isinstance(self.node, ast.InsertStmt):
            clause: Node = self.node.onConflictClause
            return tuple(clause.targetList or ())
        if isinstance(self.node, ast.UpdateStmt):
            return tuple(self.node.targetList or ())
        return ()

    @property
    def columns(self) -> list[str] | None:
        """The columns that it changes; None where whole rows come and go."""
        return [each.name for each in self.targets] or None


class Bodies:
    """Bodies of functions by their names: those of pending files, and those of a target."""

    def __init__(self, files: Sequence[Migration], conn: Connection | None = None) -> None:
        """Read those of the files; those of the target are asked for when they are called."""
        self._conn = conn
        self._found: dict[str, list[str]] = {}
        for file in files:
            for node, text, _ in statements(file.sql):
                if isinstance(node, ast.CreateFunctionStmt):
                    name = _last(node.funcname)
                    self._found.setdefault(name, []).append(text)

    def of(self, name: str) -> list[str]:
        """Return the definitions of all functions of a name, as statements that make them."""
        if name not in self._found:
            rows = self._conn.execute(DEFINITIONS, (name,)).fetchall() if self._conn else []
            self._found[name] = [text for (text,) in rows]
        return self._found[name]


def of_files(files: Sequence[Migration], conn: Connection | None = None) -> list[RowChange]:
    """Return the statements of files that delete or change rows."""
    bodies = Bodies(files, conn)
    return [
        RowChange(file.name, line_of(file.sql, place), table, node, loops)
        for file in files
        for statement, text, place in statements(file.sql)
        for node, table, loops in _within(statement, text, bodies, set())
    ]


def queries(
    tree: Any, loops: Loops = (), *, dynamic: bool = False
) -> Iterator[tuple[str, Loops, bool]]:
    """Yield the parts of a body: text, what loops around it go through, whether it makes up SQL."""
    if isinstance(tree, list):
        for each in tree:
            yield from queries(each, loops, dynamic=dynamic)
    elif isinstance(tree, dict):
        for name, each in tree.items():
            if name == QUERY and isinstance(each, str):
                yield each, loops, dynamic
            elif name == "PLpgSQL_stmt_fors":
                yield from queries(each[QUERY], loops)
                record = each["var"].get("PLpgSQL_rec", {}).get("refname")
                own = ((record, each[QUERY]["PLpgSQL_expr"][QUERY]),) if record else ()
                yield from queries(each.get("body"), (*loops, *own))
            elif name in DYNAMIC:
                made = each if name == "dynquery" else each[QUERY]
                yield from queries(made, loops, dynamic=True)
                yield from queries(each.get("params"), loops)
                yield from queries(each.get("body"), loops)
            else:
                yield from queries(each, loops, dynamic=dynamic)


def parsed(query: str) -> tuple[Node, ...]:
    """Return the statements of a part of a body; an expression as one that selects it."""
    for text in (query, f"SELECT {query}"):
        try:
            return tuple(raw.stmt for raw in parse_sql(text))
        except ParseError:
            continue
    return ()


def constant(query: str) -> str | None:
    """Return the text that an expression of SQL is; None where it is put together."""
    for node in parsed(query):
        if isinstance(node, ast.SelectStmt) and len(node.targetList or ()) == 1:
            [target] = node.targetList or ()
            value = target.val
            if isinstance(value, ast.A_Const) and isinstance(value.val, ast.String):
                return str(value.val.sval)
    return None


def statements(text: str) -> Iterator[tuple[Node, str, int]]:
    """Yield the statements of a file, each with its text and place; none where it is no SQL."""
    try:
        found = parse_sql(text)
    except ParseError:
        return  # the trial says so
    for raw in found:
        place = raw.stmt_location or 0
        yield raw.stmt, text[place:][: raw.stmt_len or None], place


def _within(
    node: Any, text: str, bodies: Bodies, seen: set[str], loops: Loops = ()
) -> Iterator[tuple[Node, str, Loops]]:
    """Yield what of a statement takes rows: itself, its parts, its body, and what it calls."""
    if isinstance(node, ast.DoStmt):
        yield from _of_body(text, bodies, seen)
        return
    if isinstance(node, DEFINING):
        return
    for each in below(node):
        for table in _taken(each):
            yield each, table, loops
        if isinstance(each, ast.FuncCall):
            name = _last(each.funcname)
            definitions = [] if name in seen else bodies.of(name)
            seen.add(name)
            for definition in definitions:
                yield from _of_function(definition, bodies, seen)


def _taken(node: Any) -> Iterator[str]:
    """Yield the tables of whose rows a part of a statement takes or changes some."""
    if isinstance(node, ast.DeleteStmt | ast.MergeStmt | ast.UpdateStmt):
        yield _name(node.relation)
    elif isinstance(node, ast.InsertStmt) and node.onConflictClause is not None:
        if node.onConflictClause.action == OnConflictAction.ONCONFLICT_UPDATE:
            yield _name(node.relation)
    elif isinstance(node, ast.TruncateStmt):
        yield from map(_name, node.relations or ())
    elif isinstance(node, ast.DropStmt) and node.removeType == ObjectType.OBJECT_TABLE:
        yield from (".".join(quoted(part.sval) for part in each) for each in node.objects or ())


def _of_function(
    definition: str, bodies: Bodies, seen: set[str]
) -> Iterator[tuple[Node, str, Loops]]:
    for node, text, _ in statements(definition):
        options = {each.defname: each.arg for each in node.options or ()}
        if node.sql_body is not None:
            yield from _within(node.sql_body, "", bodies, seen)
        elif getattr(options.get("language"), "sval", "") == "plpgsql":
            yield from _of_body(text, bodies, seen)
        elif options.get("as"):
            for each, part, _ in statements(options["as"][0].sval):
                yield from _within(each, part, bodies, seen)


def _of_body(text: str, bodies: Bodies, seen: set[str]) -> Iterator[tuple[Node, str, Loops]]:
    try:
        found = list(queries(parse_plpgsql(text)))
    except ParseError:  # of another language
        return
    for query, loops, dynamic in found:
        made = constant(query) if dynamic else query
        if dynamic and made is None and TAKES.search(query):
            yield query, "", loops
        for node in parsed(query if made is None else made):
            yield from _within(node, "", bodies, seen, () if dynamic else loops)


def _name(relation: Node) -> str:
    parts = (relation.schemaname, relation.relname)
    return ".".join(quoted(part) for part in parts if part)


def _last(names: Any) -> str:
    return str(names[-1].sval)


def quoted(name: str) -> str:
    """Return a name as an identifier."""
    return '"{}"'.format(name.replace('"', '""'))
