"""Mutants on all workers: processes that share a server, each with databases of its own."""

from __future__ import annotations

import multiprocessing
import signal
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

from conformance.engine.domain.chosen import domain
from conformance.engine.mutants import sorting
from conformance.engine.mutants.errors import BaselineError, ChoiceError, StuckError
from conformance.engine.mutants.mutant_run import Bench, MutantRun
from conformance.engine.mutants.parts import Phase, near_misses
from conformance.engine.postgres import scratch
from conformance.engine.postgres.scratch import Template
from conformance.engine.postgres.server import Server
from conformance.engine.progress import unheard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from conformance.engine.mutants.mutant import Mutant
    from conformance.engine.mutants.sorting import Look
    from conformance.engine.postgres.scratch import Scratch
    from conformance.engine.progress import Say

# Names that phases had before, which `--phases` still takes.
FORMER = {"tours": "coverage runs", "raids": "hostile runs", "lives": "machine runs"}
CHUNK = 60
PATIENCE = 900.0  # seconds for one task: more than all phases take


@dataclass(frozen=True, slots=True)
class Place:
    """Parameters of a worker that joins a run: plain values, for they travel."""

    conninfo: str = field(repr=False)
    version: int
    origin: str
    superuser: bool
    owned: bool
    token: str
    template: str


@dataclass(slots=True)
class _Worker:
    bench: Bench
    scratch: Scratch
    template: Template
    exits: ExitStack


_worker: list[_Worker] = []  # of this process


class Workers:
    """Processes that sort and try mutants. Leaving the ``with`` block ends them."""

    def __init__(self, count: int, run: Scratch, template: Template) -> None:
        """Start them."""
        server = run.server
        place = Place(
            server.conninfo,
            server.version,
            server.origin,
            server.superuser,
            server.owned,
            run.token,
            template.name,
        )
        context = multiprocessing.get_context("spawn")
        self._pool = context.Pool(count, _join, (place,))

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all processes."""
        self._pool.terminate()
        self._pool.join()

    def look(self, mutants: Sequence[Mutant], say: Say = unheard) -> list[Look]:
        """Return what each mutant makes of the schema, in their order; `say` hears how many."""
        chunks = [mutants[at : at + CHUNK] for at in range(0, len(mutants), CHUNK)]
        found: list[Look] = []
        for looks in self._all(_look, chunks):
            found += looks
            say("mutants applied", len(found), len(mutants))
        return found

    def baseline(self, rules: Sequence[str], say: Say = unheard) -> None:
        """Try the first of what will be tried on the schema as it is; `say` hears how many rules.

        Raises:
            BaselineError: It fails.
        """
        for done, complaint in enumerate(self._all(_baseline, list(rules)), start=1):
            if complaint:
                raise BaselineError(complaint)
            say("rules tried on the schema itself", done, len(rules))

    def attempt(self, tasks: Sequence[tuple[Mutant, tuple[str, ...]]]) -> Iterator[MutantRun]:
        """Try mutants, each with the phases of these names, in no order.

        Raises:
            BaselineError: Something fails on the schema as it is too.
        """
        for mutant_run in self._all(_attempt, tasks, ordered=False):
            if isinstance(mutant_run, str):
                raise BaselineError(mutant_run)
            yield mutant_run

    def _all(self, task: Any, arguments: Sequence[Any], *, ordered: bool = True) -> Iterator[Any]:
        spread = self._pool.imap if ordered else self._pool.imap_unordered
        results = spread(task, arguments)
        for _ in arguments:
            try:
                yield results.next(PATIENCE)
            except multiprocessing.TimeoutError:
                message = (
                    f"no worker has answered for {PATIENCE / 60:g} minutes: a mutant, a worker or"
                    " the server is stuck; go on with --again, or with fewer --workers"
                )
                raise StuckError(message) from None


def _join(place: Place) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one ends it
    server = Server(place.conninfo, place.version, place.origin, place.superuser, place.owned)
    exits = ExitStack()
    name = multiprocessing.current_process().name.rpartition("-")[2]
    own = exits.enter_context(scratch.joined(server, place.token, f"w{name}"))
    template = Template(place.template)
    bench = exits.enter_context(Bench(own, template))
    _worker.append(_Worker(bench, own, template, exits))


def _look(mutants: Sequence[Mutant]) -> list[Look]:
    (worker,) = _worker
    with (
        worker.scratch.cloned(worker.template, "look") as database,
        database.connect() as connection,
    ):
        return sorting.look(connection, mutants)


def _baseline(rule: str) -> str:
    (worker,) = _worker
    try:
        for part in near_misses([rule], 0, 1):
            worker.bench.check(part)
    except BaselineError as error:
        return str(error)
    return ""


def _attempt(task: tuple[Mutant, tuple[str, ...]]) -> MutantRun | str:
    (worker,) = _worker
    mutant, names = task
    try:
        return worker.bench.attempt(mutant, named(names))
    except BaselineError as error:
        return str(error)


def phases() -> Sequence[Phase]:
    """Return the phases of the domain, in the order in which they are tried."""
    found: Sequence[Phase] = import_module(domain().phases).PHASES
    return found


def named(names: Sequence[str]) -> list[Phase]:
    """Return the phases of these names, in their own order.

    Raises:
        ChoiceError: There is no phase of a name.
    """
    known = {phase.name for phase in phases()}
    names = [FORMER.get(name, name) for name in names]
    for name in names:
        if name not in known:
            message = f"there is no phase {name!r}: there are {', '.join(sorted(known))}"
            raise ChoiceError(message)
    return [phase for phase in phases() if phase.name in names]
