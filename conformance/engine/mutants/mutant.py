"""A mutant: one small change of the schema, as SQL, with the rules that it may weaken."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of a schema that has been migrated.

    Attributes:
        thing: the object that is changed: `users.inv_u1__…`, `users.email`, `tg_jobs__states()`.
        operator: what kind of change it is, such as `comparison moved`.
        change: the change itself, in a line.
        sql: the statements that make it, one after another, on a clone of the template.
        rules: the ids of the rules that the object serves, the nearest first.
        tables: the tables that it is about, without `public.`.
        ordinal: 1, 2 … among mutants of one object that have the same operator and change.
        habit: the class of what engineers write that it is an example of; '' for all others.
    """

    thing: str
    operator: str
    change: str
    sql: tuple[str, ...]
    rules: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    ordinal: int = 1
    habit: str = ""

    @property
    def id(self) -> str:
        """Return a name that stays while the object says the same in the same place."""
        digest = hashlib.sha256(f"{self.change}\n{self.ordinal}".encode()).hexdigest()[:6]
        return f"{self.thing}/{self.operator.replace(' ', '-')}/{digest}"

    def concerns(self, token: str) -> bool:
        """Return whether a rule's token, a class, or a part of the id chooses this mutant."""
        tokens = {rule.lower().replace("-", "_") + "__" for rule in self.rules}
        return token in tokens or token == self.habit or token in self.id

    def script(self) -> str:
        """Return what psql reads."""
        return "".join(f"{statement};\n" for statement in self.sql)


def numbered(mutants: Iterable[Mutant]) -> Iterator[Mutant]:
    """Number mutants that would otherwise share an id."""
    seen: Counter[tuple[str, str, str]] = Counter()
    for mutant in mutants:
        key = (mutant.thing, mutant.operator, mutant.change)
        seen[key] += 1
        yield replace(mutant, ordinal=seen[key])
