"""Several sessions that read one snapshot, and share what is to be asked of it."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager, suppress
from threading import Event, Lock
from typing import TYPE_CHECKING, TypeVar

import psycopg

from conformance.engine.audit.target import IDLE, TargetError, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from conformance.engine.audit.target import Connection, Limits

Question = TypeVar("Question")
Answer = TypeVar("Answer")


@contextmanager
def beside(conn: Connection, url: str, limits: Limits, more: int) -> Iterator[list[Connection]]:
    """Open further transactions that see what this one sees; fewer, where there is no room.

    Args:
        conn: in a repeatable-read transaction.
        url: of its database.
        limits: how long anything may take.
        more: how many to open.
    """
    with ExitStack() as stack:
        opened: list[Connection] = []
        if more > 0:
            (snapshot,) = conn.execute("SELECT pg_export_snapshot()").fetchall()[0]
            with suppress(TargetError):  # fewer sessions answer as well, only later
                while len(opened) < more:
                    opened.append(stack.enter_context(reading(url, limits, snapshot)))
        yield opened


def shared(
    conns: Sequence[Connection],
    questions: Sequence[Question],
    ask: Callable[[Connection, Question], Answer],
) -> list[Answer]:
    """Ask all questions, each in a session that is free, and return the answers in their order.

    Args:
        conns: the sessions; each is used by one thread.
        questions: the ones that take longest first.
        ask: called from several threads at once.

    Raises:
        BaseException: the first that was raised; queries of the other sessions are canceled.
    """
    waiting = deque(enumerate(questions))
    answers: dict[int, Answer] = {}
    ended, lock, busy = Event(), Lock(), len(conns)

    def work(conn: Connection) -> None:
        nonlocal busy
        while waiting:
            try:
                place, question = waiting.popleft()
            except IndexError:
                break
            answers[place] = ask(conn, question)
        with lock:
            busy -= 1
            if not busy:
                ended.set()
        while not ended.wait(IDLE / 3):
            conn.execute("SELECT")  # whose transaction waits for others is not given up as idle

    with ThreadPoolExecutor(len(conns)) as pool:
        try:
            for task in as_completed([pool.submit(work, conn) for conn in conns]):
                task.result()
        except BaseException:
            waiting.clear()
            ended.set()
            for conn in conns:
                with suppress(psycopg.Error):  # that is gone as well
                    conn.cancel()
            raise
    return [answers[place] for place in range(len(questions))]
