"""The statements of a PL/pgSQL body, with the places of their parts in its text.

pglast parses the SQL in a body, and tells its tokens apart; what holds the statements together (IF,
LOOP, BEGIN) is found here, as its own parser of PL/pgSQL keeps no places but line numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from pglast.parser import scan

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMENTS = frozenset({"SQL_COMMENT", "C_COMMENT"})


class Span(NamedTuple):
    """A part of a text."""

    start: int
    end: int


class Word(NamedTuple):
    """A token: its text in lower case where it is a word, and its place."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Branch:
    """A list of statements, and the condition that leads there, if it has one."""

    span: Span
    statements: tuple[Statement, ...]
    condition: Span | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: its text with the semicolon, and its branches where it is an IF or a LOOP."""

    kind: str
    span: Span
    branches: tuple[Branch, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """A function's body: expressions that declarations begin with, and the outermost block."""

    text: str
    declared: tuple[Span, ...]
    block: Branch

    def cut(self, span: Span) -> str:
        """Return a part of the text."""
        return self.text[span.start : span.end]

    def put(self, span: Span, new: str) -> str:
        """Return the whole text with a part replaced."""
        return self.text[: span.start] + new + self.text[span.end :]


def words(text: str) -> list[Word]:
    """Return the tokens of SQL or PL/pgSQL, without comments."""
    raw = text.encode()
    found = []
    for token in scan(text):
        if token.name not in COMMENTS:
            start, end = (len(raw[:at].decode()) for at in (token.start, token.end + 1))
            says = token.kind != "NO_KEYWORD" or token.name == "IDENT"
            found.append(Word(text[start:end].lower() if says else text[start:end], start, end))
    return found


def parse(text: str) -> Body:
    """Find the statements of a body.

    Raises:
        ValueError: It uses what is not known here.
    """
    return _Parser(text).body()


def each(branch: Branch) -> Iterator[tuple[Branch, Statement]]:
    """Return all statements with the branches that they stand in, outer ones first."""
    for statement in branch.statements:
        yield branch, statement
        for inner in statement.branches:
            yield from each(inner)


@dataclass(slots=True)
class _Parser:
    text: str
    at: int = 0
    tokens: list[Word] = field(default_factory=list)

    def body(self) -> Body:
        self.tokens = words(self.text)
        declared = tuple(self._declarations()) if self._is("declare") else ()
        self._take("begin")
        block = self._branch("end")
        self._take("end")
        return Body(self.text, declared, block)

    def _is(self, *texts: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at].text in texts

    def _take(self, text: str) -> Word:
        if not self._is(text):
            found = self.tokens[self.at].text if self.at < len(self.tokens) else "the end"
            message = f"{text} is expected, not {found}, in {self.text!r}"
            raise ValueError(message)
        self.at += 1
        return self.tokens[self.at - 1]

    def _until(self, *texts: str) -> Span:
        """Pass over an expression, with all its parentheses and CASEs, up to one of these words."""
        start, depth = self.tokens[self.at].start, 0
        while depth or not self._is(*texts):
            if self._is("(", "case", "["):
                depth += 1
            elif self._is(")", "]") or (depth and self._is("end")):
                depth -= 1
            self.at += 1
            if self.at >= len(self.tokens):
                message = f"{texts} are expected in {self.text!r}"
                raise ValueError(message)
        return Span(start, self.tokens[self.at - 1].end)

    def _declarations(self) -> Iterator[Span]:
        self._take("declare")
        while not self._is("begin"):
            self._until(";", ":=")
            if self._is(":="):
                self._take(":=")
                yield self._until(";")
            self._take(";")

    def _branch(self, *ends: str, condition: Span | None = None) -> Branch:
        statements: list[Statement] = []
        start = self.tokens[self.at].start
        while not self._is(*ends):
            statements.append(self._statement())
        end = statements[-1].span.end if statements else start
        return Branch(Span(start, end), tuple(statements), condition)

    def _statement(self) -> Statement:
        if self._is("case", "while", "for", "foreach", "begin", "declare", "<<"):
            message = f"{self.tokens[self.at].text} is not known here, in {self.text!r}"
            raise ValueError(message)
        start = self.tokens[self.at].start
        if self._is("if"):
            branches = tuple(self._if())
        elif self._is("loop"):
            self._take("loop")
            branches = (self._branch("end"),)
            self._take("end")
            self._take("loop")
        else:
            kind = self.tokens[self.at].text
            if any(word.text == ":=" for word in self.tokens[self.at : self.at + 4]):
                kind = ":="  # of a variable or of a column of NEW
            self._until(";")
            return Statement(kind, Span(start, self._take(";").end))
        kind = "if" if branches[0].condition else "loop"
        return Statement(kind, Span(start, self._take(";").end), branches)

    def _if(self) -> Iterator[Branch]:
        self._take("if")
        while True:
            condition = self._until("then")
            self._take("then")
            yield self._branch("elsif", "else", "end", condition=condition)
            if not self._is("elsif"):
                break
            self._take("elsif")
        if self._is("else"):
            self._take("else")
            yield self._branch("end")
        self._take("end")
        self._take("if")
