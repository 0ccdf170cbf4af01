"""The rehearsal: what is pending, applied to data in every state, on the schema as it is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psycopg

from conformance.engine.audit import snapshot
from conformance.engine.audit.enforcement import folder_of
from conformance.engine.audit.findings import Fault, Section
from conformance.engine.deployment import migrations
from conformance.engine.deployment.migrations import Migration, MigrationError
from conformance.engine.deployment.tokens import tokens
from conformance.engine.domain.chosen import RULES, domain
from conformance.engine.gate import contents, invented, rewriting, sequences, unknown_data
from conformance.engine.gate.exercised import Exercise

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.waivers import Waiver
    from conformance.engine.gate.files import Files
    from conformance.engine.gate.state import State
    from conformance.engine.gate.unknown_data import Literals
    from conformance.engine.postgres.scratch import Database, Scratch, Template
    from conformance.engine.progress import Say

    # About what, what a waiver may name, what is wrong, and what to do.
    Told = tuple[str, tuple[str, ...], str, str]

NUMBER, TITLE = 5, "rehearsal"
ELSEWHERE = ("SUITE ", "RIGHT ", "LOCK ")  # waivers that other sections look at
UNREADABLE = "let a column that is computed take every value that is legal today"
KEEP = "keep it, or say why it may go: -- waives DATA {}: reason"
BEHIND = "let it go on behind them, or say why: -- waives DATA {}: reason"
LET = "let it be written, or say why not: -- waives DATA {}: reason"
TAKEN = "gives out numbers that rows have already"
ENDED = "; ended at the first in which something is wrong: --keep-going tries all"
SHOWN = 5  # states in which one thing goes wrong


class Notebook:
    """Faults, each once, with the states in which they occur."""

    def __init__(self, waivers: Iterable[Waiver] = ()) -> None:
        """Begin with nothing; waivers say what of it is as it should be."""
        self._seen: dict[tuple[str, str, str], list[str]] = {}
        self._excused: dict[Waiver, list[str]] = {
            waiver: []
            for waiver in waivers
            if not waiver.what.startswith(("SUITE ", "RIGHT ", "LOCK "))
        }

    def note(self, state: str, about: str, what: str, remedy: str) -> None:
        """Note that something goes wrong in a state."""
        places = self._seen.setdefault((about, what, remedy), [])
        if state not in places:
            places.append(state)

    def excuses(self, file: Migration, named: Collection[str], what: str) -> bool:
        """Return whether the file that does something waives it; it is noted as well."""
        for waiver, seen in self._excused.items():
            if waiver.file == file.name and waiver.what in named:
                if what not in seen:
                    seen.append(what)
                return True
        return False

    def notes(self) -> list[str]:
        """Return each waiver of data, and of rules that rows break, with what it excuses."""
        return [
            f"{waiver} (excuses {'; '.join(seen) or 'nothing in these states'})"
            for waiver, seen in self._excused.items()
            if seen or waiver.what.startswith("DATA ")
        ]

    def faults(self) -> list[Fault]:
        """Return each thing with the first states in which it goes wrong."""
        return [
            Fault(*fault, tuple(places[:SHOWN]), len(places))
            for fault, places in self._seen.items()
        ]


def rehearse(
    scratch: Scratch, files: Files, seed: int | str, say: Say, *, early: bool = False
) -> Section:
    """Apply what is pending to every state that the schema as it is can be in.

    Args:
        scratch: on a server where the role is a superuser: rows are put in with triggers off.
        files: those of the schema as it is, and those to try.
        seed: of the machines' random runs.
        say: receives how far it has come.
        early: whether to end with the first state in which something is wrong.

    Raises:
        MigrationError: the schema as it is cannot be installed.
    """
    section = Section(NUMBER, TITLE, "nothing is pending", asked=not files.pending)
    if not files.pending:
        return section
    if not files.applied:
        section.asked, section.summary = True, "there is no schema yet, and no data"
        return section
    if not scratch.server.superuser:
        section.faults.append(
            Fault(
                "the scratch server",
                "its role may not switch off triggers, which putting rows in place needs",
                "give the address of a superuser, or let the gate start a server",
            )
        )
        return section
    with folder_of(files.applied) as folder:
        template = scratch.template(folder)
    said = unknown_data.literals(files.pending)
    with scratch.cloned(template, "runs") as alive:
        section = tried(scratch, template, files, _reached(alive, seed, say, said), early=early)
    section.notes.append(f"the random runs among them are drawn with --seed {seed}")
    return section


def _reached(database: Database, seed: int | str, say: Say, said: Literals) -> Iterator[State]:
    """Return the states of the domain's data: those that it names, or those that follow."""
    facts = domain().facts
    if facts is None:
        return domain().states()(database, seed, say, said)
    from conformance.engine.gate import derived_states  # noqa: PLC0415 - slow, for some alone

    return derived_states.reached(facts, database, seed, say, said)


