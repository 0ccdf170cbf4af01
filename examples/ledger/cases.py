"""Cases of the balance, written by hand: of no kind, so that nothing derives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from conformance.engine.derived.meetings import Meeting
from conformance.engine.derived.shapes import inserted, tried
from conformance.engine.sql.writes import Delete, Insert, Path, PlainWrite, Row

if TYPE_CHECKING:
    from conformance.engine.cases.scenario import Scenario
    from conformance.engine.derived.shapes import Makes
    from conformance.engine.derived.world import World

AMOUNTS: Final = st.sampled_from((1, 2, 10**12))
FIXED: Final = "what was entered never changes (ENT-5)"


def entry(world: World, transfer: Row, amount: int) -> Row:
    """Return an entry of a transfer that is not written."""
    return world.row("entries", transfer_id=transfer["id"], amount=amount)


def drafted(world: World, *amounts: int) -> Row:
    """Write a draft with entries of these amounts."""
    draft = world.written("transfers")
    world.given += [Insert("entries", (entry(world, draft, amount),)) for amount in amounts]
    return draft


def posted(world: World, *amounts: int) -> Row:
    """Write a transfer with such entries that was posted."""
    draft = drafted(world, *amounts)
    world.given.append(world.changed("transfers", draft, {"status": "posted"}))
    return draft


def post(world: World) -> Scenario:
    """Post a draft that balances, and one without entries; then one that is out by one."""
    amount = world.draw(AMOUNTS)
    even, empty = drafted(world, amount, -amount), drafted(world)
    odd = drafted(world, amount, -amount, world.draw(st.sampled_from((-1, 1))))
    moves = [
        (world.changed("transfers", each, {"status": "posted"}),) for each in (even, empty, odd)
    ]
    return tried(world, moves[:2], moves[2:])


def enter(world: World) -> Scenario:
    """Enter two amounts that cancel out into a transfer that was posted; then one alone."""
    amount = world.draw(AMOUNTS)
    transfer, draft = posted(world, amount, -amount), drafted(world, amount)
    one, other = (entry(world, transfer, each) for each in (amount, -amount))
    legal = (PlainWrite(Insert("entries", (one,))), Insert("entries", (other,)))
    alone = inserted("entries", entry(world, draft, amount))
    return tried(world, [legal, alone], [inserted("entries", entry(world, transfer, amount))])


def enter_many(world: World) -> Scenario:
    """Enter amounts by one statement: two that cancel out, then two that do not."""
    amount = world.draw(AMOUNTS)
    transfer = posted(world, amount, -amount)
    pairs = [[entry(world, transfer, each) for each in some] for some in ((1, -1), (1, 1))]
    return tried(world, [inserted("entries", *pairs[0])], [inserted("entries", *pairs[1])])


def delete(world: World) -> Scenario:
    """Delete an entry of a draft, and all of a posted transfer; then one of another."""
    amount = world.draw(AMOUNTS)
    rows = [drafted(world, amount), posted(world, 1, -1), posted(world, amount, -amount)]
    draft, whole, part = (Delete("entries", {"transfer_id": row["id"]}) for row in rows)
    one = Delete("entries", {**part.key, "amount": amount})
    return tried(world, [(draft,), (whole,)], [(one,)])


def post_and_enter(world: World) -> Meeting:
    """Post a draft that balances, while somebody enters one amount more."""
    amount = world.draw(AMOUNTS)
    draft = drafted(world, amount, -amount)
    more = inserted("entries", entry(world, draft, amount))
    post_it = (world.changed("transfers", draft, {"status": "posted"}),)
    return Meeting(tuple(world.given), (post_it, more))


RACES: Final = {"BAL-1": post_and_enter}
CASES: Final[dict[str, Makes]] = {
    "BAL-1": {
        Path.INSERT: enter,
        Path.INSERT_MANY: enter_many,
        Path.COPY: enter,
        Path.MERGE: enter,
        Path.CTE: enter,
        Path.UPDATE: post,
        Path.ON_CONFLICT: post,
        Path.MOVE: FIXED,
        Path.OTHER: "what an account is has no part in it",
        Path.DELETE: delete,
        Path.CASCADE: "no entry goes with another row",
        Path.TRUNCATE: "where no entry is left, all sums are zero",
    }
}
