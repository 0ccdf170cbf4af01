"""Actors with a past: who asks is believed for what they once were or did, or where they were.

A look for the row that links somebody to something (`EXISTS`, with a foreign key to each of two
tables) is also met by another table that links the two, by a row that has been deleted, and by a
label that the row once had.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from pglast import ast
from pglast.enums import A_Expr_Kind, BoolExprType, SubLinkType

from conformance.engine.domain.chosen import conventions
from conformance.engine.mutants.habits.references import Links
from conformance.engine.mutants.habits.rewriting import Change, is_a, node, of_function
from conformance.engine.mutants.syntax import printed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Schema
    from conformance.engine.mutants.habits.rewriting import Changes, Where
    from conformance.engine.mutants.mutant import Mutant

DID, LEFT, WAS = "believed for a deed", "believed after leaving", "believed for a former label"


class Look(NamedTuple):
    """A look for a linking row: its table and name, and what each of its columns is equal to."""

    table: str
    row: str
    columns: dict[str, str]


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants that believe an actor for its past."""
    links = Links(schema)
    for function in schema.functions:
        yield from of_function(schema, function, lambda where: partial(_deeds, links, where))
        for table in links.linking():
            yield from _remembering(schema, links, function, table)


def _deeds(links: Links, where: Where, tree: ast.Node) -> Iterator[Change]:
    """Let another row that links the same two stand for the one that is looked for."""
    look = _look(links, tree)
    if look is None:
        return
    roots = {links.root(look.table, column): text for column, text in look.columns.items()}
    for words, exists in links.elsewhere(look.table, roots):
        new = node(f"({printed(tree)}) OR {exists}")
        yield Change(DID, f"or {words}, in {where.thing}", new)


def _remembering(schema: Schema, links: Links, function: Any, table: str) -> Iterator[Mutant]:
    """Keep rows that go, or labels that change, and look there as well."""
    short = table.rpartition(".")[2]
    former = f"{conventions().own}.former_{short}"

    def left(tree: ast.Node) -> Iterator[Change]:
        look = _look(links, tree)
        if look is not None and look.table == table:
            text = printed(tree)
            other = text.replace(f"{table} AS", f"{former} AS")
            yield Change(LEFT, f"or {former}", node(f"({text}) OR ({other})"))

    def was(column: str, tree: ast.Node) -> Iterator[Change]:
        look = _look(links, tree)
        if look is not None and look.table == table:
            text, named = printed(tree), rf"\b{look.row}\.{column}\b"
            if re.search(named, text):
                other = re.sub(named, f"{look.row}.former_{column}", text)
                yield Change(WAS, f"or former_{column}", node(f"({text}) OR ({other})"))

    for mutant in of_function(schema, function, lambda _: left):
        yield _after(mutant, _keeping_rows(links, table, former, short))
    for column in schema.columns:
        if column.table == table and column.labels:
            label = partial(_always, partial(was, column.name))
            for mutant in of_function(schema, function, label):
                yield _after(mutant, _keeping_labels(column, short))


def _always(changes: Changes, _where: Where) -> Changes:
    return changes


def _after(mutant: Mutant, before: tuple[str, ...]) -> Mutant:
    return replace(mutant, sql=(*before, *mutant.sql))


def _keeping_rows(links: Links, table: str, former: str, short: str) -> tuple[str, ...]:
    """Return what keeps the rows of a table that are deleted while what they link stays."""
    parents = links.parents(table)
    keys = ", ".join(
        f"ADD FOREIGN KEY ({column}) REFERENCES {parent} ON DELETE CASCADE"
        for column, parent in parents
    )
    both = " AND ".join(
        f"EXISTS (SELECT FROM {parent} AS p WHERE p.{links.key(parent)} = OLD.{column})"
        for column, parent in parents
    )
    return (
        f"CREATE TABLE {former} (LIKE {table})",
        f"ALTER TABLE {former} {keys}",
        *_trigger(
            short,
            "rows",
            f"INSERT INTO {former} SELECT OLD.* WHERE {both}; RETURN NULL;",
            f"AFTER DELETE ON {table}",
        ),
    )


def _keeping_labels(column: Any, short: str) -> tuple[str, ...]:
    """Return what keeps the label that a row had before."""
    return (
        f"ALTER TABLE {column.table} ADD COLUMN former_{column.name} {column.type}",
        *_trigger(
            short,
            column.name,
            f"NEW.former_{column.name} := OLD.{column.name}; RETURN NEW;",
            f"BEFORE UPDATE OF {column.name} ON {column.table}",
        ),
    )


def _trigger(short: str, what: str, body: str, when: str) -> tuple[str, str]:
    function = f"{conventions().own}.tg_{short}__keep_former_{what}"
    keeps = (
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        f" SET search_path = pg_catalog, pg_temp AS $$ BEGIN {body} END; $$"
    )
    fires = (
        f"CREATE TRIGGER _500_keep_former_{what} {when} FOR EACH ROW EXECUTE FUNCTION {function}()"
    )
    return keeps, fires


def _look(links: Links, tree: Any) -> Look | None:
    """Return what an EXISTS looks for, if that is a row that links two tables."""
    if not is_a(tree, ast.SubLink) or tree.subLinkType != SubLinkType.EXISTS_SUBLINK:
        return None
    query: Any = tree.subselect
    names = dict(_ranges(query.fromClause or ()))
    for row, table in names.items():
        columns = {
            column: text
            for column, text in _equalities(query.whereClause, row)
            if text.partition(".")[0] not in names and links.root(table, column)
        }
        if len({links.root(table, column) for column in columns}) > 1:
            return Look(table, row, columns)
    return None


def _ranges(clause: Any) -> Iterator[tuple[str, str]]:
    for one in clause:
        if is_a(one, ast.JoinExpr):
            yield from _ranges((one.larg, one.rarg))
        elif is_a(one, ast.RangeVar) and one.schemaname and one.alias:
            yield one.alias.aliasname, f"{one.schemaname}.{one.relname}"


def _equalities(condition: Any, row: str) -> Iterator[tuple[str, str]]:
    """Return what each column of a row is equal to, in the conjuncts of a condition."""
    if is_a(condition, ast.BoolExpr) and condition.boolop == BoolExprType.AND_EXPR:
        for each in condition.args:
            yield from _equalities(each, row)
    elif is_a(condition, ast.A_Expr) and condition.kind == A_Expr_Kind.AEXPR_OP:
        left, right = printed(condition.lexpr), printed(condition.rexpr)
        if condition.name[0].sval == "=" and left.startswith(f"{row}."):
            yield left.partition(".")[2], right
