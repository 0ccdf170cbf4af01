"""Rows of webhooks and of their deliveries."""

from functools import cache

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from strategies.credentials import signing_secrets
from strategies.documents import json_objects
from strategies.instants import timestamps
from strategies.owners import Id
from strategies.rows import Row, completed, created, maybe, shapes, stamped
from strategies.sizes import attempts
from strategies.tables import limit
from strategies.text import texts
from strategies.web import event_names, events, urls

_DEFAULT_MAX_ATTEMPTS = 5


def webhooks(team: Id, created_by: Id, serial: int | None = None) -> SearchStrategy[Row]:
    """Rows of webhooks, made by an owner or admin of the team."""
    return completed("webhooks", _webhooks(), serial, team_id=team, created_by=created_by)


@cache
def _webhooks() -> SearchStrategy[Row]:
    return shapes(
        {"url": urls(), "events": events(), "secret": signing_secrets()},
        {"is_active": st.booleans(), "last_triggered_at": maybe(timestamps())},
        stamped(),
    )


def webhook_deliveries(
    webhook: Id, serial: int | None = None, *, job: Id | None = None
) -> SearchStrategy[Row]:
    """Rows of deliveries, all of them pending, of a job or of none."""
    return completed("webhook_deliveries", _deliveries(), serial, webhook_id=webhook, job_id=job)


@cache
def _deliveries() -> SearchStrategy[Row]:
    return shapes(
        {"event_type": event_names(), "payload": json_objects()},
        {
            "job_id": st.none(),
            "status": st.just("pending"),
            "response_status": maybe(st.sampled_from((200, 204, 301, 404, 500, 599))),
            "response_body": maybe(texts(limit("webhook_deliveries", "response_body"))),
            "next_retry_at": maybe(timestamps()),
            "delivered_at": st.none(),
        },
        _tries(),
        created(),
    )


@cache
def _tries() -> SearchStrategy[Row]:
    """Return `attempts` and `max_attempts`: neither, one within the other's default, or both."""
    both = attempts().map(lambda pair: dict(zip(("max_attempts", "attempts"), pair, strict=True)))
    done = st.integers(0, _DEFAULT_MAX_ATTEMPTS).map(lambda count: {"attempts": count})
    most = attempts().map(lambda pair: {"max_attempts": pair[0]})
    return st.one_of(st.just({}), done, most, both)
