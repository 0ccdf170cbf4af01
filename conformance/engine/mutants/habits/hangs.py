"""A hang: a loop that nobody leaves, and a lock that a session keeps after its transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.engine.mutants import plpgsql
from conformance.engine.mutants.habits.rewriting import at_start, function_mutant
from conformance.engine.mutants.syntax import statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Schema
    from conformance.engine.mutants.mutant import Mutant
    from conformance.engine.mutants.plpgsql import Body, Statement

WRITES = frozenset({"insert", "update", "delete", "with"})


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants of functions that never end, or after which others wait for good."""
    for function in schema.functions:
        if function.sql_body:
            continue
        body = plpgsql.parse(function.body)
        every = [one for _, one in plpgsql.each(body.block)]
        for one in every:
            if one.kind == "exit":
                left = body.put(one.span, "NULL;")
                words = f"without {' '.join(body.cut(one.span).split())[:120]}"
                yield function_mutant(schema, function, "loop never left", words, left)
        if any(_locks(body, one) for one in every):
            kept = f"PERFORM pg_advisory_lock(hashtext('{function.name}'));"
            changed = at_start(function, kept)
            yield function_mutant(schema, function, "lock kept", "after its transaction", changed)


def _locks(body: Body, one: Statement) -> bool:
    """Return whether a statement writes or locks rows: where an engineer thinks of locks."""
    if one.kind in WRITES:
        return True
    text = body.cut(one.span)
    if one.kind not in ("perform", "select") or " FOR " not in text:
        return False
    tree: Any = statement(text.rstrip(";").replace("PERFORM", "SELECT", 1))
    return bool(getattr(tree, "lockingClause", None))
