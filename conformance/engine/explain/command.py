"""`python -m conformance rules` and `python -m conformance explain RULE`."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from conformance.engine.arguments import add_server
from conformance.engine.cases.verdicts import NOT_RUN, Verdict
from conformance.engine.console import fitted, say, sentence
from conformance.engine.deployment import migrations
from conformance.engine.domain import chosen
from conformance.engine.domain.chosen import RULES, domain
from conformance.engine.domain.names import UnknownRuleError, hint, is_like, is_table, question
from conformance.engine.domain.names import rule as named
from conformance.engine.findings import last, store
from conformance.engine.postgres import Request, provision, scratch
from conformance.engine.postgres.request import SETTINGS
from conformance.engine.postgres.surroundings import withdrawn
from conformance.engine.progress import Progress
from conformance.engine.report.document import ReportError, load
from conformance.engine.report.enforcing import enforcing

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    import psycopg

    from conformance.engine.explain.page import Seen
    from conformance.engine.kinds.rule import Rule
    from conformance.engine.postgres.scratch import Database
    from conformance.engine.progress import Say
    from conformance.engine.report.forms.extras import Kills

LIST = "list the rules"
SHOW = "show one rule: what it says, what enforces it, how it is tried, and what has failed"
PACKAGE = Path(__file__).resolve().parents[2]
CORPUS = PACKAGE / "corpus"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register both commands."""
    listing = commands.add_parser("rules", help=LIST, description=sentence(LIST))
    listing.add_argument("text", metavar="TEXT", nargs="*", help="only those that hold these words")
    listing.add_argument("--table", metavar="NAME", help="only those that speak of a table")
    listing.add_argument("--area", metavar="NAME", help="only those of an area, such as jobs")
    listing.add_argument(
        "--report",
        metavar="FILE",
        type=Path,
        help="show the verdicts of this report (default: of the last run in this folder)",
    )
    listing.add_argument(
        "--verdict", metavar="WORD", help="only those with this verdict there, such as broken"
    )
    listing.set_defaults(run=run_list, undone="")
    showing = commands.add_parser("explain", help=SHOW, description=sentence(SHOW))
    showing.add_argument(
        "--all",
        action="store_true",
        help="its cases along every write path, a timeline of each of its known races, and the "
        "mutants of the schema that concern it",
    )
    showing.add_argument(
        "--mutants",
        metavar="FILE",
        type=Path,
        help="show what became of its mutants in this kill matrix (default: in runs of mutants in "
        "this folder)",
    )
    showing.add_argument(
        "rule", metavar="RULE", help="its id or token, such as INV-T2, or the name of its object"
    )
    add_server(showing)
    showing.set_defaults(run=run_show, undone="")


def run_list(options: argparse.Namespace) -> None:
    """List the rules.

    Raises:
        ReportError: The report cannot be read, there is none for a verdict, or no rule is left.
    """
    from conformance.engine.explain import page  # noqa: PLC0415 - only who is shown something waits for it

    options.verdict = _verdict(options.verdict)
    verdicts, why = _verdicts(options.report)
    if options.verdict and why:
        message = f"--verdict: {why}: prove the rules again, or name a report by --report FILE"
        raise ReportError(message)
    some = [rule for rule in RULES.values() if _is_chosen(rule, options, verdicts)]
    if not some:
        raise ReportError(_none(options))
    say(*page.table(some, verdicts))
    if why and why != last.NONE:
        sys.stderr.write(f"rules: without verdicts: {why}\n")


def _verdict(word: str | None) -> str | None:
    """Return a verdict by what somebody types.

    Raises:
        ReportError: There is no such verdict.
    """
    known = (*map(str, Verdict), NOT_RUN)
    found = None if word is None else word.lower().replace("-", " ").replace("_", " ")
    if found is None or found in known:
        return found
    every = f"verdicts are {', '.join(known)}"
    message = f"there is no verdict {word!r}: {question(found, known)}{every}"
    raise ReportError(message)


def _is_chosen(rule: Rule, options: argparse.Namespace, verdicts: Mapping[str, str]) -> bool:
    text = " ".join((rule.id, rule.statement, *rule.tables, *rule.enforced_by)).lower()
    return (
        (options.table is None or options.table.lower() in rule.tables)
        and (options.area is None or rule.id in domain().areas.get(options.area.lower(), ()))
        and options.verdict in (None, verdicts.get(rule.id))
        and all(word.lower() in text for word in options.text)
    )


def _none(options: argparse.Namespace) -> str:
    """Return why there is no rule to list, and what there is."""
    tables = {table for rule in RULES.values() for table in rule.tables}
    if options.table is not None and options.table.lower() not in tables:
        near = question(options.table.lower(), tables)
        every = f"rules speak of the tables {', '.join(sorted(tables))}"
        return f"no rule speaks of {options.table!r}: {near}{every}"
    if options.area is not None and options.area.lower() not in domain().areas:
        near = question(options.area.lower(), domain().areas)
        areas = ", ".join(domain().areas)
        every = f"the areas are {areas}" if areas else "there are no areas"
        return f"there is no area {options.area!r}: {near}{every}"
    of = "".join(
        (
            f" that speaks of {options.table}" if options.table else "",
            f" in {options.area}" if options.area else "",
            f" with {' '.join(options.text)}" if options.text else "",
        )
    )
    if options.verdict:
        return f"no rule{of} is {options.verdict} in {options.report or 'the last run'}"
    near = hint(options.text[0]).rstrip() if len(options.text) == 1 else ""
    return f"no rule{of}: {near}" if near else f"no rule{of}"


