"""Reading of a syntax tree: tables, calls, columns, keys of JSON, days and rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from conformance.engine.reading.constants import compared
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

WRITES: Final = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
SETS_RULES: Final = "ConstraintsSetStmt"
OF_TRANSACTIONS: Final = frozenset({"xmin", "xmax", "cmin", "cmax", "ctid", "tableoid"})
DATE: Final = re.compile(r"\s*\d{4}-\d\d?-\d\d?\b")
# What names one row, or the rows of some people, wherever it stands in a text.
ONE: Final = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|^[\w.%+-]*@[\w-]+(\.[\w-]+)+$", re.IGNORECASE
)
OF_JSON: Final = frozenset({"->", "->>", "#>", "#>>", "?", "?|", "?&", "@>", "@?", "@@"})
INTO_JSON: Final = re.compile(r"jsonb?_(exists|extract_path|path_\w+|contains)\w*")

CLOCK: Final = re.compile(r"now|(clock|statement|transaction)_timestamp|timeofday")
TODAY: Final = re.compile(r"(CURRENT|LOCAL)_?(DATE|TIMESTAMP|TIME)(_N)?")
TIMES: Final = re.compile(r"CURRENT_TIME(_N)?|LOCALTIME(_N)?")
# What takes a part of a time: an hour, a day of the week.
PARTS: Final = re.compile(r"extract|date_part|date_trunc|date_bin|to_char|age")
WHOLE_TIMES: Final = frozenset({"epoch", "julian"})
# What mixes rows, so that a few of all can be told by it, and what else a row says unasked.
MIXES: Final = re.compile(r"hash\w*|md5|sha(224|256|384|512)|digest|crc32c?|pg_column_size")
COMPARES: Final = frozenset(
    {
        *("=", "<>", "<", "<=", ">", ">=", "BETWEEN", "NOT BETWEEN", "%"),
        *("~~", "!~~", "~~*", "!~~*", "~", "!~", "~*", "!~*", "^@"),
    }
)
MATCHES: Final = re.compile(r"!?~~?\*?|\^@")
BEGINS: Final = frozenset({"starts_with", "regexp_like"})
NARROW: Final = frozenset({"date", "time", "timetz"})


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function: its schema, or '', its name, how many arguments, and the first text."""

    schema: str
    name: str
    arguments: int
    said: str = ""

    def __str__(self) -> str:
        """Return it as it is written."""
        dotted = f"{self.schema}.{self.name}" if self.schema else self.name
        return f"{dotted}('{self.said}')" if self.said else f"{dotted}()"


@dataclass(slots=True)
class Reading:
    """Reads, writes and calls of some SQL.

    Attributes:
        tables: all that it names, as `schema.name`, or `name` alone where it says no schema.
        written: those of them that it writes.
        calls: the functions that it calls.
        values: keywords that stand for values, such as `CURRENT_USER`.
        columns: system columns that tell transactions and places of rows.
        names: what may be a column: last names of references, but for its own variables.
        keys: texts that it looks for in JSON.
        dates: days that it names.
        times: parts of a clock's time that it asks.
        rounds: whether it compares moments by the second, or another such length.
        rows: texts that name one row, or somebody's address.
        constants: texts and numbers that it compares something with.
        shares: functions that mix a row, of which it compares the outcome with constants.
        patterns: comparisons by which it takes one row's text for another's pattern.
        firsts: of several rows, or of an array, the first of which it takes alone.
        statements: other statements, such as `LockStmt`, by the parser's names.
        locks: whether it locks rows.
        assigns: columns of NEW that it assigns; `*` for the whole row.
        is_made_up: whether it runs text that it makes.
        catches: whether it catches errors.
    """

    tables: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    calls: set[Call] = field(default_factory=set)
    values: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    dates: set[str] = field(default_factory=set)
    times: set[str] = field(default_factory=set)
    rounds: bool = False
    rows: set[str] = field(default_factory=set)
    constants: set[str] = field(default_factory=set)
    shares: set[str] = field(default_factory=set)
    patterns: set[str] = field(default_factory=set)
    firsts: set[str] = field(default_factory=set)
    statements: set[str] = field(default_factory=set)
    locks: bool = False
    assigns: set[str] = field(default_factory=set)
    is_made_up: bool = False
    catches: bool = False

    @property
    def is_write(self) -> bool:
        """Return whether it changes, or holds, what others see."""
        return bool(self.written or self.statements or self.locks)


