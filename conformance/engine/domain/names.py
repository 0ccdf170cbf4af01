"""A rule by the name that somebody types: its id or its token, in upper or lower case."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from conformance.engine.domain.chosen import RULES
from conformance.engine.kinds.rule import Rule  # noqa: TC001 - what a function returns

if TYPE_CHECKING:
    from collections.abc import Iterable


class UnknownRuleError(ValueError):
    """A name that is no rule's."""


def find(name: str) -> Rule | None:
    """Return the rule of a name such as `INV-T2`, `inv-t2` or `inv_t2__`; None for no rule's."""
    return RULES.get(name.strip("_").replace("_", "-").upper())


def rule(name: str) -> Rule:
    """Return the rule of a name.

    Raises:
        UnknownRuleError: It is no rule's; the message says which are near.
    """
    found = find(name)
    if found is not None:
        return found
    every = f"`framecast-conformance rules` lists all {len(RULES)}"
    message = f"there is no rule {name!r}: {hint(name)}{every}"
    raise UnknownRuleError(message)


def hint(name: str) -> str:
    """Return a question that names the rules near a name that is none's; '' where none are."""
    return question(name.strip("_").replace("_", "-").upper(), RULES)


def question(name: str, known: Iterable[str]) -> str:
    """Return a question that names what is nearly called so; '' where nothing is."""
    near = get_close_matches(name, [*known], cutoff=0.5)
    return f"did you mean {' or '.join(near)}? " if near else ""
