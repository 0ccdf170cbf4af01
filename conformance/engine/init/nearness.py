"""Rows in the order of how near they are to those on the other side of a condition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.engine.init.candidates import rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.engine.derived.catalogue import Column

FAR: Final = 1e9  # between values that have no order
LOOKED_AT: Final = 400  # rows of each side


def nearest(
    columns: Sequence[Column],
    some: Sequence[tuple[object, ...]],
    others: Sequence[tuple[object, ...]],
) -> list[tuple[object, ...]]:
    """Return rows of one side, those first that differ least from one of the other.

    Args:
        columns: of which the rows have values.
        some: the rows.
        others: those of the other side.
    """
    here, there = some[:LOOKED_AT], others[:LOOKED_AT]
    ranked = [[_ranks(columns, row) for row in side] for side in (here, there)]

    def distance(number: int) -> float:
        pairs = zip(there, ranked[1], strict=True)
        return min(
            (_apart((here[number], row), (ranked[0][number], ranks)) for row, ranks in pairs),
            default=0.0,
        )

    order = sorted(range(len(here)), key=lambda number: (distance(number), number))
    return [here[number] for number in order]


def _ranks(columns: Sequence[Column], row: tuple[object, ...]) -> list[float | None]:
    return [rank(column, value) for column, value in zip(columns, row, strict=True)]


def _apart(
    rows: tuple[tuple[object, ...], tuple[object, ...]],
    ranks: tuple[list[float | None], list[float | None]],
) -> float:
    total = 0.0
    for one, other, before, after in zip(*rows, *ranks, strict=True):
        if one != other:
            total += FAR if before is None or after is None else abs(before - after)
    return total
