"""Lists of labels, which psycopg reads as text unless it knows their type."""

import psycopg
from psycopg.types import TypeInfo


def know_lists() -> None:
    """Let every connection that is opened from now on read them as lists."""
    with psycopg.connect() as connection:
        known = TypeInfo.fetch(connection, "webhook_event_type")
    if known is not None:
        known.register()