def read(tree: object, reading: Reading, variables: frozenset[str] = frozenset()) -> None:
    """Add what a tree does to what was read before.

    Args:
        tree: of pglast.
        reading: is added to.
        variables: names that stand for no column where they stand alone.
    """
    found = list(below(tree))
    kinds = {"CommonTableExpr": "ctename", "Alias": "aliasname"}  # FOR UPDATE OF names an alias
    named = {
        getattr(node, kinds[type(node).__name__]) for node in found if type(node).__name__ in kinds
    }
    # SET CONSTRAINTS names constraints as others name tables.
    rules = {
        id(each) for node in found if type(node).__name__ == SETS_RULES for each in below(node)
    }
    queries = {node.ctename for node in found if type(node).__name__ == "CommonTableExpr"}
    reading.constants.update(compared(found))
    for node in found:
        kind = type(node).__name__
        if kind == "RangeVar" and id(node) in rules:
            continue
        if kind == "RangeVar" and (node.schemaname or node.relname not in named):
            reading.tables.add(_dotted(node))
        elif kind in WRITES:
            reading.written.add(_dotted(node.relation))
        elif kind == "SelectStmt":
            reading.locks |= bool(node.lockingClause)
            reading.firsts.update(_first(node, queries))
        elif kind.endswith("Stmt") and kind != "RawStmt":
            reading.statements.add(kind)
        elif kind in OF_EXPRESSIONS:
            OF_EXPRESSIONS[kind](node, reading, variables)


def _first(select: Any, queries: AbstractSet[str]) -> Iterator[str]:
    """Yield how many rows, if a query holds only the first, or takes them of a statement's rows."""
    sources = select.fromClause or ()
    of_statement = [
        each
        for each in sources
        if type(each).__name__ == "RangeVar" and not each.schemaname and each.relname not in queries
    ]
    is_plain = len(sources) == 1 and select.whereClause is None
    few = _constant_number(select.limitCount)
    if few and (select.lockingClause or (is_plain and of_statement)):
        yield f"the first {few} rows"


def _constant_number(tree: Any) -> str:
    """Return a constant number that fits an integer, as it is written; '' for NULL and ALL, too."""
    value = getattr(getattr(tree, "arg", tree), "val", None)  # of a cast
    return str(getattr(value, "ival", getattr(value, "sval", "")))


def _call(node: Any, reading: Reading, _: frozenset[str]) -> None:
    *schema, name = (part.sval for part in node.funcname)
    arguments = node.args or ()
    first = arguments[0] if arguments else None
    first = getattr(first, "arg", first)  # of a cast
    said = getattr(getattr(first, "val", None), "sval", "")
    call = Call("".join(schema).replace("pg_catalog", ""), name, len(arguments), said)
    reading.calls.add(call)
    if PARTS.fullmatch(name) and said not in WHOLE_TIMES and _asks_a_clock(arguments):
        reading.times.add(str(call))
    if INTO_JSON.fullmatch(name):
        reading.keys.update(_texts(arguments[1:]))
    if name in BEGINS and any(map(_is_text_of_a_row, arguments[1:])):
        reading.patterns.add(str(call))


def _value(node: Any, reading: Reading, _: frozenset[str]) -> None:
    value = node.op.name.removeprefix("SVFOP_")
    reading.values.add(value)
    if TIMES.fullmatch(value):
        reading.times.add(value)


