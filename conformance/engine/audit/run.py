"""A whole audit: the data and what enforces the rules, in one snapshot of the target."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg

from conformance.engine.audit import accepted, enforcement, proven, sessions, snapshot
from conformance.engine.audit.description import describe
from conformance.engine.audit.findings import Fault, Section
from conformance.engine.audit.target import TargetError, examine, reading
from conformance.engine.deployment import migrations, stand_ins
from conformance.engine.deployment.history import pending
from conformance.engine.deployment.migrations import MigrationError
from conformance.engine.deployment.record import HOME
from conformance.engine.deployment.waivers import of_files
from conformance.engine.domain.chosen import domain
from conformance.engine.postgres import ProvisionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from conformance.engine.audit.description import Description
    from conformance.engine.audit.target import Connection, Limits, Target
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.progress import Say

ABSENT = "there is no schema of {}: name its database, or migrate it"
GONE = (
    "its record has {} as applied, and there is no table public.{}: "
    "restore the schema, or name another database"
)
NO_RECORD = "no migration is recorded there: all files were compared, as if psql had run them"


@dataclass(frozen=True)
class Wish:
    """A question, and where to ask it.

    Attributes:
        url: of the database, as libpq reads it.
        directory: the folder of the migrations that made it, or are to change it.
        options: which scratch server to use, by the names of `Request`'s attributes.
        environ: the same as environment variables, where no option says it.
        limits: how long anything may take on the database.
        sessions: how many ask at once.
        paranoid: whether rows are asked for what constraints prove, too.
        record: the schema that the record of migrations lies in.
        migrates_as: the role that is to migrate it; by default the owner of its tables.
    """

    url: str
    directory: Path
    options: Mapping[str, str | None]
    environ: Mapping[str, str]
    limits: Limits
    sessions: int = 2
    record: str = HOME
    migrates_as: str | None = None
    paranoid: bool = False


@dataclass(frozen=True)
class Known:
    """Knowledge of a target, and what else to ask it.

    Attributes:
        applied: its migrations, as far as they are known.
        further: asks more of the same snapshot, and returns findings and notes; or None.
    """

    applied: Sequence[Migration] = ()
    further: Callable[[Connection], tuple[list[Fault], list[str]]] | None = None


NOTHING = Known()


def audit(wish: Wish, say: Say) -> list[Section]:
    """Ask a database about its data, and about what enforces the rules.

    Args:
        wish: what to ask, and where.
        say: receives how far it has come.

    Raises:
        MigrationError: the folder cannot be read.
        ProvisionError: two scratch servers are named at once.
    """
    files = migrations.load(wish.directory)
    enforcement.request_of(0, wish.options, wish.environ)  # fails before the target is asked
    try:
        with reading(wish.url, wish.limits) as conn:
            target = examine(conn, wish.record, wish.migrates_as)
    except TargetError as error:
        return closed(str(error))
    say(str(target))
    if not target.installed:
        return closed(gone(target) or ABSENT.format(domain().name), settled=True)
    try:
        applied = applied_of(files, target)
        say(f"installing {len(applied)} files on a scratch server")
        with enforcement.scratch_of(target.major, wish.options, wish.environ) as scratch:
            here = (scratch.extensions(), (applied, ()), target.roles, target.extensions)
            made, _, notes = stand_ins.on(*here)
            sections = ask(
                wish, target, enforcement.expected_of(scratch, made), say, Known(applied)
            )
            sections[-1].notes += notes
            return sections
    except (MigrationError, ProvisionError, TargetError, psycopg.Error) as error:
        return ask(wish, target, " ".join(str(error).split()), say)


def ask(
    wish: Wish,
    target: Target,
    expected: Description | str,
    say: Say,
    known: Known = NOTHING,
) -> list[Section]:
    """Ask everything in one snapshot, if the target is still what it was when it was examined.

    Args:
        wish: what to ask, and where.
        target: what it was.
        expected: what its migrations make; or in words, why that is unknown.
        say: receives how far it has come.
        known: its migrations, as far as they are known, and what else to ask.
    """
    given_up = {waiver.what: str(waiver) for waiver in of_files(known.applied)[0]}
    data = Section(snapshot.NUMBER, snapshot.TITLE)
    enforced = Section(enforcement.NUMBER, enforcement.TITLE)
    try:
        with reading(wish.url, wish.limits) as conn:
            if examine(conn, wish.record, wish.migrates_as) != target:
                return closed("it has changed meanwhile: migrated, or another server: ask again")
            found = describe(conn)
            left = None
            if not wish.paranoid and not isinstance(expected, str):
                left = proven.questions(conn, expected, found)
            with sessions.beside(conn, wish.url, wish.limits, wish.sessions - 1) as others:
                data = snapshot.ask(conn, say, others, given_up, left)
            if known.further is not None:
                faults, notes = known.further(conn)
                data.faults += faults
                data.notes += notes
            say("comparing what enforces the rules")
            if not isinstance(expected, str):
                enforced = enforcement.inspect(conn, expected, found)
                entries, wrong = accepted.load(wish.directory)
                enforced.faults += wrong
                accepted.apply(enforced, entries, datetime.now(UTC).date())
    except TargetError as error:
        late = enforced if data.asked else data
        late.faults.append(_fault(str(error)))
    if isinstance(expected, str):
        remedy = "without it nobody knows whether the rules are enforced: mend that, and ask again"
        enforced.faults.append(Fault("comparison", f"not possible: {expected}", remedy))
    elif not target.applied:
        enforced.notes.append(NO_RECORD)
    return [data, enforced]


def applied_of(files: Sequence[Migration], target: Target) -> tuple[Migration, ...]:
    """Return the files that a target was made from; all of them where it keeps no record.

    Raises:
        MigrationError: an applied one was edited, or is missing.
    """
    if not target.applied:
        return tuple(files)
    todo = pending(files, target.applied)
    return tuple(file for file in files if file not in todo)


def gone(target: Target) -> str:
    """Say that a target's record has files of which there is nothing to be seen, or ''."""
    if target.installed or not target.applied:
        return ""
    count = len(target.applied)
    return GONE.format("1 file" if count == 1 else f"{count} files", domain().landmark)


def closed(why: str, *, settled: bool = False) -> list[Section]:
    """Return the sections of an audit that could not be made; settled, if it need not be."""
    data = Section(snapshot.NUMBER, snapshot.TITLE, asked=settled, faults=[_fault(why)])
    return [data, Section(enforcement.NUMBER, enforcement.TITLE)]


def _fault(why: str) -> Fault:
    return Fault("target", why, "nothing is known of it until it can be asked: do that, ask again")
