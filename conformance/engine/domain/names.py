"""A rule by the name that somebody types: its id or its token, in any case, or an object's name."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from conformance.engine.domain.chosen import RULES
from conformance.engine.kinds.rule import Rule  # noqa: TC001 - what a function returns

if TYPE_CHECKING:
    from collections.abc import Iterable


BAND: Final = re.compile(r"^_\d+_")  # of a trigger's name, which decides when it fires


class UnknownRuleError(ValueError):
    """A name that is no rule's."""


def find(name: str) -> Rule | None:
    """Return the rule of a name such as `INV-T2`, `inv-t2` or `inv_t2__`; None for no rule's.

    An object's name is a rule's where it begins as the rule's own do, behind a number that gives
    its place, or where the rule alone says that it is enforced by that object.
    """
    token = BAND.sub("", name).partition("__")[0]
    for each in (name, token):
        if found := RULES.get(each.strip("_").replace("_", "-").upper()):
            return found
    enforced = _enforced_by(name)
    return enforced[0] if len(enforced) == 1 else None


def _enforced_by(name: str) -> list[Rule]:
    """Return the rules that say that an object of a name enforces them."""
    rules = RULES.values()
    return [r for r in rules if any(name.lower() in _names(e.lower()) for e in r.enforced_by)]


def _names(enforcing: str) -> tuple[str, ...]:
    """Return what an object such as `trigger jobs._500_move_project` is called."""
    return tuple(enforcing.rpartition(before)[2] for before in ("\n", " ", "."))


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


def is_like(name: str) -> bool:
    """Return whether a name is written as the ids of rules are, and begins as one of them."""
    area, dash, rest = name.upper().partition("-")
    return bool(dash and rest.isalnum()) and any(each.startswith(f"{area}-") for each in RULES)


def is_table(name: str) -> bool:
    """Return whether rules speak of a table of a name."""
    return any(name.lower() in each.tables for each in RULES.values())


def hint(name: str) -> str:
    """Return what a name that is no rule's may mean: a table, several rules, or rules near it."""
    if is_table(name):
        return f"it is a table: `framecast-conformance rules --table {name}` lists its rules; "
    if enforced := _enforced_by(name):
        return f"it enforces {', '.join(each.id for each in enforced)}: name one of them; "
    return question(name.strip("_").replace("_", "-").upper(), RULES)


def question(name: str, known: Iterable[str]) -> str:
    """Return a question that names what is nearly called so; '' where nothing is."""
    near = get_close_matches(name, [*known], cutoff=0.6)
    return f"did you mean {' or '.join(near)}? " if near else ""
