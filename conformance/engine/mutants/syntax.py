"""Trees of SQL: parsed by pglast, changed in one place, and printed again."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from pglast import ast, parse_sql
from pglast.stream import RawStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Edit(NamedTuple):
    """One changed text: the kind of change, the change in words, and the whole new text."""

    operator: str
    change: str
    text: str


class Place(NamedTuple):
    """Where a node hangs in a tree: an attribute of its parent, or a member of a list there."""

    parent: ast.Node
    attribute: str
    at: tuple[int, ...]
    node: ast.Node


def statement(text: str) -> ast.Node:
    """Parse one statement.

    Raises:
        pglast.parser.ParseError: It is none.
    """
    (raw,) = parse_sql(text)
    node: Any = raw.stmt
    return cast("ast.Node", node)


def expression(text: str) -> ast.Node:
    """Parse an expression; it comes wrapped in the SELECT that it was parsed in."""
    return statement(f"SELECT {text}")


def printed(node: ast.Node) -> str:
    """Return a tree as SQL in one line."""
    return str(RawStream()(node))


def places(node: ast.Node) -> Iterator[Place]:
    """Walk a tree from its root down, in the order of the text as far as the grammar keeps it."""
    for attribute in node:
        yield from _members(node, attribute, (), getattr(node, attribute))


def edits(
    root: ast.Node, changes: Callable[[ast.Node], Iterator[tuple[str, ast.Node]]]
) -> Iterator[Edit]:
    """Return the texts that come of a tree by each change of each of its nodes, one at a time."""
    for place in places(root):
        for operator, new in changes(place.node):
            with replaced(place, new):
                text = printed(root)
            yield Edit(operator, f"{brief(place.node)} becomes {brief(new)}", text)


@contextmanager
def replaced(place: Place, new: ast.Node) -> Iterator[None]:
    """Have another node in a place for the time of the ``with`` block."""
    before = getattr(place.parent, place.attribute)
    setattr(place.parent, place.attribute, _put(before, place.at, new))
    try:
        yield
    finally:
        setattr(place.parent, place.attribute, before)


def like(node: Any, **changed: Any) -> Any:
    """Return a copy of a node with some attributes changed; its children are shared."""
    kept = {name: getattr(node, name) for name in node}
    return type(node)(**{**kept, **changed})


def brief(node: ast.Node, longest: int = 400) -> str:
    """Return a node as SQL, shortened where it is long."""
    text = printed(node)
    return text if len(text) <= longest else text[: longest - 2] + " …"


def _members(
    parent: ast.Node, attribute: str, index: tuple[int, ...], value: object
) -> Iterator[Place]:
    if isinstance(value, ast.Node):
        yield Place(parent, attribute, index, value)
        yield from places(value)
    elif isinstance(value, tuple):
        for number, member in enumerate(value):
            yield from _members(parent, attribute, (*index, number), member)


def _put(value: Any, index: tuple[int, ...], new: ast.Node) -> Any:
    if not index:
        return new
    first, *rest = index
    return tuple(
        _put(member, tuple(rest), new) if number == first else member
        for number, member in enumerate(value)
    )
