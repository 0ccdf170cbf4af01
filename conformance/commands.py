"""All commands: what reads their arguments, runs one, and says how it ended."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from errno import ENOSPC, EPIPE
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NoReturn

import psycopg

from conformance.engine.arguments import UNASKED, add_server, seconds
from conformance.engine.audit import command as audit
from conformance.engine.audit.command import COULD_NOT_ASK, Incomplete
from conformance.engine.campaign import command as campaign
from conformance.engine.campaign.shards import CampaignError
from conformance.engine.console import say, sentence
from conformance.engine.deployment.migrations import MigrationError
from conformance.engine.domain import chosen
from conformance.engine.domain.names import UnknownRuleError
from conformance.engine.ending import EndedError, interrupt_in, interrupting
from conformance.engine.explain import command as explain
from conformance.engine.explain import completion
from conformance.engine.findings import command as findings
from conformance.engine.findings.errors import FindingError
from conformance.engine.gate import command as gate
from conformance.engine.init import command as init
from conformance.engine.migrate import command as migrate
from conformance.engine.migrate.session import UnreachableError
from conformance.engine.mutants import command as mutants
from conformance.engine.mutants.errors import MutantsError
from conformance.engine.postgres.request import ProvisionError
from conformance.engine.report import command as reports
from conformance.engine.report.document import ReportError
from conformance.engine.report.versions import versions
from conformance.engine.seeds import command as seeds
from framecast_conformance.installed import ALONE

FAILED, USAGE = 1, 2
DESCRIPTION = (
    "Rules of a PostgreSQL schema: what they are, whether they hold, and what may be deployed."
)
# Commands that need more of a domain than its rules.
NEEDS_MORE = frozenset({"gate", "mutants", "soak"})
PLUGIN = "conformance.plugin"
# As -m pytest, by the name that is given first; an interrupt while it is imported is no traceback.
PYTEST = """
import runpy
import signal
import sys

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
del sys.argv[0]
runpy.run_module("pytest", run_name="__main__")
"""
MOST_CLIENTS = 90  # a server of ours has 100 connections
REFUSED = (
    MigrationError,
    ProvisionError,
    ReportError,
    MutantsError,
    seeds.SeedsError,
    UnknownRuleError,
    FindingError,
    CampaignError,
    init.InitError,
)
INTERRUPTED = 130  # as a shell says of a command that SIGINT ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 only if it did all that was asked.

    Where 1 is an answer, as of `compare`, what could not be asked is 2.
    """
    rest = _choose(arguments)
    parser = command_parser()
    _expect_command(rest, parser)
    options, further = parser.parse_known_args(rest)
    if further and not options.further:
        parser.error(f"unrecognized arguments: {' '.join(further)}")
    options.arguments = further
    if options.command in NEEDS_MORE and options.command not in chosen.domain().commands:
        parser.error(f"{options.command} does not know how to try {chosen.domain().name} yet")
    try:
        with interrupting():
            return int(options.run(options) or 0)
    except Incomplete as incomplete:
        return incomplete.code
    except (*REFUSED, psycopg.Error) as error:
        if (interrupt := interrupt_in(error)) is not None:
            return _interrupted(options, interrupt)
        sys.stderr.write(f"{options.command}: {str(error).strip()}\n")
        return COULD_NOT_ASK if isinstance(error, UnreachableError) else int(options.unasked)
    except KeyboardInterrupt as error:
        return _interrupted(options, error)
    except OSError as error:
        return _unheard(options, error)


def _unheard(options: argparse.Namespace, error: OSError) -> int:
    """Return how a command ends whose output could not be written; raises what is another error."""
    if error.errno not in (EPIPE, ENOSPC):
        raise error
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno == EPIPE:  # whoever read the output has seen enough, as `| head` does
        return FAILED
    sys.stderr.write(f"{options.command}: cannot write all of its output: {error.strerror}\n")
    return int(options.unasked)


def _interrupted(options: argparse.Namespace, error: KeyboardInterrupt) -> int:
    undone = f": {options.undone}" if options.undone else ""
    sys.stderr.write(f"{options.command}: interrupted{undone}\n")
    return error.code if isinstance(error, EndedError) else INTERRUPTED


def _program() -> str:
    """Return what the user has called us by."""
    own = Path(sys.argv[0]).stem == completion.SCRIPT
    return completion.SCRIPT if own else "python -m conformance"


def _expect_command(words: Sequence[str], parser: argparse.ArgumentParser) -> None:
    """End with all commands where none is named, and with a question where one nearly is."""
    if not words:
        parser.print_help(sys.stderr)
        parser.exit(USAGE)
    known = completion.commands(parser)
    near = get_close_matches(words[0], known)
    if words[0] not in known and near and not words[0].startswith("-"):
        parser.error(f"there is no command {words[0]!r}: did you mean {' or '.join(near)}?")


def _choose(arguments: Sequence[str] | None) -> list[str]:
    """Choose the domain that arguments name; return the others."""
    parser = _domain()
    named, rest = parser.parse_known_args(arguments)
    if named.domain:
        try:
            chosen.choose(named.domain, Path.cwd())
        except chosen.UnknownDomainError as error:
            parser.error(str(error))
    return rest