def tried(
    scratch: Scratch,
    template: Template,
    files: Files,
    reached: Iterable[State],
    *,
    early: bool = False,
) -> Section:
    """Apply what is pending to each of some states, on copies of a template that suits them."""
    notebook, count, ended = Notebook(files.waived), 0, False
    unfilled: set[str] = set()
    exercise = Exercise(files.pending)
    given_up = {waiver.what for waiver in files.given_up}
    for state in reached:
        count += 1
        unfilled.update(state.unfilled)
        _unreached(state, given_up, notebook)
        with scratch.lent(template, files.text, "rehearsal") as database:
            _try(database, state, files.pending, notebook, exercise)
        if ended := early and bool(notebook.faults()):
            break
    for table in sorted(unfilled):
        _untried(table, files.pending, notebook)
    for change, what in exercise.unmet() if count and not ended else ():
        [file] = (each for each in files.pending if each.name == change.file)
        there = f"public.{change.relation}" not in unfilled
        if there and not notebook.excuses(file, (f"DATA {change.relation}",), what):
            place, told = f"{file.name}:{change.line}", KEEP.format(change.relation)
            notebook.note("every state", place, what, told)
    return Section(
        NUMBER,
        TITLE,
        f"{', '.join(file.name for file in files.pending)} on data in {count} states"
        + ENDED * ended,
        asked=True,
        faults=notebook.faults(),
        notes=[
            *notebook.notes(),
            *(
                f"no row was found for {table}: what becomes of its rows was not tried"
                for table in sorted(unfilled)
            ),
        ],
    )


def _untried(table: str, pending: Sequence[Migration], notebook: Notebook) -> None:
    """Note a table without rows that a file names: what becomes of them is not known."""
    place = table.removeprefix("public.")
    for file in pending:
        if place.rpartition(".")[2] in {token.word for token in tokens(file.sql)}:
            what = "no row was found for it, and a pending file names it"
            if not notebook.excuses(file, (f"DATA {place}",), f"{place}: {what}"):
                remedy = (
                    f"see by hand what becomes of its rows, and say so: -- waives DATA {place}: …"
                )
                notebook.note(file.name, place, what, remedy)


def _unreached(state: State, given_up: set[str], notebook: Notebook) -> None:
    rule = state.trouble.partition(" is ")[0]
    if state.trouble and rule not in given_up:
        said = "; ".join(line.strip() for line in state.trouble.splitlines())
        remedy = "the schema as it is breaks its rules: run framecast-conformance test on it first"
        notebook.note(state.name, "the schema as it is", said, remedy)


