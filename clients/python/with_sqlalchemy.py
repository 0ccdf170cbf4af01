"""The flows as SQLAlchemy's ORM does them, through psycopg; with_asyncpg.py does the same."""

from collections.abc import Callable
from typing import Final

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from clients.python import sqlalchemy_never, sqlalchemy_people, sqlalchemy_work
from clients.python.serving import serve

FLOWS: Final = {**vars(sqlalchemy_people), **vars(sqlalchemy_work), **vars(sqlalchemy_never)}


def refusal(error: Exception) -> tuple[str | None, str | None]:
    """Return SQLSTATE and constraint, whichever driver it is."""
    if not isinstance(error, DBAPIError):
        raise error
    driver = error.orig
    if hasattr(driver, "diag"):  # psycopg
        return driver.sqlstate, driver.diag.constraint_name
    raised = driver.__cause__  # asyncpg's own, which its dialect wraps once
    return raised.sqlstate, getattr(raised, "constraint_name", None)


def in_a_session(flow: Callable[[Session], None]) -> Callable[[], None]:
    """Return a flow in a transaction of its own."""

    def do() -> None:
        with Session(engine) as session, session.begin():
            flow(session)

    return do


if __name__ == "__main__":
    engine = create_engine("postgresql+psycopg://")  # PGHOST and the like say where
    serve({name: in_a_session(flow) for name, flow in FLOWS.items() if callable(flow)}, refusal)