def _domain() -> argparse.ArgumentParser:
    """Return what reads the domain, which decides what other arguments mean, wherever it stands."""
    parser = argparse.ArgumentParser(prog=_program(), add_help=False, allow_abbrev=False)
    parser.add_argument(
        chosen.OPTION,
        metavar="MODULE",
        help=f"the domain that this module defines as DOMAIN ({chosen.VARIABLE}; "
        f"default: {chosen.DEFAULT})",
    )
    return parser


def command_parser() -> argparse.ArgumentParser:
    """Return what reads the arguments of all commands."""
    parser = argparse.ArgumentParser(prog=_program(), description=DESCRIPTION, parents=[_domain()])
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="print the version of this package, and end"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    parser.set_defaults(undone="", further=False, unasked=FAILED)
    adders = (
        _add_test,
        explain.add,
        findings.add,
        reports.add,
        _add_versions,
        gate.add,
        migrate.add,
        audit.add,
        mutants.add,
        seeds.add,
        _add_soak,
        campaign.add,
        init.add,
    )
    for add in adders:
        add(commands)
    completion.add(commands, parser)
    return parser


class _Version(argparse.Action):
    """Prints the version, which is read only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print it, and end."""
        try:
            known = version(completion.SCRIPT)
        except PackageNotFoundError:
            known = "of a checkout"
        say(f"{completion.SCRIPT} {known}")
        parser.exit()


def _add_test(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    summary = "prove the schema: pytest on the suite, wherever that is installed"
    parser = commands.add_parser(
        "test",
        help=summary,
        description=f"{sentence(summary)} Arguments are pytest's and the suite's, such as --rule "
        "INV-T2, -k WORDS, --migrations DIR and --conformance-report FILE. `pytest --pyargs "
        "conformance --help` lists all of them.",
    )
    parser.set_defaults(run=_run_test, further=True)


def _run_test(options: argparse.Namespace) -> None:
    # A process of its own: pytest rewrites what it is the first to import. And without the current
    # folder (-P), which may have packages of the user's with the names of ours.
    suite = str(Path(__file__).resolve().parent)
    name = f"{_program()} {options.command}"
    pytest = (
        sys.executable,
        "-P",
        "-c",
        PYTEST,
        name,
        "-p",
        PLUGIN,
        *ALONE,
        "--rootdir",
        os.curdir,
    )
    os.execv(sys.executable, [*pytest, suite, *options.arguments])  # noqa: S606 - as said


def _add_soak(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    summary = "let many clients work at once at full speed, and ask whether every rule held"
    parser = commands.add_parser("soak", help=summary, description=sentence(summary))
    parser.add_argument(
        "--seconds",
        metavar="N",
        type=seconds,
        default=60.0,
        help="how long the clients work (default: %(default)g)",
    )
    parser.add_argument(
        "--clients",
        metavar="N",
        type=_clients,
        default=8,
        help="how many of them (default: %(default)d)",
    )
    parser.add_argument(
        "--kill",
        action="store_true",
        help="kill the server at random moments, with durability on, and look what it has lost",
    )
    parser.add_argument(
        "--history",
        action="store_true",
        help="make every commit again afterwards, and ask all rules after each: "
        "what broke a rule for a moment is found too",
    )
    parser.add_argument(
        "--cycles",
        action="store_true",
        help="read rows as well, and look afterwards for cycles of dependencies that a level of "
        "isolation forbids",
    )
    parser.add_argument(
        "--elle",
        metavar="FILE",
        type=Path,
        help="write what was read and written for Elle, an outside checker; implies --cycles",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        help="what the clients draw (default: another one each time, shown)",
    )
    add_server(parser)
    undone = "its server or database is gone with it"
    parser.set_defaults(run=_run_soak, undone=undone, unasked=UNASKED)


def _run_soak(options: argparse.Namespace) -> int:
    from conformance.framecast.soak.command import soak  # noqa: PLC0415 - all operations, which others need not

    return soak(options, say)


def _add_versions(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    summary = "print the verdicts of several runs side by side, rule by major"
    parser = commands.add_parser("versions", help=summary, description=sentence(summary))
    parser.add_argument(
        "reports",
        metavar="FILE",
        nargs="+",
        type=Path,
        help="a report a major: JSON of framecast-conformance test --conformance-report",
    )
    parser.add_argument(
        "--preview",
        metavar="FILE",
        action="append",
        default=[],
        type=Path,
        help="a further report that is shown, if it is there, and decides nothing",
    )
    parser.set_defaults(run=_run_versions, undone="nothing was changed")


def _run_versions(options: argparse.Namespace) -> None:
    if not versions(options.reports, options.preview, say):
        message = "not every rule is held on every major, by a run that is green"
        raise ReportError(message)


def _clients(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_CLIENTS:
        message = f"{text!r} is not a number of clients from 1 to {MOST_CLIENTS}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def run() -> NoReturn:
    """Run one command as a process of its own: the script `framecast-conformance`."""
    # What psycopg warns of after an interrupt (a rollback that it could not send) tells users
    # nothing: the server rolls back by itself when the connection closes.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    sys.exit(main())
