"""Messages: a refusal that says less than it should, names nothing, or is said to nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.engine.mutants import plpgsql
from conformance.engine.mutants.habits.guards import is_rejection, rejects
from conformance.engine.mutants.habits.rewriting import again, function_mutant, trigger_mutant
from conformance.engine.mutants.syntax import like, statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Schema
    from conformance.engine.mutants.mutant import Mutant
    from conformance.engine.mutants.plpgsql import Body, Span, Statement

RAISES = ("raise", "exception", "using")
# What programs tell refusals by; the other options are words for people.
TOLD = frozenset({"constraint", "errcode"})


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants of what refusals say."""
    for function in schema.functions:
        if function.sql_body or not rejects(function):
            continue
        body = plpgsql.parse(function.body)
        for _, one in plpgsql.each(body.block):
            if one.branches or not is_rejection(body.cut(one.span)):
                continue
            yield from _less(schema, function, body, one)
            if one.kind == "perform":
                plain = f"RAISE EXCEPTION 'refused by {function.name}';"
                new = body.put(one.span, plain)
                yield function_mutant(schema, function, "raised without a name", plain, new)
        if function.is_trigger:
            end = body.block.span.end
            catches = "\nEXCEPTION WHEN integrity_constraint_violation THEN RETURN NULL;"
            new = f"{function.body[:end]}{catches}{function.body[end:]}"
            yield function_mutant(schema, function, "refusal swallowed", "returns null", new)
    refuse = {each.name for each in schema.functions if rejects(each)}
    for trigger in schema.triggers:
        tree: Any = statement(trigger.definition)
        if tree.args and trigger.function in refuse:
            sql = again(trigger, like(tree, args=()))
            yield trigger_mutant(schema, trigger, "words dropped", "no arguments", *sql)


def _less(schema: Schema, function: Any, body: Body, one: Statement) -> Iterator[Mutant]:
    """Leave out each option of a RAISE that a program reads."""
    options = _options(body, one)
    for number, (name, _) in enumerate(options):
        if name not in TOLD:
            continue
        rest = [body.cut(span) for at, (_, span) in enumerate(options) if at != number]
        said = f"RAISE EXCEPTION USING {', '.join(rest)};" if rest else "RAISE EXCEPTION 'no';"
        new = body.put(one.span, said)
        yield function_mutant(schema, function, "said without", name.upper(), new)


def _options(body: Body, one: Statement) -> list[tuple[str, Span]]:
    """Return the options of a RAISE that has no other words, each by its name."""
    tokens = plpgsql.words(body.cut(one.span))
    if tuple(token.text for token in tokens[: len(RAISES)]) != RAISES:
        return []
    found, depth, first = [], 0, len(RAISES)
    for number in range(len(RAISES), len(tokens)):
        text = tokens[number].text
        depth += (text == "(") - (text == ")")
        if depth == 0 and text in (",", ";"):
            start, end = tokens[first].start, tokens[number - 1].end
            span = plpgsql.Span(one.span.start + start, one.span.start + end)
            found.append((tokens[first].text, span))
            first = number + 1
    return found