def _try(
    database: Database,
    state: State,
    pending: Sequence[Migration],
    notebook: Notebook,
    exercise: Exercise,
) -> None:
    """Apply file by file: what one of them waives excuses no other."""
    with database.connect() as conn:
        fill(conn, state)
        first = before = contents.read(conn)
        broken = _broken(conn)
        taken = sequences.taken(conn)
        could = rewriting.refused(conn, first)
        for file in pending:
            exercise.begin(conn, file)
            try:
                before = _applied(conn, file, before)
            except MigrationError as error:
                said = str(error).partition("\n")[0].removeprefix(f"{file.path.parent}{os.sep}")
                notebook.note(
                    state.name,
                    file.name,
                    f"cannot be applied to data that is legal today: {said}",
                    "mend such data in the migration first, or let it ask for less",
                )
                return
            try:
                after, breaks = contents.read(conn), _broken(conn)
            except psycopg.DataError as error:
                said = f"rows cannot be read any more: {error.diag.message_primary}"
                notebook.note(state.name, file.name, said, UNREADABLE)
                return
            told = [
                *_losses(before, after, first),
                *(
                    (file.name, (f"DATA {table}",), what, KEEP.replace("{}", table))
                    for table, what in exercise.ran(conn)
                ),
                *_unwritten(before, cannot := rewriting.refused(conn, after), could),
                *(
                    (name, (f"DATA {name}",), TAKEN, BEHIND)
                    for name in sequences.taken(conn) - taken
                ),
            ]
            for place, named, what, remedy in sorted(told):
                if not notebook.excuses(file, named, f"{place}: {what}"):
                    notebook.note(state.name, place, what, remedy.format(place))
            for rule in breaks.keys() - broken.keys():
                if not notebook.excuses(file, (rule,), breaks[rule]):
                    remedy = "mend what the migration does to such data, or the rule's own query"
                    notebook.note(state.name, rule, breaks[rule], remedy)
            before, broken, taken, could = after, breaks, sequences.taken(conn), cannot


def _losses(
    before: dict[str, contents.Table],
    after: dict[str, contents.Table],
    first: dict[str, contents.Table],
) -> Iterator[Told]:
    """Yield what is gone, or another one."""
    for loss in contents.lost(before, after, first):
        named = (f"DATA {loss.place}", f"DATA {loss.place.rpartition('.')[0]}")
        yield loss.place, named, loss.what, KEEP


def _unwritten(
    before: dict[str, contents.Table],
    cannot: Mapping[tuple[str, str], str],
    could: Mapping[tuple[str, str], str],
) -> Iterator[Told]:
    """Yield the tables of which rows could be written again, and no longer can."""
    for table, verb in cannot.keys() - could.keys():
        if table in before:
            place = table.removeprefix("public.")
            what = f"{verb} fails from now on: {cannot[table, verb]}"
            yield place, (f"DATA {place}",), what, LET


def _applied(
    conn: Connection, file: Migration, before: dict[str, contents.Table]
) -> dict[str, contents.Table]:
    """Apply a file, and return what was there before it, without invented rows that it refuses.

    Raises:
        MigrationError: It cannot be applied to the others.
    """
    try:
        migrations.install(conn, [file])
    except MigrationError as error:
        if not invented.left_out(conn, file, error):
            raise
        before = contents.read(conn)
        migrations.install(conn, [file])
    return before


def fill(conn: Connection, state: State) -> None:
    """Make the rows of a database those of a state, and no others."""
    with conn.transaction():
        conn.execute("SET LOCAL session_replication_role = replica")
        for table in state.rows:
            conn.execute(f"DELETE FROM {table}".encode())
        for table, (columns, rows) in state.rows.items():
            with conn.cursor().copy(f"COPY {table} ({columns}) FROM STDIN".encode()) as copy:
                copy.write(rows)
        sequences.advance(conn)


def _broken(conn: Connection) -> dict[str, str]:
    """Return which rules are broken by rows, or cannot be asked any more, in words."""
    with conn.transaction():
        found, faults = snapshot.violations(conn, lambda *_: None)
    return {
        **{rule: f"rows break it afterwards: {RULES[rule].statement}" for rule in found},
        **{fault.about: fault.what for fault in faults},
    }
