"""`python -m conformance report FILE`, and `python -m conformance compare OLD NEW`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.engine.arguments import UNASKED
from conformance.engine.console import say, sentence
from conformance.engine.report.comparison import TRIED_BY_BOTH, compared
from conformance.engine.report.document import ReportError, load
from conformance.engine.report.forms import FORMATS, PAGE, format_of, render, write
from conformance.engine.report.forms.extras import Extras, read_mutants

if TYPE_CHECKING:
    import argparse

SHOW = "show a report in another form: for people, a pipeline, or code scanning"
COMPARE = "compare two reports: which rules got weaker, and what else differs"
WEAKER = 1


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register both commands."""
    showing = commands.add_parser("report", help=SHOW, description=sentence(SHOW))
    showing.add_argument(
        "report",
        metavar="FILE",
        type=Path,
        help="a report that framecast-conformance test --conformance-report has written as JSON",
    )
    showing.add_argument(
        "--to",
        metavar="FILE",
        type=Path,
        help="write it there, in the form that the ending asks for: .json, .xml (JUnit), .html, "
        ".md, .sarif",
    )
    showing.add_argument(
        "--format",
        choices=FORMATS,
        help="the form, whatever the ending (default: that of the ending, or markdown)",
    )
    showing.add_argument(
        "--history",
        metavar="FILE",
        nargs="+",
        type=Path,
        default=[],
        help="earlier reports, the oldest first: the page shows what has changed since",
    )
    showing.add_argument(
        "--mutants",
        metavar="FILE",
        type=Path,
        help="a kill matrix (mutants --json FILE), which the page shows by rules and by changes",
    )
    showing.set_defaults(run=run_report, undone="")
    comparing = commands.add_parser(
        "compare",
        help=COMPARE,
        description=f"{sentence(COMPARE)} The exit code is 1 if one got weaker, was held and not "
        "tried again, or the new run ended worse, 0 if not, and 2 if a report cannot be read "
        "or they have no rule in common.",
    )
    comparing.add_argument("old", metavar="OLD", type=Path, help="the report before")
    comparing.add_argument("new", metavar="NEW", type=Path, help="the report after")
    comparing.add_argument(
        TRIED_BY_BOTH,
        action="store_true",
        help="judge only the rules that both runs tried, where one was of a part of the suite",
    )
    comparing.set_defaults(run=run_compare, undone="", unasked=UNASKED)


def run_report(options: argparse.Namespace) -> None:
    """Show a report in another form.

    Raises:
        ReportError: It cannot be read or written, or its form shows no more than one report.
    """
    if str(options.to) in FORMATS and not options.format:
        message = f"--to names a file: --format {options.to} is the form"
        raise ReportError(message)
    document = load(options.report)
    form = options.format or (format_of(options.to) if options.to else "markdown")
    if form != PAGE and (options.history or options.mutants):
        message = "--history and --mutants are for the page: --to FILE.html, or --format html"
        raise ReportError(message)
    given = read_mutants(options.mutants) if options.mutants else Extras()
    extras = replace(given, history=tuple(load(each) for each in options.history))
    if options.to is not None:
        write(document, options.to, form, extras)
        return
    sys.stdout.write(render(document, form, extras))


def run_compare(options: argparse.Namespace) -> int:
    """Compare two reports; return 1 where a rule got weaker, or the new run ended worse.

    Raises:
        ReportError: One of them cannot be read, or they have no rule in common.
    """
    comparison = compared(load(options.old), load(options.new), tried_by_both=options.tried_by_both)
    say(*comparison.lines())
    return WEAKER if comparison.is_weaker else 0
