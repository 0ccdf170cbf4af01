"""Mutants of functions: guards, locks, branches, assignments, and all that their SQL says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from conformance.engine.catalogue.concerns import Concern, concern
from conformance.engine.domain.chosen import conventions
from conformance.engine.mutants import plpgsql
from conformance.engine.mutants.embedded import embedded, message_words
from conformance.engine.mutants.expressions import changes
from conformance.engine.mutants.mutant import Mutant
from conformance.engine.mutants.plpgsql import Body, Branch, Span, Statement
from conformance.engine.mutants.syntax import Edit, edits, expression, statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.catalogue.schema import Schema
    from conformance.engine.mutants.expressions import Labels

# A function or a clause that locks; and a row written that others write too: a guard, a counter, or
# what stays as it is.
LOCKS = re.compile(r"\block_|advisory|for (update|key share|share|no key update)", re.IGNORECASE)
WRITTEN = re.compile(r"(?:update|insert into) (\w+)\.", re.IGNORECASE)
LEFT = re.compile(r"\bset (\w+) = \w+\.\1\s+(from|where)\b", re.IGNORECASE)
FOUND = re.compile(r"IF (NOT )?FOUND\b")
WRITES = ("insert", "update", "delete", "with")
NOTHING = "NULL;"


def of(schema: Schema) -> Iterator[Mutant]:
    """Return the mutants of all functions."""
    for function in schema.functions:
        about = concern(schema, function)
        for edit in _edits(schema, function, about):
            yield Mutant(
                f"{function.name}()",
                edit.operator,
                edit.change,
                (edit.text,),
                about.rules,
                about.tables,
            )


def _edits(schema: Schema, function: Any, about: Concern) -> Iterator[Edit]:
    labels: Labels = schema.labels_for(about.tables).get
    head = function.definition
    if function.sql_body:
        head = head[: head.rindex(function.sql_body)]
        for operator, change, text in _sql(function.sql_body, labels):
            yield Edit(operator, change, head + text)
    else:
        body = plpgsql.parse(function.body)
        quoted = head.rindex(function.body)
        for operator, change, text in _body(body, labels):
            after = head[quoted + len(function.body) :]
            yield Edit(operator, change, head[:quoted] + text + after)
    declared = head[: head.index("\n RETURNS")]
    for found in re.finditer(r"(?<=DEFAULT )(\d+|NULL)\b", declared):
        around = (1,) if found[0] == "NULL" else (int(found[0]) - 1, int(found[0]) + 1)
        for moved in around:
            text = head[: found.start()] + str(moved) + function.definition[found.end() :]
            yield Edit("default moved", f"{found[0]} becomes {moved}", text)


def _sql(sql_body: str, labels: Labels) -> Iterator[Edit]:
    returned = sql_body.removeprefix("RETURN ")
    for operator, change, text in edits(expression(returned), changes(labels)):
        yield Edit(operator, change, f"RETURN {text.removeprefix('SELECT ')}")


def _body(body: Body, labels: Labels) -> Iterator[Edit]:
    words = message_words(body)
    for branch, one in plpgsql.each(body.block):
        yield from _statement(body, branch, one)
    for part in embedded(body):
        if part.span in words.spans:
            continue
        tree = statement(part.sql)
        for operator, change, text in edits(tree, changes(labels)):
            yield Edit(operator, change, body.put(part.span, part.printed(text)))


def _statement(body: Body, branch: Branch, one: Statement) -> Iterator[Edit]:
    text = body.cut(one.span)
    brief = " ".join(text.split())[:200]
    for inner in one.branches:
        yield Edit("branch emptied", _brief(body, one, inner), body.put(inner.span, NOTHING))
    operator = _removal(one, text, last=one is body.block.statements[-1])
    if operator:
        yield Edit(operator, brief, body.put(one.span, NOTHING))
    if operator == "lock removed":
        yield from _locking(body, branch, one, brief)
    if re.fullmatch(r"RETURN (NEW|OLD);", text):
        yield Edit("row dropped", brief, body.put(one.span, "RETURN NULL;"))
    for condition in (inner.condition for inner in one.branches if inner.condition):
        if one.kind == "if":
            yield Edit("condition ignored", body.cut(condition), body.put(condition, "true"))


def _removal(one: Statement, text: str, *, last: bool) -> str:
    """Return the operator that takes a statement out; '' where that is no change or no function."""
    if one.branches or one.kind in ("null", "exit"):
        return ""
    if one.kind == "raise" or (one.kind == "perform" and conventions().rejection in text):
        return "guard removed"
    if _is_lock(one, text):
        return "lock removed"
    if one.kind == "return":
        return "" if last else "early return removed"
    if one.kind == ":=":
        return "assignment removed"
    return "write removed" if one.kind in WRITES else "statement removed"


def _is_lock(one: Statement, text: str) -> bool:
    if one.kind in ("perform", "select"):
        return bool(LOCKS.search(text))
    books = conventions().helpers
    return one.kind in ("insert", "update") and bool(
        LEFT.search(text) or any(place in books for place in WRITTEN.findall(text))
    )


def _locking(body: Body, branch: Branch, one: Statement, brief: str) -> Iterator[Edit]:
    """Take a lock after everything else in its branch, but what returns.

    What asks whether the lock found its row goes with it; if it locks instead, it is removed too.
    """
    lock, others = one.span, list(branch.statements[branch.statements.index(one) + 1 :])
    if others and FOUND.match(body.cut(others[0].span)):
        instead = others.pop(0)
        lock = Span(lock.start, instead.span.end)
        if any(_is_lock(each, body.cut(each.span)) for _, each in _inside(instead)):
            yield Edit("lock removed", f"{brief} and what is done instead", body.put(lock, NOTHING))
    following = [each for each in others if each.kind != "return"]
    if following:
        end = following[-1].span.end
        moved = body.text[lock.end : end] + "\n    " + body.cut(lock)
        yield Edit("lock taken later", brief, body.put(Span(lock.start, end), moved))


def _inside(one: Statement) -> Iterator[tuple[Branch, Statement]]:
    for branch in one.branches:
        yield from plpgsql.each(branch)


def _brief(body: Body, one: Statement, branch: Branch) -> str:
    if branch.condition:
        return " ".join(body.cut(branch.condition).split())
    return f"the other branch of {' '.join(body.cut(one.span).split())[:80]}"