def _column(node: Any, reading: Reading, variables: frozenset[str]) -> None:
    names = [getattr(each, "sval", "") for each in node.fields]
    reading.columns |= {names[-1]} & OF_TRANSACTIONS
    if names[1:] or names[0] not in variables:
        reading.names.update(filter(None, names[1:] or names))


def _part(node: Any, reading: Reading, _: frozenset[str]) -> None:
    for each in node.indirection:
        if type(each).__name__ == "String":
            reading.names.add(each.sval)
        else:
            reading.keys.update(_texts(each))
    for each in node.indirection:
        if getattr(each, "is_slice", False) and (few := _constant_number(each.uidx)):
            reading.firsts.add(f"the first {few} of an array")


def _constant(node: Any, reading: Reading, _: frozenset[str]) -> None:
    text = getattr(node.val, "sval", "")
    if DATE.match(text):
        reading.dates.add(text)
    if ONE.search(text):
        reading.rows.add(text)


def _operation(node: Any, reading: Reading, _: frozenset[str]) -> None:
    name = node.name[-1].sval if node.name else ""
    if name in OF_JSON:
        reading.keys.update(_texts(node.rexpr))
    sides = (node.lexpr, node.rexpr)
    if MATCHES.fullmatch(name) and _is_text_of_a_row(node.rexpr):
        reading.patterns.add(name)
    if name in COMPARES:
        reading.rounds |= any("date_trunc" in _called(side) for side in sides)
    if name in COMPARES and any(map(_is_constant, sides)):
        reading.shares.update(each for side in sides for each in _mixed(side))


def _path(node: Any, reading: Reading, _: frozenset[str]) -> None:
    reading.keys.update(_texts(node.pathspec))


def _cast(node: Any, reading: Reading, _: frozenset[str]) -> None:
    kind = node.typeName.names[-1].sval
    if kind in NARROW and _asks_a_clock(node.arg):
        reading.times.add(f"the clock's {kind}")


OF_EXPRESSIONS: Final = {
    "FuncCall": _call,
    "SQLValueFunction": _value,
    "ColumnRef": _column,
    "A_Indirection": _part,
    "A_Const": _constant,
    "A_Expr": _operation,
    "JsonFuncExpr": _path,
    "TypeCast": _cast,
}


def asks_clock(reading: Reading) -> bool:
    """Return whether what was read looks at a clock."""
    called = {call.name for call in reading.calls if call.schema == ""}
    return any(map(CLOCK.fullmatch, called)) or any(map(TODAY.fullmatch, reading.values))


def _mixed(tree: Any) -> Iterator[str]:
    """Return the functions of a side that mix what they are given."""
    yield from (f"{name}()" for name in _called(tree) if MIXES.fullmatch(name))


def _called(tree: Any) -> Iterator[str]:
    """Return the names of the functions that a side calls."""
    for node in below(tree):
        if type(node).__name__ == "FuncCall":
            yield node.funcname[-1].sval


def _is_constant(tree: Any) -> bool:
    """Return whether a side is the same for every row."""
    kinds = {type(node).__name__ for node in below(tree)}
    return bool(kinds) and not kinds & {"ColumnRef", "FuncCall", "SubLink"}


def _is_text_of_a_row(tree: Any) -> bool:
    """Return whether a side is a column, or made of some, and of no text of its own."""
    kinds = {type(node).__name__ for node in below(tree)}
    return "ColumnRef" in kinds and not any(_texts(tree))


def _asks_a_clock(tree: Any) -> bool:
    reading = Reading()
    read(tree, reading)
    return asks_clock(reading)


def _texts(tree: Any) -> Iterator[str]:
    for node in below(tree):
        text = getattr(getattr(node, "val", None), "sval", None)
        if type(node).__name__ == "A_Const" and text is not None:
            yield text


def _dotted(relation: Any) -> str:
    schema = relation.schemaname
    return f"{schema}.{relation.relname}" if schema else str(relation.relname)
