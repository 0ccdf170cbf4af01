"""SQL that bodies make up while they run, read as far as its text can be told without running them.

What is put in as a name, a literal or a number is a hole: it cannot make another statement of the
text. Anything else that only running tells leaves it unread.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import psycopg
from pglast import ast
from pglast.stream import RawStream

from conformance.engine.deployment.tokens import Token, tokens
from conformance.engine.gate import variables
from conformance.engine.gate.parts import body, last, parsed, queries
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    from conformance.engine.audit.target import Connection
    from conformance.engine.gate.parts import Node

    Row = tuple[str, int | None]  # a query, and which of its columns: by its name, if None

HOLE: Final = "framecast_hole"
LITERAL: Final = f"'{HOLE}'"
QUOTING: Final = {"quote_ident": HOLE, "quote_literal": LITERAL, "quote_nullable": LITERAL}
# Types whose values, as text, are a name or a number, and those that change no text.
NAMES: Final = re.compile(r"reg\w+|int[248]?|oid|uuid|float[48]|numeric|bool|date")
TEXTS: Final = ("text", "varchar", "bpchar", "name")
WIDTH: Final = re.compile(r"%[\d$-]*\*")  # which is an argument of its own
SHAPES: Final = re.compile(r"[A-Za-z0-9_]+")  # of a date or a number, without a text in it
SPECIFIER: Final = re.compile(r"%(?:(\d+)\$)?(?:-?\d*)([sIL%])")
ALSO: Final = ("format", "concat", "concat_ws", "convert_from")  # which count as less than that
# Functions of the server that say the same of the same strings, and nothing of where they run.
PLAIN: Final = """
    SELECT count(DISTINCT proname) = %(count)s AND bool_and(provolatile = 'i') FROM pg_proc
     WHERE proname = ANY (%(names)s) AND pronamespace = 'pg_catalog'::regnamespace
