"""`python -m conformance mutants`: mutates the schema, and shows what the suite did not notice."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from conformance.engine.arguments import add_server, part, positive
from conformance.engine.console import say, sentence
from conformance.engine.deployment import migrations
from conformance.engine.domain.chosen import RULES
from conformance.engine.domain.names import is_like
from conformance.engine.domain.names import rule as named
from conformance.engine.mutants.errors import ChoiceError, SurvivorsError
from conformance.engine.postgres import Request, provision, scratch
from conformance.engine.postgres.request import SETTINGS
from conformance.engine.postgres.surroundings import withdrawn
from conformance.engine.progress import Progress
from conformance.engine.report.forms.extras import SURVIVED, UNDECIDED, UNTRIED

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from conformance.engine.mutants.mutant import Mutant
    from conformance.engine.mutants.report import Report
    from conformance.engine.postgres.scratch import Scratch, Template

SUMMARY = "mutate the schema, and show what the suite does not notice"
SEED = 20261123
BETWEEN = 10.0  # seconds between two times that the kill matrix is written


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("mutants", help=SUMMARY, description=sentence(SUMMARY))
    parser.add_argument(
        "tokens",
        metavar="TOKEN",
        nargs="*",
        help="only mutants that concern a rule (INV-T2), of a class, or whose ids hold this text",
    )
    parser.add_argument("--sample", metavar="N", type=positive, help="only so many, drawn")
    parser.add_argument(
        "--seed", metavar="N", type=int, default=SEED, help="what draws them (default: %(default)s)"
    )
    parser.add_argument(
        "--part", metavar="K/N", type=part, help="only the k-th of n parts, as several machines do"
    )
    parser.add_argument(
        "--workers", metavar="N", type=positive, help="processes (default: as many as cores)"
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the kill matrix there")
    parser.add_argument(
        "--again",
        metavar="FILE",
        type=Path,
        help="only what survived in this kill matrix, or was not decided or tried",
    )
    parser.add_argument(
        *("--phases", "--stages"),  # which they were called before
        metavar="NAMES",
        help="only these phases, with commas (default: all)",
    )
    parser.add_argument(
        "--list", action="store_true", help="list the mutants that are chosen, and try none"
    )
    add_server(parser)
    parser.set_defaults(run=run, undone="what was tried is in the kill matrix, if there is one")


class _Asked(NamedTuple):
    """Choice of a run: names of phases, and ids of mutants where a file has them."""

    phases: Sequence[str]
    among: set[str] | None
    progress: Progress


def run(options: argparse.Namespace) -> None:
    """Carry out the command.

    Raises:
        ProvisionError: There is no server.
        MigrationError: The migrations cannot be installed.
        ChoiceError: A token or a phase is not known.
        UnknownRuleError: A token is written as a rule's id is, and is none.
        RecordError: The record of equivalents is wrong.
        BaselineError: The schema itself fails.
        StuckError: Nothing is done any more.
        SurvivorsError: The suite did not notice a mutant.
    """
    for token in filter(is_like, options.tokens):
        named(token)
    progress = Progress()
    asked = _Asked(_phases(options), _left(options.again) if options.again else None, progress)
    migrations.load(options.migrations)
    given = {attribute: getattr(options, attribute) for attribute, _, _ in SETTINGS}
    request = Request.read(given, os.environ)
    with (
        progress,
        withdrawn(request) as completed,
        provision(completed) as server,
        scratch.opened(server) as databases,
    ):
        template = databases.template(options.migrations)
        every = _generate(databases, template, progress)
        progress.clear()
        say(f"{server.origin}; {len(every)} mutants")
        report = _carry_out(options, databases, template, every, asked)
    if report is None:
        return
    for line in report.lines():
        say(line)
    wrong = len(report.wrongly_excused) + len(report.seen)
    if report.left or wrong:
        recorded = f"{wrong} wrongly recorded" if wrong else ""
        raise SurvivorsError("; ".join(filter(None, (report.left, recorded))))


def _generate(databases: Scratch, template: Template, progress: Progress) -> list[Mutant]:
    from conformance.engine.mutants import kept  # noqa: PLC0415 - only who mutates waits for it

    with databases.cloned(template, "schema") as database, database.connect() as connection:
        return kept.mutants(connection, progress)


def _phases(options: argparse.Namespace) -> list[str]:
    """Return the names of the phases that were asked for; an unknown one ends the command."""
    from conformance.engine.mutants import pool  # noqa: PLC0415 - only who mutates waits for it

    known = [phase.name for phase in pool.phases()]
    asked: list[str] = options.phases.split(",") if options.phases else known
    pool.named(asked)
    return asked


def _carry_out(
    options: argparse.Namespace,
    databases: Scratch,
    template: Template,
    every: Sequence[Mutant],
    asked: _Asked,
) -> Report | None:
    from conformance.engine.mutants import equivalent, generate, last, pool, sorting, unseen  # noqa: PLC0415 - only who mutates waits for it
    from conformance.engine.mutants.pool import Workers  # noqa: PLC0415 - only who mutates waits for it
    from conformance.engine.mutants.report import Report  # noqa: PLC0415 - only who mutates waits for it

    excused = equivalent.reasons(equivalent.read(), [mutant.id for mutant in every])
    known = unseen.read()
    unseen.check(known, every)
    chosen = generate.chosen(every, options.tokens, options.sample, options.seed, asked.among)
    if options.part:
        which, parts = options.part
        chosen = chosen[which - 1 :: parts]
    if options.list:
        for mutant in chosen:
            say(f"{mutant.id}  {mutant.change}")
        return None
    parallel = min(options.workers or _cores(), len(chosen) or 1)
    with (
        Workers(parallel, databases, template) as workers,
    ):
        progress = asked.progress
        result = sorting.sort(chosen, workers.look(chosen, progress))
        say(f"{len(chosen)} chosen, {len(result.ineffective)} of them ineffective")
        concerned = {rule for mutant in result.effective for rule in mutant.rules}
        workers.baseline([rule for rule in RULES if rule in concerned], progress)
        count = f"{len(concerned)} rule{'' if len(concerned) == 1 else 's'}"
        say(f"the schema itself is green for {count}")
        report = Report(
            {mutant.id: mutant for mutant in chosen},
            result.ineffective,
            {mutant.id: excused[mutant.id] for mutant in chosen if mutant.id in excused},
            {mutant.id: known[mutant.id] for mutant in chosen if mutant.id in known},
            schema={each.name: each.sha256 for each in migrations.load(options.migrations)},
            phases=[]
            if set(asked.phases) == {each.name for each in pool.phases()}
            else asked.phases,
        )
        cheap = asked.phases[:1] if options.sample else asked.phases
        recorded = {*excused, *known}
        tasks = [
            (mutant, tuple(cheap if mutant.id in recorded else asked.phases))
            # Recorded ones take all phases, and are expected to survive them: they come last.
            for mutant in sorted(result.effective, key=lambda mutant: mutant.id in recorded)
        ]
        left = Counter(mutant.id in recorded for mutant, _ in tasks)
        took: dict[bool, list[float]] = {False: [], True: []}
        written, survived = time.monotonic(), 0
        try:
            for done, mutant_run in enumerate(workers.attempt(tasks), start=1):
                report.mutant_runs[mutant_run.id] = mutant_run
                survived += report.status(mutant_run.id) in (SURVIVED, UNDECIDED)
                word = UNDECIDED if report.phases else SURVIVED
                took[mutant_run.id in recorded].append(mutant_run.seconds)
                rest = _rest(left, took) / parallel
                progress(f"mutants, {survived} {word}", done, len(tasks), rest)
                if options.json and time.monotonic() - written > BETWEEN:
                    report.write(options.json)
                    written = time.monotonic()
        finally:
            if options.json:
                report.write(options.json)  # what is interrupted has not been for nothing
            last.add(Path.cwd(), options.migrations, report)
    return report


def _rest(tasks: Mapping[bool, int], took: Mapping[bool, Sequence[float]]) -> float:
    """Return the seconds of work that is left, as long as that of its kind took; 0 if unknown.

    Args:
        tasks: of each kind: how many there are; a mutant on record takes all phases.
        took: of each kind: the seconds of each that is done.
    """
    left = {kind: count - len(took[kind]) for kind, count in tasks.items()}
    if any(count and not took[kind] for kind, count in left.items()):
        return 0
    return sum(count * fmean(took[kind]) for kind, count in left.items() if count)


def _left(path: Path) -> set[str]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        left = (SURVIVED, UNDECIDED, UNTRIED)
        return {each["id"] for each in document["mutants"] if each["status"] in left}
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path} holds no kill matrix: {error}"
        raise ChoiceError(message) from None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
