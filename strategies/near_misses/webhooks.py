"""Near misses of the rules of webhooks and deliveries: INV-W1 to INV-WD4, and STATE-DELIVERY."""

from itertools import product

from hypothesis import strategies as st

from conformance.engine.cases.scenario import Scenario, Ways
from conformance.engine.sql.writes import Insert, Path, Row, Sql, Update
from strategies.enums import WEBHOOK_DELIVERY_STATUS, WEBHOOK_EVENT_TYPE
from strategies.instants import past_timestamps
from strategies.near_misses.relations import parent
from strategies.near_misses.ways import Draw, by_shape, either, label, one_row, scenarios
from strategies.sizes import attempts, over_attempts
from strategies.usual import usual
from strategies.web import URL_LIMIT, broken_events, broken_urls, events, urls
from strategies.world import NOW, World

FIRST = WEBHOOK_EVENT_TYPE[0]


def webhook(world: World) -> Row:
    """Make a webhook of a team whose owner has another one."""
    owner = world.creator()
    return world.a_webhook(world.owned_team(owner), owner)


def admins_webhook(world: World) -> Row:
    """Make a webhook of a user whom the team does not need."""
    team, _ = world.team()
    return world.a_webhook(team, world.member(team, role="admin"))


def delivery(world: World) -> Row:
    """Make a delivery."""
    return world.a_delivery(world.insert("webhooks", webhook(world)))


# No event at all, in each way to write an array that holds nothing.
# A list of an empty list is empty as well. Before PostgreSQL 17 no literal says so.
NO_EVENT = st.sampled_from(([], "{}", Sql("ARRAY[ARRAY[]]::public.webhook_event_type[]")))

# Null among the events: of a list, at its end or inside, of one that does not begin at 1, or of a
# list of lists.
NULL_EVENTS = st.sampled_from(
    (
        "[0:0]={NULL}",
        f"[0:1]={{{FIRST},NULL}}",
        f"[2:3]={{NULL,{FIRST}}}",
        f"{{{{{FIRST},NULL}}}}",
        f"{{{FIRST},NULL,{FIRST}}}",
        f"[0:2]={{{FIRST},NULL,{FIRST}}}",
    )
)
SHIFTED = st.sampled_from((f"[0:0]={{{FIRST}}}", f"[2:3]={{{FIRST},{FIRST}}}"))


# What a delivery needs in a state, and how it comes there.

NEEDS: dict[str, Row] = {
    "pending": {"attempts": 0},
    "retrying": {"attempts": usual(1), "next_retry_at": usual(NOW)},
    "delivered": {"attempts": usual(1), "delivered_at": usual(NOW)},
    "failed": {"attempts": usual(5)},
}
MOVES = (
    *(("pending", status) for status in WEBHOOK_DELIVERY_STATUS),
    *(("retrying", status) for status in ("delivered", "retrying", "failed")),
    *(("failed", status) for status in ("failed", "pending")),
    ("delivered", "delivered"),
)
OTHER_MOVES = tuple(
    pair for pair in product(WEBHOOK_DELIVERY_STATUS, repeat=2) if pair not in MOVES
)


def in_state(world: World, status: str) -> Row:
    """Insert a delivery, and move it on to a status."""
    row = world.insert("webhook_deliveries", delivery(world))
    if status != "pending":
        world.given.append(to_state(row, status))
    return row


def to_state(row: Row, status: str, **columns: object) -> Update:
    """Return the update of a delivery to a status, with all that this needs."""
    changes = {"status": status, **NEEDS[status], **columns}
    return Update("webhook_deliveries", {"id": row["id"]}, changes, row)


@scenarios
def moves(world: World, draw: Draw) -> Scenario:
    """Move a delivery on, as it may; then one as it may not."""
    old, new = draw(st.sampled_from(MOVES))
    start, beyond = draw(st.sampled_from(OTHER_MOVES))
    good, bad = in_state(world, old), in_state(world, start)
    return Scenario(
        given=(tuple(world.given),),
        legal=((to_state(good, new),),),
        broken=((to_state(bad, beyond),),),
    )


@scenarios
def asked_again(world: World, draw: Draw) -> Scenario:
    """Ask again for a failed delivery with no attempts made; then with some, and for no job."""
    good, bad = in_state(world, "failed"), in_state(world, "failed")
    world.given.append(Update("webhook_deliveries", {"id": bad["id"]}, _of_a_job(world), bad))
    made = draw(st.integers(1, 5))
    return Scenario(
        given=(tuple(world.given),),
        legal=((to_state(good, "pending"), to_state(good, "retrying")),),
        broken=tuple(
            (to_state(bad, "pending", attempts=made, **more),) for more in ({}, {"job_id": None})
        ),
    )