def run_show(options: argparse.Namespace) -> None:
    """Show one rule.

    Raises:
        UnknownRuleError: There is no such rule.
        ProvisionError: There is no server.
        MigrationError: The migrations cannot be installed.
        ReportError: The kill matrix is none.
    """
    from conformance.engine.explain import objects, page  # noqa: PLC0415 - as above

    try:
        rule = named(options.rule)
    except UnknownRuleError:
        if is_like(options.rule) or is_table(options.rule) or not _show_objects(options):
            raise
        return
    migrations.load(options.migrations)
    kills = _kills(rule, options)
    # A server starts in other processes: what draws cases is imported beside it.
    Thread(target=_begin, daemon=True).start()
    with Progress() as progress, _installed(options, progress) as database:
        with database.connect() as connection:
            there = objects.read(connection)
            mutants = _mutants(rule, connection, progress) if options.all else {}
        seen = _seen(rule, database.conninfo, progress, every=options.all)
    enforced = enforcing(rule.enforced_by, there)
    seen = seen._replace(
        kills=kills,
        mutants=mutants,
        findings=_findings(rule),
        further=_further(rule, options.migrations),
    )
    say(*page.lines(rule, enforced, page.Tried.of(rule, CORPUS), seen), plain=True)


@contextmanager
def _installed(options: argparse.Namespace, say: Say) -> Iterator[Database]:
    """Make a database with the schema."""
    given = {attribute: getattr(options, attribute) for attribute, _, _ in SETTINGS}
    with (
        withdrawn(Request.read(given, os.environ)) as completed,
        provision(completed) as server,
        scratch.opened(server) as databases,
    ):
        say("installing the schema")
        template = databases.template(options.migrations)
        with databases.cloned(template, "explain") as database:
            yield database


def _show_objects(options: argparse.Namespace) -> bool:
    """Show which rules the objects of a name serve; return whether there are any."""
    from conformance.engine.explain import objects  # noqa: PLC0415 - as above

    migrations.load(options.migrations)
    with (
        Progress() as progress,
        _installed(options, progress) as database,
        database.connect() as connection,
    ):
        found = [*objects.serving(options.rule, connection)]
    say(*fitted(found), plain=True)
    return bool(found)


def _begin() -> None:
    domain().ways()
    domain().races()


def _seen(rule: Rule, conninfo: str, say: Say, *, every: bool) -> Seen:
    """Return how a live schema answers the rule's cases and races: one of each, or all."""
    from conformance.engine.database.sandbox import Sandbox  # noqa: PLC0415 - as above
    from conformance.engine.explain import cases, page  # noqa: PLC0415 - as above

    say("carrying out its cases")
    races = [(name, race) for name, race in domain().races().items() if rule.id in race.rules]
    with Sandbox(conninfo) as sandbox:
        tried = cases.cases(rule, sandbox)
        found = [*tried] if every else cases.simplest(rule, tried)
        shown = races if every else races[:1]
        timelines = {}
        for done, (name, race) in enumerate(shown):
            say("races", done, len(shown))
            timelines[name] = race.timeline(sandbox, conninfo)
    return page.Seen(found, timelines)


def _mutants(
    rule: Rule, connection: psycopg.Connection[Any], progress: Progress
) -> dict[str, list[str]]:
    from conformance.engine.mutants import kept  # noqa: PLC0415 - as above

    every = kept.mutants(connection, progress)
    found: dict[str, list[str]] = {}
    for each in every:
        if each.concerns(rule.token):
            found.setdefault(each.operator, []).append(each.id)
    return found


def _kills(rule: Rule, options: argparse.Namespace) -> Kills | None:
    """Return what became of the rule's mutants, as far as that is known."""
    from conformance.engine.mutants import last as tried  # noqa: PLC0415 - as above
    from conformance.engine.report.forms import extras  # noqa: PLC0415 - as above

    known = (
        extras.read_mutants(options.mutants).mutants
        if options.mutants
        else tried.read(Path.cwd(), options.migrations)
    )
    return extras.by_rule(known).get(rule.id)


def _findings(rule: Rule) -> dict[str, str]:
    kept = store.inside(store.near(Path.cwd()))
    of_rule = (each.seen for each in kept if each.seen.rule == rule.id)
    return {seen.id: f"{seen.verdict}, {seen.observed}" for seen in of_rule}


def _further(rule: Rule, folder: Path) -> list[str]:
    """Return commands that try the rule on the same schema, for a shell in this folder."""
    in_checkout = Path(PACKAGE.name).resolve() == PACKAGE
    program = "python -m conformance" if in_checkout else "framecast-conformance"
    suite = "pytest conformance" if in_checkout else f"{program} test"
    where = [] if folder == Path("migrations") else ["--migrations", str(folder)]
    where += [chosen.OPTION, os.environ[chosen.VARIABLE]] if chosen.is_chosen() else []
    return [
        " ".join([suite, shlex.join(["--rule", rule.id, *where])]),
        " ".join([program, shlex.join(["mutants", rule.token, *where])]),
    ]


def _verdicts(path: Path | None) -> last.Last:
    """Return the verdicts of a report; without one, those of the last run in this folder."""
    if path is None:
        return last.read(Path.cwd())
    return last.Last({each["id"]: each["verdict"] for each in load(path)["rules"]})
