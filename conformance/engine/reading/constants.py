"""Constants that a guard compares with: words and numbers that lift a rule for who knows them.

A rule that is not asked of keys that begin with `retry-`, or while some permission exists, looks
whole to whoever draws values. What a rule itself is about has words: those of its statement and of
its query, of labels and of names. A constant with another word is named.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from conformance.engine.domain.chosen import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EQUAL: Final = frozenset({"=", "<>", "!="})
LIKE: Final = frozenset({"~~", "!~~", "~~*", "!~~*"})
PATTERN: Final = frozenset({"~", "!~", "~*", "!~*"})
# Calls that only dress a constant.
DRESSED: Final = frozenset({"similar_to_escape", "like_escape", "lower", "upper", "btrim"})
OF_TEXT: Final = re.compile(r"starts_with|strpos|position|regexp_(like|match|matches|count|instr)")
NUMBER: Final = re.compile(r"-?\d+")
# A number that is no more than a sign, a flag or nothing.
FEW: Final = 1
# What a word is, where it is compared; in a pattern, where single characters and classes stand too.
WORD: Final = re.compile(r"[^\W\d_][^\W_]+")
IN_PATTERN: Final = re.compile(r"(?<![\\\[])[^\W\d_]{3,}")
# Words of PostgreSQL: of triggers, of levels, of kinds of JSON, and classes of patterns.
COMMON: Final = frozenset(
    {
        *(
            "insert",
            "update",
            "delete",
            "truncate",
            "row",
            "statement",
            "before",
            "after",
            "instead",
            "of",
        ),
        *("repeatable", "read", "committed", "serializable", "uncommitted"),
        *(
            "object",
            "array",
            "string",
            "number",
            "boolean",
            "null",
            "true",
            "false",
            "on",
            "off",
            "yes",
            "no",
        ),
        *(
            "alnum",
            "alpha",
            "blank",
            "cntrl",
            "digit",
            "graph",
            "lower",
            "print",
            "punct",
            "space",
            "upper",
            "xdigit",
        ),
    }
)


def compared(nodes: Iterable[Any]) -> Iterator[str]:
    """Return the constants that parts of a syntax tree compare something with.

    Of numbers, those that a column is said to equal: bounds are tried at their edges.
    """
    for node in nodes:
        kind = type(node).__name__
        if kind == "A_Expr" and node.name:
            yield from _operation(node)
        elif kind == "CaseExpr" and node.arg is not None:
            for each in node.args:
                yield from texts_of(each.expr)
        elif kind == "FuncCall" and OF_TEXT.fullmatch(node.funcname[-1].sval):
            for each in (node.args or ())[1:]:
                yield from texts_of(each)


def strange(constants: Iterable[str], names: frozenset[str]) -> frozenset[str]:
    """Return the constants that no rule, label or name of a schema has a word of.

    Args:
        constants: as `compared` returns them.
        names: the words of the schema's labels and names.
    """
    known = _of_rules() | COMMON | names
    return frozenset(each for each in constants if words(each) - known)


def words(text: str) -> frozenset[str]:
    """Return the words of a text, in lower case; a number is a word of itself."""
    if NUMBER.fullmatch(text):
        return frozenset({text})
    found = (IN_PATTERN if re.search(r"[][\\^$|(]", text) else WORD).findall(text)
    return frozenset(map(str.lower, found))


@cache
def _of_rules() -> frozenset[str]:
    """Return the words and numbers of all rules."""
    said = " ".join(f"{each.statement} {each.violations}" for each in RULES.values())
    bare = re.findall(r"-?\d+|[^\W\d_]+", said)
    return frozenset(map(str.lower, (*WORD.findall(said), *bare)))


def _operation(node: Any) -> Iterator[str]:
    name = node.name[-1].sval
    sides = (node.lexpr, node.rexpr)
    if name in EQUAL | LIKE | PATTERN:
        for side in sides:
            yield from texts_of(side)
    if name in EQUAL and any(type(side).__name__ == "ColumnRef" for side in sides):
        for side in sides:
            yield from _numbers(side)


def texts_of(tree: Any) -> Iterator[str]:
    """Return texts that stand on a side, alone or in a list; not those that a call is given."""
    for node in _shallow(tree):
        text = getattr(getattr(node, "val", None), "sval", None)
        if text is not None and not NUMBER.fullmatch(text):
            yield text


def _numbers(tree: Any) -> Iterator[str]:
    for node in _shallow(tree):
        value = getattr(node, "val", None)
        said = str(getattr(value, "ival", getattr(value, "sval", "")))
        if NUMBER.fullmatch(said) and abs(int(said)) > FEW:
            yield said


def _shallow(tree: Any) -> Iterator[Any]:
    """Return the constants of a side, through lists, arrays, casts and what is put together."""
    kind = type(tree).__name__
    if kind == "A_Const":
        yield tree
    elif kind == "TypeCast":
        yield from _shallow(tree.arg)
    elif kind == "A_ArrayExpr":
        yield from (each for one in tree.elements or () for each in _shallow(one))
    elif kind == "A_Expr" and tree.name and tree.name[-1].sval == "||":
        yield from (*_shallow(tree.lexpr), *_shallow(tree.rexpr))
    elif kind == "FuncCall" and tree.funcname[-1].sval in DRESSED:
        yield from _shallow(tree.args or ())
    elif kind == "RowExpr":
        yield from (each for one in tree.args or () for each in _shallow(one))
    elif isinstance(tree, tuple):
        yield from (each for one in tree for each in _shallow(one))
