"""All mutants of a schema, from what its database says of itself."""

from __future__ import annotations

from itertools import chain
from random import Random
from typing import TYPE_CHECKING

from conformance.mutants import bodies, columns, constraints, privileges, triggers
from conformance.mutants.errors import ChoiceError
from conformance.mutants.mutant import Mutant, numbered

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from conformance.mutants.schema import Schema


def mutants(schema: Schema) -> list[Mutant]:
    """Return all mutants, in the order of their ids."""
    areas = (constraints, columns, triggers, bodies, privileges)
    found = numbered(chain.from_iterable(area.of(schema) for area in areas))
    return sorted(found, key=lambda mutant: mutant.id)


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
    wanted = list(tokens)
    for token in wanted:
        if not any(mutant.concerns(token) for mutant in every):
            message = f"no mutant concerns {token!r}: give the token of a rule, or part of an id"
            raise ChoiceError(message)
    if wanted:
        picked = [each for each in picked if any(each.concerns(token) for token in wanted)]
    if sample is not None and sample < len(picked):
        picked = sorted(Random(seed).sample(picked, sample), key=lambda each: each.id)  # noqa: S311 - no secret
    return picked
