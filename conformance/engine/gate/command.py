"""``python -m conformance gate``: its arguments, and what it prints."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.engine.arguments import seconds
from conformance.engine.audit import command
from conformance.engine.console import say, sentence
from conformance.engine.progress import Progress

if TYPE_CHECKING:
    import argparse

    from conformance.engine.audit.findings import Section

SUMMARY = "tell whether the pending migrations may be run on a database"
ABOUT = sentence(f"{SUMMARY}; reads it only, and tries them on scratch servers")
PROFILES = ("quick", "default", "thorough")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to those of ``python -m conformance``."""
    parser = commands.add_parser("gate", help=SUMMARY, description=ABOUT)
    command.add_target(parser)
    parser.add_argument(
        "--profile",
        choices=PROFILES,
        default="default",
        help="how hard the suite tries on each schema (default: %(default)s)",
    )
    parser.add_argument(
        "--suite-timeout",
        metavar="SECONDS",
        type=seconds,
        default=3600.0,
        help="how long each run of the suite may take (default: %(default)g)",
    )
    parser.add_argument(
        "--migrates-as",
        metavar="ROLE",
        help="with whose rights the files are tried, too (default: the owner of the tables)",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        help="what the rehearsal's random runs draw (default: another one each time, shown)",
    )
    parser.add_argument(
        "--keep-going",
        action="store_true",
        help="ask what takes minutes even where something is wrong already",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all of it as JSON")
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="write it for a pull request")
    parser.add_argument("--sarif", metavar="FILE", type=Path, help="write it for code scanning")
    parser.add_argument(
        "--format",
        choices=("text", "github"),
        default="text",
        help="github adds annotations of its Actions (default: %(default)s)",
    )
    parser.set_defaults(run=_run, undone="the database was only read")


def _run(options: argparse.Namespace) -> None:
    from conformance.engine.audit import report  # noqa: PLC0415 - as above
    from conformance.engine.gate import forms  # noqa: PLC0415 - as above
    from conformance.engine.gate.run import Gate  # noqa: PLC0415 - as above
    from conformance.engine.gate.sections import Effort  # noqa: PLC0415 - as above
    from conformance.engine.pytest_plugin import profiles  # noqa: PLC0415 - Hypothesis and more, where it is needed

    for written in filter(None, (options.json, options.markdown, options.sarif)):
        written.unlink(missing_ok=True)  # what an earlier run wrote says nothing of this one

    def show(section: Section) -> None:
        progress.clear()
        command.show(section)

    good, bad = "open: the pending migrations may be run", "closed"
    seed = profiles.new_seed() if options.seed is None else options.seed
    effort = Effort(options.profile, options.suite_timeout, seed, options.keep_going)
    with Progress() as progress:
        gate = Gate(command.wish_of(options), effort, show, progress)
        gate.run()
    if options.json:
        facts = {"profile": options.profile, **gate.facts()}
        options.json.write_text(report.as_json(gate.in_order(), **facts))
    last = report.verdict("gate", gate.sections, good, bad)
    if options.markdown:
        options.markdown.write_text(report.as_markdown(gate.in_order(), last))
    if options.sarif:
        code = command.code_of(gate.sections)
        options.sarif.write_text(forms.as_sarif(gate.in_order(), last, options.migrations, code))
    if options.format == "github":
        sys.stdout.write(forms.as_annotations(gate.in_order(), last, options.migrations))
    say(last)
    command.settle(gate.sections)
