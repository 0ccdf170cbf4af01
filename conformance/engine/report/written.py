"""Objects as migrations write them: each statement that makes, changes or drops one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pglast import ast
from pglast.enums import AlterTableType, ConstrType, ObjectType
from pglast.parser import ParseError, parse_sql

from conformance.engine.deployment.statements import statements
from conformance.engine.deployment.tokens import line_of
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from conformance.engine.deployment.statements import Statement

# A table; a block of code, or what cannot be parsed, which may change all that it names.
TABLE, CODE = "table", "code"
ALL = "*"  # stands for the name of every trigger of a table
WORD = re.compile(r"\w+")
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
# A block of code that has none of these words changes no object.
CHANGES = re.compile(r"\b(?:alter|create|disable|drop|enable|rename)\b", re.IGNORECASE)
ENDINGS = {
    ConstrType.CONSTR_PRIMARY: "pkey",
    ConstrType.CONSTR_UNIQUE: "key",
    ConstrType.CONSTR_FOREIGN: "fkey",
    ConstrType.CONSTR_CHECK: "check",
    ConstrType.CONSTR_NOTNULL: "not_null",
    ConstrType.CONSTR_EXCLUSION: "excl",
}
DROPPED = {
    ObjectType.OBJECT_TRIGGER: "trigger",
    ObjectType.OBJECT_FUNCTION: "function",
    ObjectType.OBJECT_INDEX: "index",
    ObjectType.OBJECT_TYPE: "type",
}
RENAMED = {
    **DROPPED,
    ObjectType.OBJECT_TABCONSTRAINT: "constraint",
    ObjectType.OBJECT_DOMCONSTRAINT: "constraint",
}


class Written(NamedTuple):
    """One object in one statement of a file.

    Attributes:
        kind: `constraint`, `index`, `trigger`, `function`, `type`, `TABLE` or `CODE`.
        name: without its schema.
        on: its table or domain, without the schema; '' where it has none.
        line: of the file, counted from 1, where the statement names it.
        calls: the functions that it calls, among other words.
        gone: whether the statement drops it, or disables a trigger.
    """

    kind: str
    name: str
    on: str
    line: int
    calls: frozenset[str] = frozenset()
    gone: bool = False


class _Part(NamedTuple):
    """The same within its statement, after some characters of it."""

    kind: str
    name: str
    on: str = ""
    after: int = 0
    calls: frozenset[str] = frozenset()
    gone: bool = False


def written(sql: str) -> Iterator[Written]:
    """Yield what a file makes, changes or drops, in its order."""
    for statement in statements(sql):
        plain = without_comments(statement.text)
        for part in _parsed(statement.text, plain):
            line = _line(sql, statement, plain, part)
            yield Written(part.kind, part.name, part.on, line, part.calls, part.gone)


def without_comments(sql: str) -> str:
    """Return a script with space in the place of its comments; its lines stay where they are."""
    return COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), sql)


def line_in(sql: str, name: str, line: int) -> int:
    """Return the line that has a name, from a line on; that line, where none has it."""
    found = re.compile(rf"\b{re.escape(name)}\b")
    for number, text in enumerate(sql.split("\n")[line - 1 :], line):
        if found.search(text):
            return number
    return line


def _parsed(text: str, plain: str) -> Iterator[_Part]:
    try:
        parsed = parse_sql(text)
    except ParseError:
        yield from _code(plain)
        return
    for each in parsed:
        yield from _parts(each.stmt, plain)


def _code(text: str) -> Iterator[_Part]:
    if CHANGES.search(text):
        yield _Part(CODE, "", calls=frozenset(WORD.findall(text)))


def _line(sql: str, statement: Statement, plain: str, part: _Part) -> int:
    found = re.compile(rf"\b{re.escape(part.name)}\b", re.IGNORECASE).search(plain, part.after)
    return line_of(sql, statement.start + (found.start() if found else part.after))


def _parts(node: Any, text: str) -> Iterator[_Part]:
    if isinstance(node, ast.CreateFunctionStmt):
        yield _Part("function", _last(node.funcname), calls=frozenset(WORD.findall(text.lower())))
    elif isinstance(node, ast.DoStmt):
        yield from _code(text)
    elif type(node) in READERS:
        yield from READERS[type(node)](node)


def _of_table(node: Any) -> Iterator[_Part]:
    yield _Part(TABLE, node.relation.relname)
    for each in node.tableElts or ():
        yield from _of_element(each, node.relation.relname)


def _of_alteration(node: Any) -> Iterator[_Part]:
    for command in node.cmds:
        yield from _of_command(command, node.relation.relname)


def _of_domain(node: Any) -> Iterator[_Part]:
    for each in node.constraints or ():
        yield _constraint(each, _last(node.domainname))


def _of_altered_domain(node: Any) -> Iterator[_Part]:
    domain = _last(node.typeName)
    if isinstance(node.def_, ast.Constraint):
        yield _constraint(node.def_, domain)
    elif node.name:
        yield _Part("constraint", node.name, domain)


def _of_index(node: Any) -> Iterator[_Part]:
    if node.idxname:
        yield _Part("index", node.idxname, node.relation.relname, calls=_calls(node))


def _of_trigger(node: Any) -> Iterator[_Part]:
    calls = frozenset({_last(node.funcname)})
    yield _Part("trigger", node.trigname, node.relation.relname, calls=calls)


def _of_altered_function(node: Any) -> Iterator[_Part]:
    # Whose rights a function has says who may call it: what it does stays as it was.
    if not all(each.defname == "security" and each.arg.boolval for each in node.actions):
        yield _Part("function", _last(node.func.objname))


def _of_enum(node: Any) -> Iterator[_Part]:
    yield _Part("type", _last(node.typeName))


def _renamed(node: Any) -> Iterator[_Part]:
    if node.renameType in RENAMED:
        kind, on = RENAMED[node.renameType], ""
        if node.subname:
            old, on = node.subname, node.relation.relname if node.relation else ""
        elif node.object:
            old = _last(getattr(node.object, "objname", node.object))
        else:
            old = node.relation.relname
        # Where a rule's object is looked for that has another name now, it got that here.
        yield from (_Part(kind, name, on) for name in (old, node.newname))


def _dropped(node: Any) -> Iterator[_Part]:
    kind = DROPPED.get(node.removeType)
    for each in node.objects if kind else ():
        if kind == "trigger":
            *_, table, name = map(_name, each)
            yield _Part(kind, name, table, gone=True)
        else:
            parts = getattr(each, "objname", None) or getattr(each, "names", None) or each
            yield _Part(str(kind), _last(parts), gone=True)


def _of_element(node: Any, table: str) -> Iterator[_Part]:
    if isinstance(node, ast.Constraint):
        yield _constraint(node, table)
    elif isinstance(node, ast.ColumnDef):
        for each in node.constraints or ():
            if each.contype in ENDINGS:
                yield _constraint(each, table, str(node.colname))


def _of_command(command: Any, table: str) -> Iterator[_Part]:
    kind = AlterTableType(command.subtype).name
    if kind in ("AT_AddConstraint", "AT_AddColumn"):
        yield from _of_element(command.def_, table)
    elif kind in ("AT_DropConstraint", "AT_ValidateConstraint"):
        yield _Part("constraint", command.name, table, gone=kind == "AT_DropConstraint")
    elif kind == "AT_AlterConstraint":
        yield _Part("constraint", command.def_.conname, table)
    elif kind in ("AT_SetNotNull", "AT_DropNotNull"):
        yield _Part("constraint", f"{table}_{command.name}_not_null", table)
    elif kind.startswith(("AT_Enable", "AT_Disable")) and "Trig" in kind:
        yield _Part("trigger", command.name or ALL, table, gone=kind.startswith("AT_Disable"))


def _constraint(node: Any, on: str, column: str = "") -> _Part:
    """Return a constraint; one without a name has that which PostgreSQL makes for it."""
    columns = [column] if column else [_name(each) for each in node.keys or node.fk_attrs or ()]
    if node.contype == ConstrType.CONSTR_PRIMARY:
        columns = []
    named = "_".join((on, *columns, ENDINGS.get(node.contype, "")))
    return _Part("constraint", node.conname or named, on, node.location or 0, _calls(node))


def _calls(node: Any) -> frozenset[str]:
    calls = (each for each in below(node) if isinstance(each, ast.FuncCall))
    return frozenset(_last(call.funcname) for call in calls)


def _last(parts: Any) -> str:
    return _name(parts[-1])


def _name(node: Any) -> str:
    return str(node.sval)


READERS: Final[Mapping[type, Callable[[Any], Iterator[_Part]]]] = {
    ast.CreateStmt: _of_table,
    ast.AlterTableStmt: _of_alteration,
    ast.CreateDomainStmt: _of_domain,
    ast.AlterDomainStmt: _of_altered_domain,
    ast.IndexStmt: _of_index,
    ast.CreateTrigStmt: _of_trigger,
    ast.AlterFunctionStmt: _of_altered_function,
    ast.CreateEnumStmt: _of_enum,
    ast.AlterEnumStmt: _of_enum,
    ast.RenameStmt: _renamed,
    ast.DropStmt: _dropped,
}
