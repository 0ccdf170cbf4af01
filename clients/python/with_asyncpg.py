"""The flows of with_sqlalchemy.py through asyncpg, in an AsyncSession."""

import asyncio
from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from clients.python.serving import serve
from clients.python.with_sqlalchemy import FLOWS, refusal


def in_a_session(flow: Callable[[Session], None]) -> Callable[[], None]:
    """Return a flow in a transaction of its own."""

    async def do() -> None:
        async with AsyncSession(engine) as session, session.begin():
            await session.run_sync(flow)

    return lambda: runner.run(do())


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        engine = create_async_engine("postgresql+asyncpg://")
        serve({name: in_a_session(flow) for name, flow in FLOWS.items() if callable(flow)}, refusal)
