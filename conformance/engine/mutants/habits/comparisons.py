"""Patterns where equality was meant, case, collation: texts that are compared in a wrong way."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from pglast import ast
from pglast.enums import A_Expr_Kind

from conformance.engine.catalogue.schema import short
from conformance.engine.mutants.habits.rewriting import Change, is_a, node, rewritten
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.mutants.syntax import brief, like, printed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Schema
    from conformance.engine.mutants.habits.rewriting import Where

TEXT = "text"
DECLARED = re.compile(r"\b([pv]_\w+) text\b")
ALPHABETIC = re.compile(r"'.*[A-Za-z].*'")
BUILT_IN = frozenset({"lower", "upper", "left", "ltrim", "rtrim", "split_part", "substr"})
CASES = {"~": "~*", "~*": "~", "~~": "~~*", "~~*": "~~"}
# It knows characters beyond ASCII, as most databases do: to remove a collation would mean another
# thing in each. Before PostgreSQL 17 the mutant does not apply.
UNICODE = "pg_catalog.pg_c_utf8"


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants of texts that are compared in another way."""
    yield from rewritten(schema, lambda where: partial(_equality, _Texts(schema, where)))
    yield from rewritten(schema, lambda _: _case)
    yield from rewritten(schema, lambda _: _collation)
    for constraint in schema.constraints:
        if constraint.kind == "u":
            yield from _unique(schema, constraint)


class _Texts:
    """Texts in scope at a node: columns by their names, parameters and variables.

    What is of a domain is left out: its form is settled.
    """

    def __init__(self, schema: Schema, where: Where) -> None:
        kinds: dict[str, set[str]] = {}
        for each in schema.columns:
            if where.table in (None, each.table):
                kind = "" if each.is_domain else each.type
                kinds.setdefault(each.name, set()).add(kind)
        self._names = {name for name, types in kinds.items() if types == {TEXT}}
        if where.function is not None:
            self._names |= set(DECLARED.findall(where.function.definition))
        self._lowering = {"lower"} | {
            each.name for each in schema.functions if "lower(" in (each.sql_body or each.body)
        }
        self._functions = BUILT_IN | {
            each.name for each in schema.functions if each.returns == TEXT
        }

    def has(self, tree: Any) -> bool:
        """Return whether an expression is a text that anybody may have written."""
        if is_a(tree, ast.ColumnRef):
            return getattr(tree.fields[-1], "sval", "") in self._names
        if is_a(tree, ast.FuncCall) and tree.args:
            return tree.funcname[-1].sval in self._functions and self.has(tree.args[0])
        if is_a(tree, ast.CollateClause, ast.TypeCast):
            return self.has(tree.arg)
        return False

    def is_lower(self, tree: Any) -> bool:
        """Return whether an expression is a call of a function that makes lower case itself."""
        return is_a(tree, ast.FuncCall) and tree.funcname[-1].sval in self._lowering


def _equality(texts: _Texts, tree: Any) -> Iterator[Change]:
    """Compare texts by a pattern, without regard to case, or by how they begin."""
    if not is_a(tree, ast.A_Expr) or tree.kind != A_Expr_Kind.AEXPR_OP or not tree.lexpr:
        return
    name, is_fixed = tree.name[0].sval, _is_fixed(tree.rexpr)
    if name not in ("=", "<>") or not texts.has(tree.lexpr):
        return
    if not is_fixed and not texts.has(tree.rexpr):
        return
    left, right = printed(tree.lexpr), printed(tree.rexpr)
    negated = "" if name == "=" else "NOT "
    if not is_fixed:
        yield Change("matched as a pattern", brief(tree), node(f"{negated}({left} LIKE {right})"))
    if not texts.is_lower(tree.lexpr) and (not is_fixed or ALPHABETIC.search(right)):
        same = f"lower({left}) = lower({right})"
        yield Change("matched without case", brief(tree), node(f"{negated}({same})"))
    begins = f"starts_with({left}, {right})"
    yield Change("matched by its beginning", brief(tree), node(f"{negated}{begins}"))


def _is_fixed(tree: Any) -> bool:
    while is_a(tree, ast.TypeCast):
        tree = tree.arg
    return is_a(tree, ast.A_Const) and is_a(tree.val, ast.String)


def _case(tree: Any) -> Iterator[Change]:
    """Heed the case of a pattern, or do not."""
    if not is_a(tree, ast.A_Expr) or tree.name[0].sval not in CASES:
        return
    if ALPHABETIC.search(printed(tree.rexpr)):
        other = (ast.String(sval=CASES[tree.name[0].sval]),)
        yield Change("case of a pattern", brief(tree), like(tree, name=other))


def _collation(tree: Any) -> Iterator[Change]:
    """Take a collation that knows all characters for that of bytes."""
    if is_a(tree, ast.CollateClause):
        inner = printed(tree.arg)
        yield Change("collation exchanged", brief(tree), node(f"({inner}) COLLATE {UNICODE}"))


def _unique(schema: Schema, constraint: Any) -> Iterator[Mutant]:
    """Have texts that differ in case collide."""
    if any(each.kind == "f" and each.index == constraint.index for each in schema.constraints):
        return
    columns = constraint.definition.removeprefix("UNIQUE (").removesuffix(")").split(", ")
    for number, column in enumerate(columns):
        if not any(
            (each.table, each.name, each.type) == (constraint.table, column, TEXT)
            and not each.is_domain
            for each in schema.columns
        ):
            continue
        parts = ", ".join((*columns[:number], f"lower({column})", *columns[number + 1 :]))
        sql = (
            f"ALTER TABLE {constraint.table} DROP CONSTRAINT {constraint.name}",
            f"CREATE UNIQUE INDEX {constraint.name} ON {constraint.table} ({parts})",
        )
        yield Mutant(
            f"{short(constraint.table)}.{constraint.name}",
            "unique without case",
            column,
            sql,
            schema.rules_of(constraint.name, constraint.comment),
            schema.about(constraint.table),
        )