"""


class Reader:
    """Reader of the expressions of one body."""

    def __init__(
        self,
        tree: list[dict[str, Any]],
        held: Mapping[str, Node],
        conn: Connection | None,
        own: Container[str] = (),
    ) -> None:
        """Begin.

        Args:
            tree: what libpg_query makes of the body.
            held: what its variables hold, where there is one expression alone.
            conn: to a server that says what functions make of strings.
            own: functions that the files make, which may have a name of the server's.
        """
        self._held, self._conn, self._own = held, conn, own
        self._rows: dict[str, Row | None] = {}
        self._within = False  # a query, whose columns may have a name of a loop's
        self._note_loops(tree)
        self._rows.update(dict.fromkeys(variables.changed(tree)))

    def text(self, expression: str) -> str | None:
        """Return the SQL that an expression is, with holes in it; None where nobody can tell."""
        for node in parsed(f"SELECT {expression}"):
            targets = tuple(variables.put_in(node, self._held).targetList or ())
            made = self._text(targets[0].val) if len(targets) == 1 else None
            return None if made is None or any(map(_hides, tokens(made))) else made
        return None

    def _note_loops(self, tree: Any) -> None:
        if isinstance(tree, list):
            for each in tree:
                self._note_loops(each)
        elif isinstance(tree, dict):
            if "var" in tree and "query" in tree and "body" in tree:
                query = tree["query"]["PLpgSQL_expr"]["query"]
                record = tree["var"].get("PLpgSQL_rec", {}).get("refname")
                fields = tree["var"].get("PLpgSQL_row", {}).get("fields", ())
                rows: list[tuple[str, Row]] = [(record, (query, None))] if record else []
                rows += [(each["name"], (query, place)) for place, each in enumerate(fields)]
                for name, row in rows:
                    self._rows[name] = None if name in self._rows else row
            for each in tree.values():
                self._note_loops(each)

    def _text(self, node: Node) -> str | None:
        found = self._read(node)
        return self._said(node) if found is None else found

    def _asked(self, query: Node) -> str | None:
        """Return the text that a query of one column returns."""
        if len(query.targetList or ()) != 1:
            return None
        outer, self._within = self._within, True
        found = self._text(query.targetList[0].val)
        self._within = outer
        return found

    def _read(self, node: Node) -> str | None:
        """Return the text of an expression by its parts."""
        if isinstance(node, ast.SubLink):
            return self._asked(node.subselect)
        if isinstance(node, ast.A_Const):
            value = node.val
            return "" if node.isnull else str(getattr(value, "sval", getattr(value, "ival", HOLE)))
        if isinstance(node, ast.TypeCast):
            of: Any = node.typeName
            kind = "" if of.arrayBounds or not _is_plain(of.names) else last(of.names)
            known = HOLE if NAMES.fullmatch(kind) else None
            return self._text(node.arg) if kind in TEXTS else known
        if isinstance(node, ast.A_Expr) and node.lexpr and last(node.name) == "||":
            return self._joined((node.lexpr, node.rexpr)) if _is_plain(node.name) else None
        if isinstance(node, ast.ColumnRef) and not self._within:
            return self._of_loop([getattr(each, "sval", "") for each in node.fields or ()])
        return self._called(node) if isinstance(node, ast.FuncCall) else None

    def _of_loop(self, names: list[str]) -> str | None:
        """Return the text of a column of the rows that a loop goes through."""
        query, place = self._rows.get(names[0]) or ("", None)
        for statement in parsed(query) if query else ():
            targets = getattr(statement, "targetList", None) or ()
            if place is not None and len(names) == 1 and place < len(targets):
                return self._text(targets[place].val)
            if place is None and len(names) > 1:
                found = [each.val for each in targets if _name(each) == names[1]]
                return self._text(found[0]) if len(found) == 1 else None
        return None

    def _called(self, node: ast.FuncCall) -> str | None:
        name, given = last(node.funcname), node.args or ()
        if name in self._own or not _is_plain(node.funcname):
            name = ""
        if name in QUOTING:
            return QUOTING[name] if self._said(node) is None else self._said(node)
        if name == "format" and given:
            return self._formatted(given)
        if name == "concat":
            return self._joined(given)
        if name == "concat_ws" and given:
            separated = [part for each in given[1:] for part in (given[0], each)]
            return self._joined(separated[1:])
        if name == "string_agg" and given:
            return self._joined((given[0], given[-1], given[0]))
        shape = self._text(given[-1]) if name == "to_char" and given else None
        return HOLE if shape and SHAPES.fullmatch(shape) else None

    def _formatted(self, given: Sequence[Node]) -> str | None:
        pattern, values, following = self._text(given[0]), given[1:], 0
        if pattern is None or HOLE in pattern or WIDTH.search(pattern):
            return None
        parts, end = [], 0
        for found in SPECIFIER.finditer(pattern):
            parts.append(pattern[end : found.start()])
            end = found.end()
            if found[2] == "%":
                parts.append("%")
                continue
            place = int(found[1]) - 1 if found[1] else following
            following = place + 1
            if place >= len(values):
                return None
            quoting = {"I": "quote_ident", "L": "quote_nullable"}.get(found[2])
            value = values[place]
            if quoting:
                value = ast.FuncCall(funcname=(ast.String(sval=quoting),), args=(value,))
            made = self._text(value)
            if made is None:
                return None
            parts.append(made)
        return "".join((*parts, pattern[end:]))

    def _joined(self, nodes: Sequence[Node]) -> str | None:
        parts = [self._text(node) for node in nodes]
        return None if None in parts else "".join(map(str, parts))

    def _said(self, node: Node) -> str | None:
        """Return what the server makes of an expression of strings and its own functions alone."""
        every = [*below(node)]
        of = [each.funcname for each in every if isinstance(each, ast.FuncCall)]
        operators = [each.name for each in every if isinstance(each, ast.A_Expr)]
        if not all(map(_is_plain, (*of, *operators))):
            return None
        names = [*map(last, of)]
        told_later = (ast.ColumnRef, ast.SubLink, ast.ParamRef, ast.SQLValueFunction)
        later = any(isinstance(each, told_later) for each in every)
        if self._conn is None or later or any(name in self._own for name in names):
            return None
        names = [name for name in dict.fromkeys(names) if name not in ALSO]
        known = {"names": names, "count": len(names)}
        try:
            with self._conn.transaction():
                if names and not self._conn.execute(PLAIN, known).fetchall()[0][0]:
                    return None
                query = f"SELECT ({RawStream()(node)})::text"
                [(text,)] = self._conn.execute(query.encode()).fetchall()
        except psycopg.DatabaseError:
            return None
        return None if text is None else str(text)


def _hides(token: Token) -> bool:
    """Return whether what is put into a text may end a comment, or a string in dollars."""
    return HOLE in token.text and token.text.startswith(("--", "/*", "$"))


def _is_plain(names: Any) -> bool:
    """Return whether a name is the server's own, or says of no schema."""
    return len(names) == 1 or names[0].sval == "pg_catalog"


def told(text: str) -> Iterator[str]:
    """Yield the SQL that a block or a function makes up, where it can be told without a server."""
    tree = body(text) or []
    reader = Reader(tree, variables.values(tree), None)
    for query, _, dynamic in queries(tree):
        if dynamic and (made := reader.text(query)):
            yield made


def _name(target: Node) -> str:
    """Return the name of a column of a query."""
    if target.name:
        return str(target.name)
    if isinstance(target.val, ast.FuncCall):
        return last(target.val.funcname)
    names = getattr(target.val, "fields", None) or ("",)
    return getattr(names[-1], "sval", "")
