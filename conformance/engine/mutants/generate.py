"""All mutants of a schema, from what its database says of itself."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from conformance.engine.domain.names import find, hint
from conformance.engine.mutants import bodies, columns, constraints, habits, privileges, triggers
from conformance.engine.mutants.errors import ChoiceError
from conformance.engine.mutants.mutant import Mutant, numbered
from conformance.engine.progress import unheard

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from conformance.engine.catalogue.schema import Schema
    from conformance.engine.progress import Say


def mutants(schema: Schema, say: Say = unheard) -> list[Mutant]:
    """Return all mutants, in the order of their ids; `say` hears how many kinds are made."""
    areas = (constraints, columns, triggers, bodies, privileges)
    makers = [*(area.of for area in areas), *habits.makers()]
    found: list[Mutant] = []
    for done, make in enumerate(makers):
        say("kinds of mutants made", done, len(makers), 0.0)  # no two kinds take as long
        found += make(schema)
    return sorted(numbered(found), key=lambda mutant: mutant.id)


def chosen(
    every: Sequence[Mutant],
    tokens: Iterable[str],
    sample: int | None,
    seed: int,
    among: Collection[str] | None = None,
) -> list[Mutant]:
    """Return those mutants that a token names, or that a draw with this seed picks of them.

    `among`, if given, holds the ids of all that may be chosen.

    Raises:
        ChoiceError: A token names none.
    """
    picked = [mutant for mutant in every if among is None or mutant.id in among]
    wanted = [_token(each) for each in tokens]
    for token in wanted:
        if not any(mutant.concerns(token) for mutant in every):
            what = f"{hint(token)}give a rule, or part of a mutant's id"
            message = f"no mutant concerns {token!r}: {what}"
            raise ChoiceError(message)
    if wanted:
        picked = [each for each in picked if any(each.concerns(token) for token in wanted)]
    if sample is not None and sample < len(picked):
        # By a digest, not by their places: what is added or goes changes nothing for the others.
        drawn = sorted(picked, key=lambda each: sha256(f"{seed}\n{each.id}".encode()).digest())
        picked = sorted(drawn[:sample], key=lambda each: each.id)
    return picked


def _token(text: str) -> str:
    """Return the token of the rule that a text names; else the text."""
    rule = find(text)
    return text if rule is None else rule.token
