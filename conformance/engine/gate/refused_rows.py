"""Queries for the rows that a new constraint or index refuses, which read and write nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pglast import ast, parse_sql
from pglast.enums import ConstrType
from pglast.stream import RawStream

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_NULL = " NOT NULL"
NOT_YET = " (not validated)"
COMPUTED = (" STORED AS ", " VIRTUAL AS ")  # one that is not stored fails when it is read
MATCH_FULL = "f"
# Where a row lies: in which partition, and there.
PLACE = "tableoid AS part, ctid AS place"
APART = "(a.part, a.place) <> (b.part, b.place)"
OF_ROW = "({0}.part, {0}.place) = (t.tableoid, t.ctid)"


def query(kind: str, name: str, table: str, definition: str, was: str) -> str | None:
    """Return what selects the rows that a new object refuses; None where it refuses none."""
    if kind == "column" and was and NOT_NULL in definition and NOT_NULL not in was:
        return f"{table} AS t WHERE t.{name.rpartition('.')[2]} IS NULL"
    how = next((each for each in COMPUTED if kind == "column" and each in definition), "")
    if how and how not in was:
        computed, value = definition.split(how, 1)
        return f"{table} AS t WHERE {_computed([f'({value})::{computed.removesuffix(NOT_NULL)}'])}"
    if kind == "bound":
        return f"{table} AS t WHERE ({definition}) IS FALSE"
    if kind == "index":
        plain = definition.removesuffix(" (deferrable)")
        of_keys = definition.startswith("CREATE UNIQUE ")
        return (_of_index if of_keys else _of_expressions)(table, plain)
    text = definition.removesuffix(NOT_YET).removesuffix(" NOT VALID")
    # Validated now, and else as it was: it is asked; less than it was: it is not.
    if kind != "constraint" or (definition.endswith(NOT_YET) and text == was):
        return None
    return _of_constraint(table, text)


def _of_constraint(table: str, definition: str) -> str | None:
    node = _parsed(f"ALTER TABLE t ADD CONSTRAINT c {definition}").cmds[0].def_
    if node.contype == ConstrType.CONSTR_CHECK:
        return f"{table} AS t WHERE ({_sql(node.raw_expr)}) IS FALSE"
    if node.contype == ConstrType.CONSTR_FOREIGN:
        return f"{table} AS t WHERE {_unreferred(node)}"
    if node.contype == ConstrType.CONSTR_EXCLUSION:
        elements = [_element(each[0]) for each in node.exclusions]
        operators = [each[1][-1].sval for each in node.exclusions]
        where = f" WHERE {_sql(node.where_clause)}" if node.where_clause else ""
        return f"{table} AS t WHERE {_clashing(f'{table}{where}', elements, operators)}"
    return None  # a key is asked as its index


def _unreferred(node: Any) -> str:
    """Return the condition of rows `t` whose parent is missing."""
    pairs = list(zip(_names(node.fk_attrs), _names(node.pk_attrs), strict=True))
    there = " AND ".join(f"t.{own} IS NOT NULL" for own, _ in pairs)
    parents = f"FROM {_sql(node.pktable)} AS o WHERE "
    if node.pk_with_period:  # the last one is a time that parents cover together
        *pairs, (time, of_parent) = pairs
    same = " AND ".join(f"o.{other} = t.{own}" for own, other in pairs) or "true"
    missing = f"NOT EXISTS (SELECT {parents}{same})"
    if node.pk_with_period:
        missing = f"(t.{time} <@ (SELECT range_agg(o.{of_parent}) {parents}{same})) IS NOT TRUE"
    if node.fk_matchtype == MATCH_FULL:  # all of them are null, or none
        some = " OR ".join(f"t.{own} IS NOT NULL" for own, _ in pairs)
        return f"({some}) AND (({there}) IS NOT TRUE OR {missing})"
    return f"{there} AND {missing}"


def _of_index(table: str, definition: str) -> str:
    node = _parsed(definition)
    elements = [_element(each) for each in node.indexParams]
    if node.accessMethod == "gist":  # WITHOUT OVERLAPS
        operators = ["=" for _ in elements[1:]] + ["&&"]
        clashing = _clashing(table, elements, operators)
        return f"{table} AS t WHERE isempty(t.{elements[-1]}) OR {clashing}"
    conditions = [f"({_sql(node.whereClause)})"] if node.whereClause else []
    if not node.nulls_not_distinct:
        conditions += [f"({each}) IS NOT NULL" for each in elements]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    twins = (
        f"SELECT {PLACE}, count(*) OVER (PARTITION BY {', '.join(elements)}) AS alike "
        f"FROM {table}{where}"
    )
    return f"({twins}) AS w JOIN {table} AS t ON {OF_ROW.format('w')} WHERE w.alike > 1"


def _of_expressions(table: str, definition: str) -> str | None:
    node = _parsed(definition)
    elements = [f"({_sql(each.expr)})" for each in node.indexParams if each.expr]
    computed = _computed(elements)
    if node.whereClause:
        elements = ["true"]
        computed = f"CASE WHEN {_sql(node.whereClause)} THEN {computed} ELSE false END"
    return f"{table} AS t WHERE {computed}" if elements else None


def _computed(values: Sequence[str]) -> str:
    """Return a condition that is never true, and fails on a row of which a value cannot be told."""
    row = f"ROW({', '.join(values)})"
    return f"{row} IS DISTINCT FROM {row}"


def _clashing(rows: str, elements: Sequence[str], operators: Sequence[str]) -> str:
    """Return the condition of rows `t` that another one clashes with, by an operator of each."""
    columns = ", ".join(f"{each} AS e{number}" for number, each in enumerate(elements))
    side = f"(SELECT {PLACE}, {columns} FROM {rows})"
    clash = " AND ".join(f"a.e{number} {each} b.e{number}" for number, each in enumerate(operators))
    twins = f"SELECT FROM {side} AS a JOIN {side} AS b ON {APART} AND {clash}"
    return f"EXISTS ({twins} WHERE {OF_ROW.format('a')})"


def _parsed(statement: str) -> Any:
    [parsed] = parse_sql(statement)
    return parsed.stmt


def _element(element: ast.IndexElem) -> str:
    what = f'"{element.name}"' if element.name else f"({_sql(element.expr)})"
    if not element.collation:
        return what
    return f"{what} COLLATE {'.'.join(_names(element.collation))}"


def _names(parts: Sequence[Any] | None) -> list[str]:
    return [f'"{part.sval}"' for part in parts or ()]


def _sql(node: Any) -> str:
    return str(RawStream()(node))
