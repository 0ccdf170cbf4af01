"""Walks over syntax trees of PostgreSQL's own parser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def below(node: Any) -> Iterator[Any]:
    """Walk a syntax tree of pglast, or a tuple of them."""
    yield node
    children: Iterable[Any]
    if isinstance(node, tuple):
        children = node
    else:
        children = (getattr(node, name) for name in getattr(node, "__slots__", ()))
    for child in children:
        if isinstance(child, tuple) or hasattr(child, "__slots__"):
            yield from below(child)
