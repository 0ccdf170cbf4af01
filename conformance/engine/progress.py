"""Progress of what takes longer: a bar on a terminal, elsewhere a line of text now and then."""

from __future__ import annotations

import os
import sys
import time
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rich.progress import Task

FIRST, BETWEEN = 2.0, 10.0  # seconds of silence before a line, where there is no terminal
PREFIX = "progress: "  # of a line, by which others are told apart
LEAST = 0.5  # seconds that are worth a word
IN_MINUTES = 120  # seconds from which on these are said in minutes


class Say(Protocol):
    """Receiver of progress: what is being done and, where it is known, how much of how much."""

    def __call__(
        self, what: str, done: float = 0, total: float = 0, left: float | None = None, /
    ) -> None:
        """Receive it, and the seconds that are left where more than a pace is known; 0: unknown."""


def unheard(_what: str, _done: float = 0, _total: float = 0, _left: float | None = None, /) -> None:
    """Receive progress that nobody is shown."""


class Progress:
    """Shows the share that is done, and the time that is left at the pace so far.

    The time is never less than what there was nothing new for, and on a terminal goes by: once it
    is over, there is none, since nobody knows.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Show nothing yet.

        Args:
            clock: tells seconds, of any beginning.
        """
        from rich import progress as rich  # noqa: PLC0415 - only for what takes longer
        from rich.console import Console  # noqa: PLC0415 - as above

        # Not as rich has it: FORCE_COLOR asks for colours, and not for bars in a log.
        self._moves = sys.stderr.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}
        self._bars = rich.Progress(
            rich.TextColumn("{task.description}", markup=False),
            rich.BarColumn(),
            rich.TaskProgressColumn(),
            rich.TextColumn("{task.fields[left]}", markup=False),
            console=Console(stderr=True),
            transient=True,
            disable=not self._moves,
            get_time=clock,
            redirect_stdout=sys.stdout.isatty(),
        )
        self._one = Lock()  # several sessions ask at once
        self._clock, self._due = clock, clock() + FIRST
        # Pairs of a time and of what was done then: a pace is taken from each to now.
        self._since = [(clock(), 0.0)]
        self._paced = False
        self._news, self._longest = clock(), 0.0  # when the last unit was done; the longest

    def __enter__(self) -> Self:
        """Begin to show it."""
        self._bars.add_task("preparing", total=None, left="")
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing of it on a terminal."""
        self._bars.stop()

    def __call__(
        self, what: str, done: float = 0, total: float = 0, left: float | None = None, /
    ) -> None:
        """Show how much is done; another total is another pace, and 0 one that is not known."""
        with self._one:
            known = next(iter(self._bars.tasks), None)
            if known is None or (known.total or 0) != total:
                self.clear()
                self._bars.add_task(what, total=total or None, left="")
                self._since = [*([] if self._paced else self._since), (self._clock(), done)]
                self._paced, self._longest, self._news = True, 0.0, self._clock()
            (task,) = self._bars.tasks
            now = self._clock()
            if done > task.completed:
                waited = (now - self._news) / max(done - task.completed, 1)
                self._longest, self._news = max(self._longest, waited), now
            left = self._left(done, total) if left is None else left
            rest = _Rest(now + max(left, self._longest) if left else 0, self._clock)
            self._bars.update(task.id, description=what, completed=done, left=rest)
            if not self._moves and not task.finished and self._clock() >= self._due:
                self._due = self._clock() + BETWEEN
                sys.stderr.write(f"{PREFIX}{_line(task)}\n")
                sys.stderr.flush()

    def _left(self, done: float, total: float) -> float:
        """Return how many seconds are left at the slowest pace; 0 where none is known.

        The pace since the beginning knows of what was prepared, that since the first news of what
        had been done before.
        """
        now = self._clock()
        return max(
            (
                (now - then) * (total - done) / (done - before)
                for then, before in self._since
                if total > done > before and now > then
            ),
            default=0,
        )

    def clear(self) -> None:
        """Show nothing until there is more."""
        for task in self._bars.task_ids:
            self._bars.remove_task(task)


class Watch:
    """Reads now and then how far a run of pytest has come, and tells it."""

    def __init__(self, file: Path, say: Say) -> None:
        """Read this file, which the plugin `conformance.engine.gate.outcomes` writes."""
        self._file, self._say = file, say
        self._known = (0.0, 0.0, 0.0)

    def __call__(self) -> None:
        """Tell how many tests are done."""
        try:
            done, total, left = map(float, self._file.read_text().split())
        except (OSError, ValueError):  # no test is done yet, or it is being written
            return
        if (done, total, left) != self._known:
            self._known = done, total, left
            self._say("tests", done, total, left)


def _line(task: Task) -> str:
    if not task.total:
        return task.description
    left = str(task.fields["left"])
    share = f"{task.completed:g} of {task.total:g} ({task.percentage:.0f} %)"
    return f"{task.description}: {share}{f', {left}' if left else ''}"


class _Rest(NamedTuple):
    """Time that is left, in words whenever that is asked."""

    until: float
    clock: Callable[[], float]

    def __str__(self) -> str:
        """Return it, or '' where it is over or not known."""
        return _in_words(self.until - self.clock())


def _in_words(left: float) -> str:
    if left < LEAST:
        return ""
    said = f"{left:.0f} s" if left < IN_MINUTES else f"{left / 60:.0f} min"
    return f"about {said} left"
