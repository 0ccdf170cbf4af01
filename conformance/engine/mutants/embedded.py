"""The SQL in a PL/pgSQL body, made into statements that PostgreSQL's parser reads, and back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.engine.domain.chosen import conventions
from conformance.engine.mutants import plpgsql
from conformance.engine.mutants.plpgsql import Body, Span, Statement, words

if TYPE_CHECKING:
    from collections.abc import Iterator

SELECT = "SELECT "
# A refusal takes the rule and its table first; all that follows is for people to read.
READ_BY_PROGRAMS = 2


@dataclass(frozen=True, slots=True)
class Embedded:
    """An expression or statement: where it stands, and as SQL that stands alone.

    `before` and `after` are what has to be put around it again in the place of `SELECT`.
    """

    span: Span
    sql: str
    before: str = ""
    after: str = ""
    wrapped: bool = False

    def printed(self, text: str) -> str:
        """Return changed SQL as it stands in the body."""
        bare = text.removeprefix(SELECT) if self.wrapped else text
        return f"{self.before}{bare}{self.after}"


@dataclass(frozen=True, slots=True)
class MessageWords:
    """The parts of a body that only make up what a rejection says to people."""

    spans: frozenset[Span]


def embedded(body: Body) -> Iterator[Embedded]:
    """Return all SQL of a body: expressions, queries and writes."""
    for span in body.declared:
        yield _expression(body, span)
    for _, one in plpgsql.each(body.block):
        for branch in one.branches:
            if branch.condition:
                yield _expression(body, branch.condition)
        if not one.branches:
            yield from _of(body, one)


def message_words(body: Body) -> MessageWords:
    """Find what is assigned to variables that are only used in a rejection's words."""
    tokens = words(body.text)
    used: dict[str, set[bool]] = {}
    shown = _words_of_rejections(tokens)
    for number, token in enumerate(tokens):
        following = tokens[number + 1].text if number + 1 < len(tokens) else ""
        declares = following in ("text", "uuid", "bigint", "boolean", "integer")
        if token.text.startswith("v_") and following != ":=" and not declares:
            used.setdefault(token.text, set()).add(number in shown)
    only = {name for name, places in used.items() if places == {True}}
    spans = set()
    for _, one in plpgsql.each(body.block):
        if one.kind == ":=" and body.cut(one.span).split()[0] in only:
            spans |= {part.span for part in _of(body, one)}
    return MessageWords(frozenset(spans))


def _words_of_rejections(tokens: list[plpgsql.Word]) -> set[int]:
    """Return the numbers of the tokens that are arguments of a rejection for people to read."""
    found: set[int] = set()
    rejects = _rejects()
    for number in range(len(tokens) - len(rejects)):
        if [token.text for token in tokens[number : number + len(rejects)]] != rejects:
            continue
        depth, commas, at = 1, 0, number + len(rejects)
        while depth:
            text = tokens[at].text
            depth += (text == "(") - (text == ")")
            commas += text == "," and depth == 1
            if commas >= READ_BY_PROGRAMS:
                found.add(at)
            at += 1
    return found


def _rejects() -> list[str]:
    """Return the tokens with which a refusal begins."""
    call = conventions().rejection
    return [each.text for each in words(call)] if conventions().reject else [call]


def _of(body: Body, one: Statement) -> Iterator[Embedded]:
    text = body.cut(one.span)
    if one.kind == ":=":
        start = one.span.start + text.index(":=") + 2
        yield _expression(body, Span(start, one.span.end - 1))
    elif one.kind == "return" and not re.fullmatch(r"RETURN( NULL| NEW| OLD)?;", text):
        yield _expression(body, Span(one.span.start + len("RETURN"), one.span.end - 1))
    elif one.kind == "exit" and " WHEN " in text:
        yield _expression(body, Span(one.span.start + len("EXIT WHEN"), one.span.end - 1))
    elif one.kind == "perform":
        yield from _perform(body, one)
    elif one.kind in ("select", "insert", "update", "delete", "with"):
        yield _query(one.span, text)


def _perform(body: Body, one: Statement) -> Iterator[Embedded]:
    """Return a PERFORM as a query; of a rejection, no more than what programs read."""
    tokens = words(body.cut(one.span))
    shown = _words_of_rejections(tokens)
    start = one.span.start
    if not shown:
        span = Span(start, one.span.end - 1)
        sql = SELECT + body.cut(Span(start + len("PERFORM"), span.end)).strip()
        yield Embedded(span, sql, before="PERFORM ", wrapped=True)
        return
    first = tokens[1 + len(_rejects())]
    span = Span(start + first.start, start + tokens[min(shown)].start)
    inner = body.cut(span)
    rule = Span(span.start, span.start + inner.rindex(","))
    if not inner.strip().startswith("v_"):
        yield _expression(body, rule)


def _expression(body: Body, span: Span) -> Embedded:
    return Embedded(span, SELECT + body.cut(span).strip(), before=" ", wrapped=True)


def _query(span: Span, text: str) -> Embedded:
    """Return a query without its INTO, which PostgreSQL's own parser does not know."""
    tokens = words(text)
    depth, after, sql = 0, ";", text.rstrip().removesuffix(";")
    for number, token in enumerate(tokens):
        depth += (token.text == "(") - (token.text == ")")
        if token.text == "into" and depth == 0 and tokens[0].text == "select":
            last = number + 1
            while tokens[last + 1].text == ",":
                last += 2
            target = text[token.start : tokens[last].end]
            sql = sql[: token.start] + sql[tokens[last].end :]
            after = f" {target};"
            break
    return Embedded(span, sql, after=after)
