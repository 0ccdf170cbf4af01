"""Statements of pending files that delete or change rows, wherever they stand.

That may be in a part of another statement, in a block, in a string that a block executes, or in a
function that is called: one of the files' own, or one of the target.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pglast import ast
from pglast.enums import AlterTableType, ObjectType, OnConflictAction

from conformance.engine.deployment.tokens import line_of
from conformance.engine.gate import made_up, triggers, variables
from conformance.engine.gate.called import Bodies
from conformance.engine.gate.parts import body, last, named, parsed, queries, quoted, statements
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.gate.parts import Loops, Node

DEFINING = (ast.CreateFunctionStmt, ast.RuleStmt)  # what they hold is not run
WHOLLY = (ast.TruncateStmt, ast.DropStmt, ast.AlterTableStmt, ast.FuncCall)
DELETING = (ast.DeleteStmt, ast.TruncateStmt, ast.DropStmt, ast.FuncCall)
# Functions that delete or write large objects, and the table that lists those.
LARGE = ("lo_unlink", "lo_put", "lowrite", "lo_truncate", "lo_truncate64")
PIECED = "makes up SQL that deletes or changes rows: which of today's, it cannot be asked"
UNREAD = "runs what cannot be read: what it does to rows of today cannot be asked"
OBJECTS = "pg_catalog.pg_largeobject_metadata"
TAKES = re.compile(
    r"\b(?:DELETE\s+FROM|MERGE\s+INTO|(?<!\bON )UPDATE\b.*\bSET|TRUNCATE(?!\s+ON\b)"
    r"|DROP\s+TABLE|ON\s+CONFLICT\b.*\bDO\s+UPDATE)\b",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class RowChange:
    """A statement that deletes or changes rows.

    Attributes:
        file: the migration's name.
        line: where the statement begins, or the block or call around it.
        table: as the statement names it; '' where nobody can tell.
        node: the statement; where no table is known, what is to be said of it.
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
    def does(self) -> str:
        """The verb for what it does to rows."""
        if isinstance(self.node, ast.AlterTableStmt):
            return "detaches"
        return "deletes" if isinstance(self.node, DELETING) else "changes"

    @property
    def takes_all(self) -> bool:
        """True where it does that to all rows of the table."""
        return isinstance(self.node, WHOLLY)

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


def of_files(
    files: Sequence[Migration], conn: Connection | None = None, bodies: Bodies | None = None
) -> list[RowChange]:
    """Return the statements of files that delete or change rows."""
    bodies = bodies or Bodies(files, conn)
    found = []
    for file in files:
        for statement, text, place in statements(file.sql):
            found += [
                RowChange(file.name, line_of(file.sql, place), table, node, loops)
                for node, table, loops in _within(statement, text, bodies, set())
            ]
    return found


def of_function(name: str, bodies: Bodies) -> list[str]:
    """Return the tables of whose rows a function takes some; '' where nobody can tell."""
    found = [each for text in bodies.of(name) for each in _of_function(text, bodies, {name})]
    return sorted({table for _, table, _ in found})


def _within(
    node: Any, text: str, bodies: Bodies, seen: set[str], loops: Loops = ()
) -> Iterator[tuple[Node, str, Loops]]:
    """Yield what of a statement takes rows: itself, its parts, its body, and what it calls."""
    bodies.meet(node, text)
    if isinstance(node, ast.DoStmt):
        yield from _of_body(text, bodies, seen)
        return
    if isinstance(node, DEFINING):
        return
    for each in below(node):
        for table in _taken(each):
            yield each, table, loops
        for definition in bodies.fired(each):
            if definition not in seen:
                seen.add(definition)
                bodies.read.add(definition)
                yield from _of_trigger(definition, each, bodies, seen, loops)
        for action in bodies.ruled(each):
            if (told := str(action(skip_none=True))) not in seen:
                seen.add(told)
                further = triggers.rows(each) if hasattr(each, "whereClause") else ()
                yield from _within(action, "", bodies, seen, (*loops, *further))
    yield from _of_calls(node, bodies, seen)


def _of_calls(node: Any, bodies: Bodies, seen: set[str]) -> Iterator[tuple[Node, str, Loops]]:
    for name in bodies.called(node):
        if name in seen:
            continue
        if bodies.is_unread(name):
            yield f"calls {name}(): {UNREAD}", "", ()
        seen.add(name)
        bodies.read.add(name)
        for definition in bodies.of(name):
            yield from _of_function(definition, bodies, seen)


