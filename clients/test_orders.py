"""Locks of each client, in their order, against what docs/recipes.md says of it.

Somebody else has what the recipe takes first. The client waits for it, and holds nothing of what
comes later: so it meets nobody who goes by the order of the schema.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import psycopg
import pytest

from clients.flows import begin, filled, flows
from clients.harness import CLIENTS, LOGIN, Client, Place
from tests.support.waiting import until

FLOWS: Final = flows()
MEMBERSHIPS: Final = "memberships WHERE team_id = :'harbour' AND user_id"
WAITS: Final = f"""
SELECT FROM pg_stat_activity WHERE usename = '{LOGIN}' AND wait_event_type = 'Lock'
    AND datname = current_database()
"""


class Order(NamedTuple):
    """Two rows of a flow, of which one is held before the other.

    Attributes:
        flow: its name.
        first: what is held first.
        then: what is free as long as that is waited for.
    """

    flow: str
    first: str
    then: str

    def __str__(self) -> str:
        """Return how a test is called."""
        return f"{self.flow}-{self.first.split()[0]}-{self.then.split()[0]}"


ORDERS: Final = (
    Order("accept", "users WHERE id = :'dan'", "teams WHERE id = :'harbour'"),
    Order("accept", "users WHERE id = :'dan'", "invitations WHERE id = :'letter_to_dan'"),
    Order("accept", "teams WHERE id = :'harbour'", "invitations WHERE id = :'letter_to_dan'"),
    Order("accept_as_a_starter", "users WHERE id = :'eve'", "teams WHERE id = :'harbour'"),
    Order(
        "accept_as_a_starter",
        "teams WHERE id = :'harbour'",
        "invitations WHERE id = :'letter_to_eve'",
    ),
    Order("leave_the_only_team", "users WHERE id = :'cleo'", f"{MEMBERSHIPS} = :'cleo'"),
    Order(
        "leave_the_only_team",
        f"{MEMBERSHIPS} = :'cleo'",
        "framecast.user_guards WHERE user_id = :'cleo'",
    ),
    Order(
        "hand_over",
        f"{MEMBERSHIPS} IN (:'ada', :'cleo') ORDER BY id LIMIT 1",
        f"{MEMBERSHIPS} IN (:'ada', :'cleo') ORDER BY id DESC LIMIT 1",
    ),
)


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("name", CLIENTS)
def test_an_order(name: str, order: Order, client: Callable[[str], Client], place: Place) -> None:
    """While what a recipe holds first is somebody else's, a client holds nothing of the rest."""
    flow, tried = FLOWS[order.flow], client(name)
    with connected(place) as owner, connected(place) as other:
        begin(owner)
        with other.transaction():
            other.execute(held(order.first))
            tried.starts(flow)
            assert until(lambda: owner.execute(WAITS.encode()).rowcount)
            free = owner.execute(held(order.then) + b" SKIP LOCKED").rowcount
        assert tried.ends(flow).done
    assert free == 1


def held(rows: str) -> bytes:
    """Return the query that holds rows wholly."""
    return f"SELECT FROM {filled(rows)} FOR UPDATE".encode()


def connected(place: Place) -> psycopg.Connection[Any]:
    """Connect as the owner."""
    return psycopg.connect(place.conninfo, autocommit=True)