def _of_a_job(world: World) -> Row:
    return {"job_id": world.job(world.starter())["id"]}


@scenarios
def in_one_go(world: World, draw: Draw) -> Scenario:
    """Make a delivery and deliver it in one transaction; then one that is delivered, and not."""
    good, bad = delivery(world), delivery(world)
    beyond = draw(st.sampled_from(("pending", "retrying", "failed")))
    return Scenario(
        given=(tuple(world.given),),
        legal=(
            (
                Insert("webhook_deliveries", (good,)),
                to_state(good, "retrying"),
                to_state(good, "delivered"),
            ),
        ),
        broken=(
            (
                Insert("webhook_deliveries", (bad,)),
                to_state(bad, "delivered"),
                to_state(bad, beyond),
            ),
        ),
    )


@scenarios
def arrivals(world: World, draw: Draw) -> Scenario:
    """Deliver with a time; then deliver another without one, or take the time back."""
    at = draw(past_timestamps())
    good, late = in_state(world, "pending"), in_state(world, "retrying")
    again = in_state(world, "delivered")
    bad = draw(st.sampled_from((late, again)))
    timeless = {"status": "delivered", "delivered_at": None}
    return Scenario(
        given=(tuple(world.given),),
        legal=((to_state(good, "delivered", delivered_at=at),),),
        broken=((Update("webhook_deliveries", {"id": bad["id"]}, timeless, bad),),),
    )


BY_ITS_OWN = dict.fromkeys(Path, "tried by its own")


def _bounded(pair: tuple[int, int]) -> Row:
    return dict(zip(("max_attempts", "attempts"), pair, strict=True))


WAYS: dict[str, Ways] = {
    "INV-W1": parent(
        "webhooks", webhook, "team_id", "teams", cascades=True, also=frozenset({"ROLE-1"})
    ),
    "INV-W2": one_row(
        "webhooks",
        webhook,
        legal=events().map(lambda some: {"events": some}),
        broken=NO_EVENT.map(lambda none: {"events": none}),
    ),
    "INV-W3": one_row(
        "webhooks",
        webhook,
        legal=st.one_of(events(), SHIFTED).map(lambda some: {"events": some}),
        broken=st.one_of(broken_events().filter(bool), NULL_EVENTS).map(
            lambda some: {"events": some}
        ),
        also=lambda row: {"INV-W2"} if str(row["events"]).startswith("{{") else frozenset(),
        because="events in rows and columns are no list of events, for INV-W2 either",
    ),
    "INV-W4": one_row(
        "webhooks",
        webhook,
        legal=urls().map(lambda url: {"url": url}),
        broken=broken_urls()
        .filter(lambda url: len(url) <= URL_LIMIT)
        .map(lambda url: {"url": url}),
    ),
    "INV-W5": parent(
        "webhooks",
        admins_webhook,
        "created_by",
        "users",
        cascades=False,
        immutable=False,
        also=frozenset({"ROLE-1"}),
    ),
    "INV-WD1": label(
        "webhook_deliveries",
        delivery,
        "status",
        "webhook_delivery_status",
        legal=st.just("pending"),
        also=frozenset({"STATE-DELIVERY"}),
    ),
    "INV-WD2": parent("webhook_deliveries", delivery, "webhook_id", "webhooks", cascades=True),
    "INV-WD3": one_row(
        "webhook_deliveries",
        delivery,
        legal=attempts().map(_bounded),
        broken=over_attempts().map(_bounded),
    ),
    "INV-WD4": either(
        one_row(
            "webhook_deliveries",
            delivery,
            legal=st.sampled_from((None, NOW)).map(
                lambda at: {"status": "pending", "delivered_at": at}
            ),
            broken=st.just({"status": "delivered", "delivered_at": None}),
            also=frozenset({"STATE-DELIVERY"}),  # nothing is inserted delivered
            no_update="tried by its own",
        ),
        by_shape(update=arrivals, reasons=BY_ITS_OWN),
    ),
    "STATE-DELIVERY": either(
        one_row(
            "webhook_deliveries",
            delivery,
            legal=st.just({"status": "pending", "delivered_at": None}),
            broken=st.sampled_from(
                [
                    {"status": status, "delivered_at": at}
                    for status, at in product(WEBHOOK_DELIVERY_STATUS[1:], (NOW, None))
                    if at or status != "delivered"
                ]
            ),
            no_update="tried by its own",
        ),
        by_shape(update=st.one_of(moves, asked_again, in_one_go), reasons=BY_ITS_OWN),
    ),
}