def _of_trigger(
    definition: str, node: Node, bodies: Bodies, seen: set[str], loops: Loops
) -> Iterator[tuple[Node, str, Loops]]:
    """Yield what a trigger takes that a statement fires: of its own rows, and of others."""
    if isinstance(node, ast.UpdateStmt):
        targets = triggers.assigned(definition)
        if targets:
            yield triggers.instead(node, targets), named(node.relation), loops
    if isinstance(node, ast.UpdateStmt | ast.DeleteStmt):
        loops = (*loops, *triggers.rows(node))
    yield from _of_function(definition, bodies, seen, loops)


def _taken(node: Any) -> Iterator[str]:
    """Yield the tables of whose rows a part of a statement takes or changes some."""
    if isinstance(node, ast.DeleteStmt | ast.MergeStmt | ast.UpdateStmt):
        yield named(node.relation)
    elif isinstance(node, ast.InsertStmt) and node.onConflictClause is not None:
        if node.onConflictClause.action == OnConflictAction.ONCONFLICT_UPDATE:
            yield named(node.relation)
    elif isinstance(node, ast.TruncateStmt):
        yield from map(named, node.relations or ())
    elif isinstance(node, ast.DropStmt) and node.removeType == ObjectType.OBJECT_TABLE:
        yield from (".".join(quoted(part.sval) for part in each) for each in node.objects or ())
    elif isinstance(node, ast.FuncCall) and last(node.funcname) in LARGE:
        yield OBJECTS
    elif isinstance(node, ast.AlterTableStmt):
        yield from _left(node)


def _left(node: ast.AlterTableStmt) -> Iterator[str]:
    """Yield the tables whose rows another one has no longer."""
    for command in node.cmds or ():
        if command.subtype == AlterTableType.AT_DetachPartition:
            yield named(command.def_.name)
        elif command.subtype == AlterTableType.AT_DropInherit:
            yield named(node.relation)


def _of_function(
    definition: str, bodies: Bodies, seen: set[str], loops: Loops = ()
) -> Iterator[tuple[Node, str, Loops]]:
    for node, text, _ in statements(definition):
        options = {each.defname: each.arg for each in node.options or ()}
        if node.sql_body is not None:
            yield from _within(node.sql_body, "", bodies, seen)
        elif getattr(options.get("language"), "sval", "") == "plpgsql":
            yield from _of_body(text, bodies, seen, loops)
        elif getattr(options.get("language"), "sval", "sql") != "sql":
            yield UNREAD, "", ()
        elif options.get("as"):
            for each, part, _ in statements(options["as"][0].sval):
                yield from _within(each, part, bodies, seen)


def _of_body(
    text: str, bodies: Bodies, seen: set[str], around: Loops = ()
) -> Iterator[tuple[Node, str, Loops]]:
    tree = body(text)
    if tree is None:
        yield UNREAD, "", ()
        return
    held, moved = variables.values(tree), variables.changed(tree)
    if "variable_conflict" in text:  # a column may have a variable's name
        held = {}
    reader = made_up.Reader(tree, held, bodies.conn, bodies.own)
    for query, every, dynamic in queries(tree):
        loops = tuple(each for each in every if each[0] not in moved)
        if dynamic:
            yield from _of_made_up(query, reader.text(query), bodies, seen)
            continue
        for node in parsed(query):
            found = variables.put_in(node, held)
            yield from _within(found, query, bodies, seen, (*around, *loops))


def _of_made_up(
    query: str, text: str | None, bodies: Bodies, seen: set[str]
) -> Iterator[tuple[Node, str, Loops]]:
    """Yield what SQL takes that is made up; which rows, a text with holes does not tell."""
    read = [*statements(text or "")]
    if text is None or (made_up.HOLE in text and not read):
        yield PIECED if TAKES.search(text or query) else UNREAD, "", ()
    pieced = False
    for node, part, _ in read:
        taken = [*_within(node, part, bodies, seen)]
        if made_up.HOLE not in part:
            yield from taken
        elif taken and not pieced:
            pieced = True
            yield PIECED, "", ()
